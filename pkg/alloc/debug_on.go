//go:build pooldebug

package alloc

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

const debugging = true

// poisonByte is what released memory is filled with: no ASCII, no UTF-8 on its own,
// and large as any integer.
const poisonByte = 0xdb

var poisoned = bytes.Repeat([]byte{poisonByte}, 4<<10)

// grave is where a Memory was released.
type grave struct{ buried string }

// living are the Memory in use, with where each was taken.
var living struct {
	sync.Mutex
	taken map[*record]string
	dead  map[*byte]string // where slabs were released, by their first byte
}

// Outstanding lists where each Memory was taken that was neither released nor
// abandoned.
func Outstanding() []string {
	living.Lock()
	defer living.Unlock()
	var list []string
	for _, stack := range living.taken {
		list = append(list, stack)
	}
	slices.Sort(list)
	return list
}

func stack() string { return string(debug.Stack()) }

func poison(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, poisoned):]
	}
}

func mustBePoison(b []byte, what string) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), len(poisoned))
		if !bytes.Equal(rest[:n], poisoned[:n]) {
			panic(fmt.Sprintf("alloc: %s was written to after its release, which was at:\n%s", what, released(b)))
		}
		rest = rest[n:]
	}
}

func released(b []byte) string {
	living.Lock()
	defer living.Unlock()
	if s := living.dead[&b[0]]; s != "" {
		return s
	}
	return "an unknown place"
}

// bury notes that x is released.
func (x *Memory) bury() {
	living.Lock()
	if x.buried != "" {
		first := x.buried
		living.Unlock()
		panic("alloc: a Memory is released twice; it was at:\n" + first)
	}
	x.buried = stack()
	delete(living.taken, x.rec)
	if x.rec.bytes != nil {
		if living.dead == nil {
			living.dead = make(map[*byte]string)
		}
		living.dead[&x.rec.bytes[0]] = x.buried
	}
	living.Unlock()
}

// mustLive panics when x was released.
func (x *Memory) mustLive() {
	living.Lock()
	where := x.buried
	living.Unlock()
	if where != "" {
		panic("alloc: a region is used after its release, which was at:\n" + where)
	}
}

// unearth makes the bytes of r usable, and checks that nobody used them meanwhile.
func (r *record) unearth() {
	living.Lock()
	if living.taken == nil {
		living.taken = make(map[*record]string)
	}
	if r.size == slabSize || r.size == 0 { // not a chunk
		living.taken[r] = stack()
	}
	living.Unlock()
	if r.bytes == nil {
		return
	}
	reveal(r.bytes, r.from)
	mustBePoison(r.bytes, "a slab")
}

// seal poisons the bytes of p and puts them out of reach.
func (p piece) seal() {
	if p.bytes != nil {
		poison(p.bytes)
		hide(p.bytes, p.from)
	}
}
