// Package wait has tests wait for what other goroutines bring about.
package wait

import (
	"testing"
	"time"
)

// For fails the test unless ok becomes true in time.
func For(t testing.TB, atMost time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(atMost); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", atMost, what)
		}
	}
}
