package message

import "github.com/shockwave-ingress/shockwave/pkg/alloc"

// Fields is the field section of a message: field lines in the order of the
// wire, repeated ones included. It refers to bytes by offset, so it holds no
// pointer for each field.
//
// The names and values it returns are views: of the buffer of the parsed head
// for fields that were parsed, of its own memory for fields that were added.
// The former are valid as long as that buffer is, the latter until Reset.
type Fields struct {
	head  []byte // what parsed fields point into
	own   []byte // what added fields point into
	list  []field
	known uint64 // one bit for each Name that occurs
}

type field struct {
	nameAt, valueAt   uint32
	nameLen, valueLen uint32
	name              Name
	place             place
}

// place says which bytes a field points into.
type place uint8

const (
	inHead place = iota
	inOwn
	removed
)

// maxKeptOwn bounds the memory that a reused Fields keeps for added fields.
const maxKeptOwn = 4 << 10

// Reset empties f, for a message whose head is in buf.
func (f *Fields) Reset(buf []byte) {
	f.head = buf
	f.list = f.list[:0]
	f.known = 0
	if cap(f.own) > maxKeptOwn {
		f.own = nil
	}
	f.own = f.own[:0]
}

// AddParsed appends a field line whose name and value are in the buffer given to
// Reset, at these offsets. The parser has checked both.
func (f *Fields) AddParsed(nameAt, nameEnd, valueAt, valueEnd int) {
	n := LookupName(f.head[nameAt:nameEnd])
	f.list = append(f.list, field{
		nameAt: uint32(nameAt), nameLen: uint32(nameEnd - nameAt),
		valueAt: uint32(valueAt), valueLen: uint32(valueEnd - valueAt),
		name: n, place: inHead,
	})
	f.known |= 1 << n
}

// Add appends a field line. It copies value.
func (f *Fields) Add(n Name, value []byte) {
	f.AddName(n.String(), value)
}

// AddName appends a field line with any name. It copies both. The caller vouches
// that they are valid (RFC 9110, section 5).
func (f *Fields) AddName(name string, value []byte) {
	at := len(f.own)
	f.own = append(f.own, name...)
	f.own = append(f.own, value...)
	n := LookupName(f.own[at : at+len(name)])
	f.list = append(f.list, field{
		nameAt: uint32(at), nameLen: uint32(len(name)),
		valueAt: uint32(at + len(name)), valueLen: uint32(len(value)),
		name: n, place: inOwn,
	})
	f.known |= 1 << n
}

// Set removes all fields named n and appends one.
func (f *Fields) Set(n Name, value []byte) {
	f.Del(n)
	f.Add(n, value)
}

// Del removes all fields named n.
func (f *Fields) Del(n Name) {
	if !f.Has(n) {
		return
	}
	for i := range f.list {
		if f.list[i].name == n {
			f.list[i].place = removed
		}
	}
	f.known &^= 1 << n
}

// DelName removes all fields of any name, in any case.
func (f *Fields) DelName(name string) {
	if n := LookupName(alloc.Bytes(name)); n != Unknown {
		f.Del(n)
		return
	}
	for i := f.IndexName(name, 0); i >= 0; i = f.IndexName(name, i+1) {
		f.Remove(i)
	}
}

// Remove removes the i-th field. Positions of the others stay as they are.
func (f *Fields) Remove(i int) {
	n := f.list[i].name
	f.list[i].place = removed
	if n == Unknown {
		return
	}
	for j := range f.list {
		if f.list[j].name == n && f.list[j].place != removed {
			return
		}
	}
	f.known &^= 1 << n
}

// Len is the number of positions, those of removed fields included.
func (f *Fields) Len() int { return len(f.list) }

// At returns the i-th field line, or ok false when it was removed.
func (f *Fields) At(i int) (n Name, name, value []byte, ok bool) {
	e := &f.list[i]
	switch e.place {
	case inHead:
		return e.name, f.head[e.nameAt : e.nameAt+e.nameLen], f.head[e.valueAt : e.valueAt+e.valueLen], true
	case inOwn:
		return e.name, f.own[e.nameAt : e.nameAt+e.nameLen], f.own[e.valueAt : e.valueAt+e.valueLen], true
	}
	return Unknown, nil, nil, false
}

// Has tells whether a field named n, a known name, is there.
func (f *Fields) Has(n Name) bool { return f.known&^1&(1<<n) != 0 }

// Index returns the position of the first field named n, a known name, from
// position i on, or -1.
func (f *Fields) Index(n Name, i int) int {
	if !f.Has(n) {
		return -1
	}
	for ; i < len(f.list); i++ {
		if e := &f.list[i]; e.name == n && e.place != removed {
			return i
		}
	}
	return -1
}

// IndexName is Index for any name, in any case.
func (f *Fields) IndexName(name string, i int) int {
	n := LookupName(alloc.Bytes(name))
	if n != Unknown {
		return f.Index(n, i)
	}
	for ; i < len(f.list); i++ {
		if f.list[i].name != Unknown {
			continue
		}
		if _, b, _, ok := f.At(i); ok && EqualFold(b, name) {
			return i
		}
	}
	return -1
}

// Get returns the value of the first field named n.
func (f *Fields) Get(n Name) (value []byte, ok bool) {
	if i := f.Index(n, 0); i >= 0 {
		_, _, value, ok = f.At(i)
	}
	return value, ok
}

// Count is the number of fields named n, a known name.
func (f *Fields) Count(n Name) int {
	c := 0
	for i := f.Index(n, 0); i >= 0; i = f.Index(n, i+1) {
		c++
	}
	return c
}

// Lookup returns the value of the first field of any name, in any case.
func (f *Fields) Lookup(name string) (value []byte, ok bool) {
	if i := f.IndexName(name, 0); i >= 0 {
		_, _, value, ok = f.At(i)
	}
	return value, ok
}
