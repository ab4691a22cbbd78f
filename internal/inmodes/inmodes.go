// Package inmodes runs the tests of a package once in each allocation mode: what the
// engine does on the wire must not depend on where its memory comes from.
package inmodes

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// mode is the one that tests run in.
var mode = alloc.Standard

// Mode is the mode that the tests run in now. Servers under test are made with it.
func Mode() alloc.Mode { return mode }

// Main is for TestMain: it runs all tests in each mode, then the checks, which tell
// what the tests have left behind, and ends the process. With the build tag
// pooldebug memory that was not released is an error, too. -short runs standard mode
// only, and so does a benchmark or the listing of tests.
func Main(m *testing.M, checks ...func() error) {
	code := 0
	for mode = range alloc.Mode(alloc.Modes) {
		fmt.Printf("=== allocation mode %s\n", mode)
		if c := m.Run(); c != 0 {
			code = c
		}
		for _, check := range append(checks, Released) {
			if err := check(); err != nil && code == 0 {
				fmt.Fprintf(os.Stderr, "in allocation mode %s: %v\n", mode, err)
				code = 1
			}
		}
		if testing.Short() || code != 0 || flagSet("bench") || flagSet("list") || flagSet("fuzz") {
			break
		}
	}
	os.Exit(code)
}

func flagSet(name string) bool {
	for _, arg := range os.Args[1:] {
		if strings.HasPrefix(strings.TrimLeft(arg, "-"), "test."+name+"=") {
			return !strings.HasSuffix(arg, "=")
		}
	}
	return false
}

// Released waits until all memory is released, which an ended connection may do a
// moment after its client has seen the end. Only the build tag pooldebug knows.
func Released() error {
	var left []string
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = alloc.Outstanding(); len(left) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d pieces of memory were not released; one was taken at:\n%s", len(left), left[0])
}
