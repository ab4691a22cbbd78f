//go:build pooldebug

package alloc

import (
	"runtime/debug"
	"strings"
	"testing"
)

// panics returns what f panics with.
func panics(f func()) (message string) {
	defer func() {
		switch v := recover().(type) {
		case string:
			message = v
		case error:
			message = v.Error()
		}
	}()
	f()
	return ""
}

func TestDoubleRelease(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		x := TakeMemory(m)
		x.Release()
		TakeMemory(m).Release() // somebody else may have it now
		message := panics(x.Release)
		if !strings.Contains(message, "released twice") || !strings.Contains(message, "debug_test.go") {
			t.Errorf("it panics with %q", message)
		}
	})
}

func TestUseAfterRelease(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		r := Take(m)
		b := r.Alloc(10)
		r.Release()
		for name, f := range map[string]func(){
			"Alloc": func() { r.Alloc(10) },
			"Grow":  func() { r.Grow(b, 100_000) },
			"Free":  func() { r.Free(b) },
		} {
			if message := panics(f); !strings.Contains(message, "used after its release") {
				t.Errorf("%s panics with %q", name, message)
			}
		}
	})
}

// Whoever reads a view too late reads poison, or faults where the slab can be put
// out of reach.
func TestReleasedMemoryIsPoison(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		debug.SetPanicOnFault(true) // of this goroutine
		r := Take(m)
		b := append(r.Alloc(100)[:0], "secret"...)
		r.Release()
		read := ""
		fault := panics(func() { read = string(b) })
		if fault == "" && read != strings.Repeat("\xdb", len("secret")) {
			t.Errorf("it reads %q", read)
		}
		if m == Arena && arenaSource == "mmap" && fault == "" {
			t.Error("memory outside the heap can still be reached")
		}
	})
}

func TestWriteAfterRelease(t *testing.T) {
	for _, m := range []Mode{Standard, GreenTea} {
		r := Take(m)
		b := r.Alloc(100)
		r.Release()
		b[50] = 'x'
		message := panics(func() {
			for range 1000 { // until somebody gets it
				TakeMemory(m).Work.Alloc(100)
			}
		})
		if !strings.Contains(message, "written to after its release") {
			t.Errorf("%v: it panics with %q", m, message)
		}
	}
}

func TestOutstanding(t *testing.T) {
	before := len(Outstanding())
	x := TakeMemory(Standard)
	list := Outstanding()
	if len(list) != before+1 || !strings.Contains(strings.Join(list, ""), "TestOutstanding") {
		t.Errorf("%d are outstanding: %v", len(list), list)
	}
	x.Release()
	TakeMemory(Arena).Abandon()
	if n := len(Outstanding()); n != before {
		t.Errorf("%d are outstanding after the release, %d before", n, before)
	}
}
