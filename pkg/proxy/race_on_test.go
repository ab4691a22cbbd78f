//go:build race

package proxy_test

// raceDetector tells that the race detector is on: it makes sync.Pool forget at
// random, so that allocations cannot be counted.
const raceDetector = true
