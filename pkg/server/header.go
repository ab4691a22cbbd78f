package server

import (
	"bytes"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Header is the fields of a request or a response: field lines in order, repeated
// ones included. Names are compared without the case of letters, and written as
// they were given. The zero value is empty and ready for use.
//
// Strings that a Header of an exchange returns are views of the connection's
// memory: they are valid until the handler returns. Whoever keeps one copies it
// (strings.Clone), or keeps a Clone of the Header.
//
// Nothing invalid is ever sent (RFC 9110, section 5.5). In values CR, LF, NUL and
// other control characters become spaces, and white space at both ends is cut. A
// field whose name is not a token is not added; a response that it was meant for
// becomes a 500, and a line in the log says why: it is a mistake in the program.
//
// The names and values that a program has put into one Header may be 1 MiB long
// together. A field beyond that is not added, with the same consequence. What Set
// and Del remove does not count any more.
type Header struct {
	f      *message.Fields // nil: nothing was added yet
	wrong  string          // what the first mistake was
	visits atomic.Int32    // calls of VisitAll and Values under way
	frozen bool            // it was sent: changes have no effect
	after  bool            // it is sent after a body
}

// maxAdded bounds the bytes that a program puts into one Header.
const maxAdded = 1 << 20

// Get returns the value of the first field of that name, or "".
func (h *Header) Get(name string) string {
	if h.f == nil {
		return ""
	}
	value, _ := h.f.Lookup(name)
	return alloc.String(value)
}

// Has tells whether there is a field of that name.
func (h *Header) Has(name string) bool { return h.f != nil && h.f.IndexName(name, 0) >= 0 }

// Values returns the values of all fields of that name, in order. It allocates
// nothing.
func (h *Header) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) { h.visit(name, yield) }
}

func (h *Header) visit(name string, yield func(string) bool) {
	if h.f == nil {
		return
	}
	h.visits.Add(1)
	defer h.visits.Add(-1)
	for i := h.f.IndexName(name, 0); i >= 0; i = h.f.IndexName(name, i+1) {
		if _, _, value, _ := h.f.At(i); !yield(alloc.String(value)) {
			return
		}
	}
}

// Len returns the number of field lines.
func (h *Header) Len() int {
	n := 0
	if h.f != nil {
		for i := range h.f.Len() {
			if _, _, _, ok := h.f.At(i); ok {
				n++
			}
		}
	}
	return n
}

// VisitAll calls visit with each field line in order. visit may change fields; it
// sees fields that it adds.
func (h *Header) VisitAll(visit func(name, value string)) {
	if h.f == nil {
		return
	}
	h.visits.Add(1)
	defer h.visits.Add(-1)
	for i := 0; i < h.f.Len(); i++ {
		if _, name, value, ok := h.f.At(i); ok {
			visit(alloc.String(name), alloc.String(value))
		}
	}
}

// Set puts one field in place of the first of that name and removes the others. When
// there is none, it adds one at the end. It copies both strings.
func (h *Header) Set(name, value string) {
	if h.frozen {
		return
	}
	h.tidy()
	at := -1
	if h.f != nil {
		// value may be a view of what is removed: its bytes stay as they are.
		at = h.f.DelName(name)
	}
	h.put(at, name, value)
}

// Add adds a field line at the end. It copies both strings.
func (h *Header) Add(name, value string) {
	if h.frozen {
		return
	}
	h.tidy()
	h.put(-1, name, value)
}

// tidy keeps what was removed from piling up.
func (h *Header) tidy() {
	if h.f == nil {
		return
	}
	h.f.Tidy()
	if h.visits.Load() == 0 {
		h.f.Shrink()
	}
}

// put adds a field line in the position at, which is free, or at the end for -1.
func (h *Header) put(at int, name, value string) {
	if h.f == nil {
		h.f = new(message.Fields)
	}
	b := alloc.Bytes(value)
	switch {
	case !http11.ValidFieldName(alloc.Bytes(name)):
		h.refuse("field name is none", name)
		return
	case h.after && message.LookupName(alloc.Bytes(name)) != message.Unknown:
		h.refuse("field cannot be a trailer", name) // its recipient had to know before
		return
	case h.f.Added()+len(name)+len(value) > maxAdded:
		h.refuse("fields are too large at", name)
		return
	case !http11.ValidFieldValue(b):
		b = cleanValue(b)
	}
	if at >= 0 {
		h.f.PutName(at, name, b)
	} else {
		h.f.AddName(name, b)
	}
}

// Del removes all fields of that name.
func (h *Header) Del(name string) {
	if h.f != nil && !h.frozen {
		h.f.DelName(name)
	}
}

// Clone returns a copy that lives as long as it is used.
func (h *Header) Clone() *Header {
	c := &Header{f: new(message.Fields)}
	h.VisitAll(func(name, value string) { c.f.AddName(name, alloc.Bytes(value)) })
	return c
}

// attach makes h a view of f.
func (h *Header) attach(f *message.Fields) { *h = Header{f: f} }

// delAll removes all fields. Views of them stay valid.
func (h *Header) delAll() {
	if h.f == nil || h.frozen {
		return
	}
	for i := range h.f.Len() {
		h.f.Remove(i)
	}
}

// clear makes h empty and new, when the handler has returned.
func (h *Header) clear() {
	h.wrong, h.frozen = "", false
	if h.f != nil {
		h.f.Reset(nil)
	}
}

// refuse remembers the first mistake.
func (h *Header) refuse(text, name string) {
	if h.wrong == "" {
		h.wrong = fmt.Sprintf("%s: %.64q", text, name)
	}
}

func validValue(s string) bool { return http11.ValidFieldValue(alloc.Bytes(s)) }

// cleanValue returns a copy of b that can be written as a field value.
func cleanValue(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			b[i] = ' '
		}
	}
	return bytes.Trim(b, " \t")
}
