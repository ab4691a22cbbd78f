package message

import (
	"slices"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// Fields is the field section of a message: field lines in the order of the
// wire, repeated ones included. It refers to bytes by offset, so it holds no
// pointer for each field.
//
// The names and values it returns are views: of the buffer of the parsed head
// for fields that were parsed, of its own memory for fields that were added.
// The former are valid as long as that buffer is, the latter until Reset, also
// those of fields that were removed: until then no byte is written twice.
type Fields struct {
	head  []byte // what parsed fields point into
	own   []byte // what added fields point into
	list  []field
	known uint64 // one bit for each Name that occurs
	gone  int    // positions in list of fields that were removed
	waste int    // bytes in own of fields that were removed
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

// maxKeptOwn bounds the memory that a reused Fields keeps for added fields, and
// maxKeptList the positions.
const (
	maxKeptOwn  = 4 << 10
	maxKeptList = 1 << 10
)

// Reset empties f, for a message whose head is in buf.
func (f *Fields) Reset(buf []byte) {
	f.head = buf
	if cap(f.list) > maxKeptList {
		f.list = nil
	}
	f.list = f.list[:0]
	f.known, f.gone, f.waste = 0, 0, 0
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
	f.list = append(f.list, f.copied(name, value))
}

// PutName makes the i-th field, which was removed, one of any name. It copies both,
// as AddName does.
func (f *Fields) PutName(i int, name string, value []byte) {
	f.list[i] = f.copied(name, value)
	f.gone--
}

// copied returns a field of copies in f's own memory.
func (f *Fields) copied(name string, value []byte) field {
	at := len(f.own)
	f.own = append(f.own, name...)
	f.own = append(f.own, value...)
	n := LookupName(f.own[at : at+len(name)])
	f.known |= 1 << n
	return field{
		nameAt: uint32(at), nameLen: uint32(len(name)),
		valueAt: uint32(at + len(name)), valueLen: uint32(len(value)),
		name: n, place: inOwn,
	}
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
			f.drop(i)
		}
	}
	f.known &^= 1 << n
}

// drop marks the i-th field as removed.
func (f *Fields) drop(i int) {
	e := &f.list[i]
	switch e.place {
	case removed:
		return
	case inOwn:
		f.waste += int(e.nameLen + e.valueLen)
	}
	e.place = removed
	f.gone++
}

// DelName removes all fields of any name, in any case. It returns the position of
// the first, or -1.
func (f *Fields) DelName(name string) (first int) {
	first = f.IndexName(name, 0)
	if first < 0 {
		return first
	}
	if n := f.list[first].name; n != Unknown {
		f.Del(n)
		return first
	}
	for i := first; i >= 0; i = f.IndexName(name, i+1) {
		f.drop(i)
	}
	return first
}

// Remove removes the i-th field. Positions of the others stay as they are.
func (f *Fields) Remove(i int) {
	n := f.list[i].name
	f.drop(i)
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

// Added is the number of bytes in the names and values of fields that were added
// and not removed.
func (f *Fields) Added() int { return len(f.own) - f.waste }

// Those who change fields again and again have Tidy and Shrink keep f no larger
// than some times what is in it, at a cost that is small beside that of the changes.
const (
	spareOwn  = maxKeptOwn
	spareList = 32
)

// Tidy drops the memory of fields that were removed when it is more than that of
// the others. Views of it stay valid until Reset: what is kept is copied.
func (f *Fields) Tidy() {
	if f.waste <= f.Added()+spareOwn {
		return
	}
	own := make([]byte, 0, 2*f.Added()+spareOwn)
	for i := range f.list {
		e := &f.list[i]
		if e.place != inOwn {
			continue
		}
		at := uint32(len(own))
		own = append(own, f.own[e.nameAt:e.nameAt+e.nameLen]...)
		own = append(own, f.own[e.valueAt:e.valueAt+e.valueLen]...)
		e.nameAt, e.valueAt = at, at+e.nameLen
	}
	f.own, f.waste = own, 0
}

// Shrink drops the positions of removed fields when they are more than those of the
// others. It changes positions, so nobody may be going through them.
func (f *Fields) Shrink() {
	if f.gone <= len(f.list)-f.gone+spareList {
		return
	}
	f.list = slices.DeleteFunc(f.list, func(e field) bool { return e.place == removed })
	f.gone = 0
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
