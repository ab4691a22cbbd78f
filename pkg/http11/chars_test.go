package http11

import (
	"bytes"
	"testing"
)

// Eight bytes at a time must find what one at a time finds, wherever the byte
// stands and whatever surrounds it.
func TestTextAndTargetEnds(t *testing.T) {
	for _, of := range []struct {
		name  string
		end   func([]byte, int) int
		class uint8
		fill  string
	}{
		{"text", textEnd, fieldText, " ~\x80\xff\ta"},
		{"target", targetEnd, targetText, "!~$\"a"},
	} {
		for _, fill := range []byte(of.fill) {
			for c := range 256 {
				for length := range 20 {
					for at := range length {
						b := bytes.Repeat([]byte{fill}, length)
						b[at] = byte(c)
						want := length
						if !is(byte(c), of.class) {
							want = at
						}
						if got := of.end(b, 0); got != want {
							t.Fatalf("%s: %q ends at %d, want %d", of.name, b, got, want)
						}
					}
				}
			}
		}
	}
}

func TestEndsAmongManyWrongBytes(t *testing.T) {
	// A borrow between bytes must not hide or invent one before the first.
	for first := range 256 {
		for second := range 256 {
			b := []byte{'a', byte(first), byte(second), 0, 0x7f, '#', 'a', 'a', 'a'}
			text, target := 1, 1
			for is(b[text], fieldText) {
				text++
			}
			for is(b[target], targetText) {
				target++
			}
			if got := textEnd(b, 0); got != text {
				t.Fatalf("text %q ends at %d, want %d", b, got, text)
			}
			if got := targetEnd(b, 0); got != target {
				t.Fatalf("target %q ends at %d, want %d", b, got, target)
			}
		}
	}
}

func TestValidNamesAndValues(t *testing.T) {
	for s, want := range map[string][2]bool{ // as a name, as a value
		"a": {true, true}, "X-One_2.~": {true, true}, "": {false, true}, "a b": {false, true}, "a\tb": {false, true},
		" a": {false, false}, "a ": {false, false}, "\ta": {false, false}, "a\r\nb": {false, false}, "a\n": {false, false},
		"a\x00": {false, false}, "\x7f": {false, false}, "\xe4": {false, true}, "a:b": {false, true}, "a\x1b[0m45678": {false, false},
	} {
		if got := [2]bool{ValidFieldName([]byte(s)), ValidFieldValue([]byte(s))}; got != want {
			t.Errorf("%q: valid name, value %v, want %v", s, got, want)
		}
	}
}
