package alloc

// Stats are the counts of one mode, since the process started or as they are now.
type Stats struct {
	// Exchanges counts exchanges that have ended.
	Exchanges uint64
	// Misses counts those of them that did not fit into their slab (arena,
	// greentea). Exchanges less Misses are the hits.
	Misses uint64
	// Overflows counts the buffers that were taken beside a slab, and in
	// standard mode those that no pool has the size of.
	Overflows uint64
	// BytesInUse is the memory that exchanges and connections hold now.
	BytesInUse int64
	// BytesKept is the memory that is held ready for others. In standard mode
	// only the garbage collector knows, and it is 0.
	BytesKept int64
	// Chunks is how many slabs and chunks there are, in use or kept. Standard mode
	// has none.
	Chunks int
}

// ReadStats returns the counts of each mode. It looks at every Memory there is, so
// it is meant for scrapes rather than for exchanges.
func ReadStats() (s [Modes]Stats) {
	registry.Lock()
	defer registry.Unlock()
	for m := range s {
		s[m] = registry.past[m]
		for _, r := range registry.list[m] {
			s[m].add(r)
			s[m].BytesInUse += r.inUse()
			s[m].BytesKept += r.kept()
			if r.size > 0 && r.state.Load() != empty {
				s[m].Chunks++
			}
		}
		for _, pieces := range [...][]piece{registry.spare[m], registry.quarantine[m]} {
			s[m].BytesKept += int64(bytesOf(pieces))
			s[m].Chunks += len(pieces)
		}
	}
	return s
}

// add adds what r has counted.
func (s *Stats) add(r *record) {
	s.Exchanges += r.exchanges.Load()
	s.Misses += r.misses.Load()
	s.Overflows += r.overflows.Load()
}
