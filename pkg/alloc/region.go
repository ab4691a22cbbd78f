package alloc

import "sync"

// Region is a group of buffers that are released together. The zero value is
// not usable: see Take.
type Region struct {
	mode  Mode
	count int
	first [8]*block // most exchanges need no more
	rest  []*block
}

var regions = sync.Pool{New: func() any { return new(Region) }}

// Take returns an empty region of mode m. The caller must Release it once.
func Take(m Mode) *Region {
	r := regions.Get().(*Region)
	r.mode = m
	return r
}

// Mode is the mode that r was taken with.
func (r *Region) Mode() Mode { return r.mode }

// Alloc returns a buffer of length n, and at least that capacity, with
// undefined contents. It is valid until r is released or the buffer is passed
// to Grow or Free.
func (r *Region) Alloc(n int) []byte {
	b := takeBlock(n)
	r.hold(b)
	return b.bytes[:n]
}

// Grow returns a buffer of capacity n or more with the contents and the length
// of buf, which must be a buffer of r from its first byte, and which must not
// be used any more.
func (r *Region) Grow(buf []byte, n int) []byte {
	if n <= cap(buf) {
		return buf
	}
	grown := r.Alloc(n)[:len(buf)]
	copy(grown, buf)
	r.Free(buf)
	return grown
}

// Free gives one buffer of r back before the others. It does nothing for a
// buffer that is not r's from its first byte.
func (r *Region) Free(buf []byte) {
	if cap(buf) == 0 {
		return
	}
	start := &buf[:1][0]
	for i := r.count - 1; i >= 0; i-- {
		if b := r.at(i); &b.bytes[0] == start {
			last := r.at(r.count - 1)
			r.set(i, last)
			r.set(r.count-1, nil)
			r.count--
			if r.count >= len(r.first) {
				r.rest = r.rest[:r.count-len(r.first)]
			}
			b.release()
			return
		}
	}
}

// Release gives all buffers of r, and r itself, back. Neither may be used
// afterwards.
func (r *Region) Release() {
	for i := range r.count {
		r.at(i).release()
		r.set(i, nil)
	}
	r.count = 0
	if cap(r.rest) > maxKeptRest {
		r.rest = nil
	}
	r.rest = r.rest[:0]
	regions.Put(r)
}

// maxKeptRest bounds the block list that a pooled region keeps.
const maxKeptRest = 64

func (r *Region) hold(b *block) {
	if r.count < len(r.first) {
		r.first[r.count] = b
	} else {
		r.rest = append(r.rest, b)
	}
	r.count++
}

func (r *Region) at(i int) *block {
	if i < len(r.first) {
		return r.first[i]
	}
	return r.rest[i-len(r.first)]
}

func (r *Region) set(i int, b *block) {
	if i < len(r.first) {
		r.first[i] = b
	} else {
		r.rest[i-len(r.first)] = b
	}
}
