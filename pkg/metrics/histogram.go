package metrics

import (
	"sync/atomic"
	"time"
)

// series holds the histograms of one route, method and status in one piece of
// memory without pointers: for each histogram its buckets, the last one without
// a bound, and then the sum of what was observed as an integer. The number of
// exchanges is the number of observations of the request's duration.
type series struct {
	key   key
	cells []atomic.Uint64
}

// layout says where in series.cells each histogram begins, and its bounds.
type layout struct {
	timeBounds   []int64 // nanoseconds
	lengthBounds []int64 // bytes
	// bounds as they were asked for, which is how they are shown.
	timeShown, lengthShown []float64

	request, response, header, connect int
	requestSize, responseSize          int
	cells                              int
}

func newLayout(o *options) layout {
	l := layout{timeShown: o.timeBuckets, lengthShown: o.lengthBuckets}
	for _, b := range o.timeBuckets {
		l.timeBounds = append(l.timeBounds, int64(b*float64(time.Second)))
	}
	for _, b := range o.lengthBuckets {
		l.lengthBounds = append(l.lengthBounds, int64(b))
	}
	place := func(bounds []int64) int {
		at := l.cells
		l.cells += len(bounds) + 2
		return at
	}
	l.request = place(l.timeBounds)
	l.response = place(l.timeBounds)
	l.header = place(l.timeBounds)
	l.connect = place(l.timeBounds)
	l.requestSize = place(l.lengthBounds)
	l.responseSize = place(l.lengthBounds)
	return l
}

func newSeries(k key, l *layout) *series {
	return &series{key: k, cells: make([]atomic.Uint64, l.cells)}
}

func (s *series) addTime(l *layout, at int, d time.Duration) {
	s.observe(at, l.timeBounds, max(int64(d), 0))
}

func (s *series) addLength(l *layout, at int, n int64) {
	s.observe(at, l.lengthBounds, max(n, 0))
}

// observe adds a value to the histogram at the cell at: one addition for its
// bucket, whose upper bound is inclusive, and one for the sum.
func (s *series) observe(at int, bounds []int64, value int64) {
	i := 0
	for i < len(bounds) && value > bounds[i] {
		i++
	}
	s.cells[at+i].Add(1)
	s.cells[at+len(bounds)+1].Add(uint64(value))
}

// histogram is what Prometheus shows of one histogram.
type histogram struct {
	count   uint64
	sum     float64
	buckets map[float64]uint64
}

// read returns the histogram at the cell at. A shown unit is that many of its
// values: a second is 1e9 nanoseconds.
func (s *series) read(at int, shown []float64, unit float64) histogram {
	h := histogram{buckets: make(map[float64]uint64, len(shown))}
	for i, bound := range shown {
		h.count += s.cells[at+i].Load()
		h.buckets[bound] = h.count
	}
	h.count += s.cells[at+len(shown)].Load()
	h.sum = float64(s.cells[at+len(shown)+1].Load()) / unit
	return h
}
