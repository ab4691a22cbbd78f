package variable

import (
	"encoding/binary"
	"math"
)

// noBound is the bound of values that have none.
const noBound = math.MaxInt

// Append appends the text for an exchange. What is absent is left out.
func (e *Expression) Append(dst []byte, c *Context) []byte {
	return e.AppendEscaped(dst, c, EscapeNone, noBound)
}

// AppendEscaped is Append with the values, but not the text around them, escaped.
// Of each value it takes most bytes, before escaping: a client chooses how long some
// are.
func (e *Expression) AppendEscaped(dst []byte, c *Context, escape Escape, most int) []byte {
	s := sink{dst: dst, form: escape}
	for i := range e.parts {
		p := &e.parts[i]
		if p.id == literal {
			s.dst = append(s.dst, p.text...)
			continue
		}
		s.left = most
		if !s.value(p, c) && escape == EscapeDefault {
			s.dst = append(s.dst, '-')
		}
	}
	return s.dst
}

// AppendWithin is AppendEscaped for a dst that must not grow. Values are cut where
// there is no room, so that each still has least bytes; there must be room for
// Bound(escape, least).
func (e *Expression) AppendWithin(dst []byte, c *Context, escape Escape, most, least int) []byte {
	s := sink{dst: dst, form: escape}
	rest := e.Bound(escape, least) // what is kept for the parts to come
	for i := range e.parts {
		p := &e.parts[i]
		if p.id == literal {
			rest -= len(p.text)
			s.dst = append(s.dst, p.text...)
			continue
		}
		rest -= max(least*escape.growth(), len("-"))
		s.left = min(most, (cap(s.dst)-len(s.dst)-rest)/escape.growth())
		if !s.value(p, c) && escape == EscapeDefault {
			s.dst = append(s.dst, '-')
		}
	}
	return s.dst
}

// AppendKey appends a text that no exchange with other values has, which the text of
// Append is not: a client that chooses two values can move the end of one to the
// beginning of the other. Each value is followed by its length. It takes most bytes of
// each, as AppendEscaped does, and tells whether any value has a byte at all.
func (e *Expression) AppendKey(dst []byte, c *Context, most int) (key []byte, some bool) {
	s := sink{dst: dst}
	for i := range e.parts {
		p := &e.parts[i]
		if p.id == literal {
			s.dst = append(s.dst, p.text...)
			continue
		}
		s.left = most
		before := len(s.dst)
		s.value(p, c)
		length := len(s.dst) - before
		s.dst = binary.LittleEndian.AppendUint64(s.dst, uint64(length))
		some = some || length > 0
	}
	return s.dst, some
}

// Bound is at least the number of bytes that AppendEscaped appends with the same
// escape and most, whatever the exchange.
func (e *Expression) Bound(escape Escape, most int) int {
	n := 0
	for i := range e.parts {
		if p := &e.parts[i]; p.id == literal {
			n += len(p.text)
		} else {
			n += max(most*escape.growth(), len("-"))
		}
	}
	return n
}

// Hash is the hash (FNV-1a, 64 bits) of what Append appends. It is the same in every
// process, so that replicas agree.
func (e *Expression) Hash(c *Context) uint64 {
	s := sink{hash: fnvOffset, left: noBound, form: hashed}
	for i := range e.parts {
		if p := &e.parts[i]; p.id == literal {
			s.text(p.text)
		} else {
			s.value(p, c)
		}
		s.left = noBound
	}
	return s.hash
}

// Present tells whether the text has a variable, and all that it has are present: an
// exchange that lacks what a text is about can then be treated in another way.
func (e *Expression) Present(c *Context) bool {
	found := false
	s := sink{form: discarded}
	for i := range e.parts {
		if p := &e.parts[i]; p.id != literal {
			if !s.value(p, c) {
				return false
			}
			found = true
		}
	}
	return found
}
