// Package race tells tests whether the race detector, or the build tag pooldebug, is
// on. Both make pools forget what they hold and need memory of their own, so that
// neither allocations nor memory can be counted.
package race
