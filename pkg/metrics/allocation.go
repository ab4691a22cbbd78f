package metrics

// Allocation is the state of the memory of one allocation mode.
type Allocation struct {
	// Mode is its name.
	Mode string
	// Exchanges counts those that have ended, Misses those of them that did
	// not fit into their slab, and Overflows the buffers taken beside one.
	Exchanges, Misses, Overflows uint64
	// InUse and Kept are bytes: held now, and held ready.
	InUse, Kept int64
	// Chunks counts slabs and chunks, in use or kept.
	Chunks int
}

// slabMode is the mode whose hits are shown as a ratio.
const slabMode = "greentea"

// allocation sends what is known of one mode.
func (o output) allocation(a Allocation) {
	o.value(allocExchanges, float64(a.Exchanges), a.Mode)
	o.value(allocMisses, float64(a.Misses), a.Mode)
	o.value(allocOverflows, float64(a.Overflows), a.Mode)
	o.value(allocInUse, float64(a.InUse), a.Mode)
	o.value(allocKept, float64(a.Kept), a.Mode)
	o.value(allocChunks, float64(a.Chunks), a.Mode)
	if a.Mode == slabMode && a.Exchanges > 0 {
		hits := float64(a.Exchanges) - float64(a.Misses)
		o.value(allocHitRatio, max(hits, 0)/float64(a.Exchanges)) // the two are not read at one instant
	}
}
