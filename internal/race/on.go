//go:build race || pooldebug

package race

// Enabled tells whether the race detector or pooldebug is on.
const Enabled = true
