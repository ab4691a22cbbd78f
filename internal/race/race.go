// Package race tells tests whether the race detector is on. It makes sync.Pool
// forget at random and needs memory of its own, so that under it neither
// allocations nor memory can be counted.
package race
