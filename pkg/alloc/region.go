package alloc

// Region is a group of buffers that are released together, one of those of a
// Memory. Take returns one that stands alone.
type Region struct {
	// area[:at] is given out, and the newest buffer begins at last. In standard
	// mode there is no area.
	area     []byte
	at, last int
	missed   bool // a buffer did not come from the slab
	lone     bool // Release releases the Memory

	memory *Memory
	// What was taken beside the slab.
	count int
	first [4]*block // most exchanges need no more
	rest  []*block
}

// align is the boundary that buffers begin at: half a cache line.
const align = 32

// Take returns an empty region of mode m that stands alone: for what belongs to no
// connection's exchange, and for exchanges of another mode than their connection.
// The caller must Release it once.
func Take(m Mode) *Region {
	x := TakeMemory(m)
	x.Work.lone = true
	return &x.Work
}

// Mode is the mode that r was taken with.
func (r *Region) Mode() Mode { return r.memory.mode }

// Side returns another region with the life of r, the region that a handler uses, for
// another goroutine. What it gives never comes from the slab. It is released with r.
func (r *Region) Side() *Region { return &r.memory.side }

// Alloc returns a buffer of length n, and at least that capacity, with
// undefined contents. It is valid until r is released or the buffer is passed
// to Grow or Free.
func (r *Region) Alloc(n int) []byte {
	if debugging {
		r.memory.mustLive()
	}
	if n > len(r.area)-r.at {
		return r.beside(n)
	}
	return r.cut(n)
}

// cut gives out the next n bytes of the area, which are there.
func (r *Region) cut(n int) []byte {
	r.last = r.at
	r.at = min(r.at+(n+align-1)&^(align-1), len(r.area))
	return r.area[r.last : r.last+n : r.at]
}

// beside returns a buffer of length n that does not come from the slab.
func (r *Region) beside(n int) []byte {
	r.missed = true
	mode := r.memory.mode
	if mode != Standard || classOf(n) < 0 { // else there is a pool, and no slab to overflow
		r.memory.rec.overflows.Add(1)
	}
	if mode == Standard || mode == GreenTea && (classOf(n) >= 0 || chunkClass(n) < 0) {
		b := takeBlock(n)
		r.hold(b)
		return b.bytes[:n]
	}
	b := takeChunk(mode, n)
	r.hold(b)
	if !b.isArea() {
		return b.bytes[:n] // by itself, so that Free can give it back
	}
	r.area, r.at = b.bytes, 0 // what was left of the area is not worth a search
	return r.cut(n)
}

// Grow returns a buffer of capacity n or more with the contents and the length
// of buf, which must be a buffer of r from its first byte, and which must not
// be used any more.
func (r *Region) Grow(buf []byte, n int) []byte {
	if extended, ok := r.Extend(buf, n); ok {
		return extended
	}
	grown := r.Alloc(n)[:len(buf)]
	copy(grown, buf)
	r.Free(buf)
	return grown
}

// Extend is Grow when the buffer need not move: then ok is true and views of it stay
// valid. Otherwise it returns buf as it is.
func (r *Region) Extend(buf []byte, n int) (extended []byte, ok bool) {
	if debugging {
		r.memory.mustLive()
	}
	switch {
	case n <= cap(buf):
		return buf, true
	case !r.newest(buf) || n > len(r.area)-r.last:
		return buf, false
	}
	r.at = r.last
	return r.cut(n)[:len(buf)], true
}

// newest tells whether buf is the buffer that was cut last, from its first byte.
func (r *Region) newest(buf []byte) bool {
	return cap(buf) > 0 && r.last < r.at && &buf[:1][0] == &r.area[r.last]
}

// Free gives one buffer of r back before the others, where that is possible: one
// of a slab only when it is the newest. It does nothing for a buffer that is not
// r's from its first byte.
func (r *Region) Free(buf []byte) {
	if debugging {
		r.memory.mustLive()
	}
	if cap(buf) == 0 {
		return
	}
	if r.newest(buf) {
		if debugging {
			poison(r.area[r.last:r.at])
		}
		r.at = r.last
		return
	}
	start := &buf[:1][0]
	for i := r.count - 1; i >= 0; i-- {
		if b := r.held(i); &b.bytes[0] == start && !b.isArea() {
			r.set(i, r.held(r.count-1))
			r.set(r.count-1, nil)
			r.count--
			r.rest = r.rest[:max(0, r.count-len(r.first))]
			r.memory.rec.beside.Add(-b.size())
			b.release()
			return
		}
	}
}

// Release gives all buffers of r back. A region that stands alone must not be used
// afterwards; one of a Memory is empty and can be.
func (r *Region) Release() {
	if r.lone {
		r.memory.Release()
		return
	}
	r.rewind()
}

// Abandon is Memory.Abandon for the Memory that r belongs to.
func (r *Region) Abandon() { r.memory.Abandon() }

// rewind makes r an empty region.
func (r *Region) rewind() {
	if debugging {
		r.memory.mustLive()
		poison(r.memory.partOf(r))
	}
	r.reset()
	if x := r.memory; r == &x.Work {
		x.side.reset()
	}
}

// Switch returns an empty region of mode m in place of r, whose buffers it gives
// back: r itself when that is its mode, else one that stands alone.
func (r *Region) Switch(m Mode) *Region {
	if r.memory.mode == m {
		r.rewind()
		return r
	}
	for _, part := range []*Region{&r.memory.In, &r.memory.Out} {
		part.missed = false // the exchange is another Memory's to count
	}
	r.Release()
	return Take(m)
}

// EndExchange is Release at the end of an exchange, which it counts: as a hit
// when nothing had to be taken beside the slab. r must be the region that
// the handler used.
func (r *Region) EndExchange() {
	x := r.memory
	x.rec.exchanges.Add(1)
	if x.mode != Standard {
		missed := false
		for _, part := range x.regions() {
			missed = missed || part.missed || part.count > 0
			part.missed = false
		}
		if missed {
			x.rec.misses.Add(1)
		}
	}
	r.Release()
}

// reset gives what was taken beside the slab back, and begins the slab's part anew.
func (r *Region) reset() {
	r.at, r.last = 0, 0
	if r.count == 0 {
		return
	}
	beside := int64(0)
	for i := range r.count {
		b := r.held(i)
		beside += b.size()
		b.release()
		r.set(i, nil)
	}
	r.memory.rec.beside.Add(-beside)
	r.count = 0
	if cap(r.rest) > maxKeptRest {
		r.rest = nil
	}
	r.rest = r.rest[:0]
	r.area = r.memory.partOf(r)
}

// abandon forgets what was taken beside the slab without giving it back.
func (r *Region) abandon() {
	for i := range r.count {
		if b := r.held(i); b.rec != nil {
			retire(b.rec)
		}
		r.set(i, nil)
	}
	r.count, r.area, r.at, r.last = 0, nil, 0, 0
}

// partOf is the part of the slab that is r's. There is none in standard mode.
func (x *Memory) partOf(r *Region) []byte {
	b := x.rec.bytes
	switch {
	case b == nil:
		return nil
	case r == &x.In:
		return b[:inSize]
	case r == &x.Out:
		return b[inSize : inSize+outSize]
	case r == &x.Work:
		return b[inSize+outSize:]
	}
	return nil
}

// maxKeptRest bounds the block list that a pooled region keeps.
const maxKeptRest = 64

// hold makes r the owner of b.
func (r *Region) hold(b *block) {
	if r.count < len(r.first) {
		r.first[r.count] = b
	} else {
		r.rest = append(r.rest, b)
	}
	r.count++
	r.memory.rec.beside.Add(b.size())
}

func (r *Region) held(i int) *block {
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
