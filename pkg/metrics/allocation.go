package metrics

import "github.com/shockwave-ingress/shockwave/pkg/alloc"

// allocation sends what is known of the memory of one allocation mode.
func (o output) allocation(mode alloc.Mode, a alloc.Stats) {
	name := mode.String()
	o.value(allocExchanges, float64(a.Exchanges), name)
	o.value(allocMisses, float64(a.Misses), name)
	o.value(allocOverflows, float64(a.Overflows), name)
	o.value(allocInUse, float64(a.BytesInUse), name)
	o.value(allocKept, float64(a.BytesKept), name)
	o.value(allocChunks, float64(a.Chunks), name)
	if mode == alloc.GreenTea && a.Exchanges > 0 {
		hits := float64(a.Exchanges) - float64(a.Misses)
		o.value(allocHitRatio, max(hits, 0)/float64(a.Exchanges)) // the two are not read at one instant
	}
}
