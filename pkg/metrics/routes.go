package metrics

import (
	"iter"
	"slices"
	"sync"
	"time"
)

// routes holds the handles by their labels.
type routes struct {
	mu sync.Mutex
	by map[RouteLabels]*Route
}

// The series of a removed route stay for a while, so that its last exchanges are
// scraped, but never those of more than maxRetired routes.
const (
	keepRetired = 10 * time.Minute
	maxRetired  = 10000
)

// Route returns the handle of the route with these labels, making it if there is
// none. Equal labels give the same handle until Retain has let it go.
func (m *Metrics) Route(labels RouteLabels) *Route {
	if m.options.withoutHost {
		labels.Host = ""
	}
	m.routes.mu.Lock()
	defer m.routes.mu.Unlock()
	r := m.routes.by[labels]
	if r == nil {
		if m.routes.by == nil {
			m.routes.by = make(map[RouteLabels]*Route)
		}
		r = newRoute(m, labels)
		m.routes.by[labels] = r
	}
	r.retired = time.Time{}
	return r
}

// Unrouted is the handle for exchanges that no route served: refused requests,
// unknown hosts and paths. Its labels are empty.
func (m *Metrics) Unrouted() *Route { return m.unrouted }

// Retain tells which handles the snapshot in use has. The others are kept for ten
// minutes, or shorter when they are very many, and then their series end. It is
// called after a snapshot was published, by whoever compiles: a handle that was
// taken with Route for a snapshot yet to come must not be missing here.
func (m *Metrics) Retain(inUse iter.Seq[*Route]) {
	used := make(map[*Route]struct{})
	for r := range inUse {
		used[r] = struct{}{}
	}
	m.routes.mu.Lock()
	defer m.routes.mu.Unlock()
	now := m.options.now()
	for _, r := range m.routes.by {
		if _, ok := used[r]; ok {
			r.retired = time.Time{}
		} else if r.retired.IsZero() {
			r.retired = now
		}
	}
	m.routes.prune(now)
}

// prune lets go of the handles that were retired too long ago.
func (rs *routes) prune(now time.Time) {
	var retired []*Route
	for labels, r := range rs.by {
		switch {
		case r.retired.IsZero():
		case now.Sub(r.retired) > keepRetired:
			delete(rs.by, labels)
		default:
			retired = append(retired, r)
		}
	}
	if excess := len(retired) - maxRetired; excess > 0 {
		slices.SortFunc(retired, func(a, b *Route) int { return a.retired.Compare(b.retired) })
		for _, r := range retired[:excess] {
			delete(rs.by, r.labels)
		}
	}
}

// all returns the handles there are, and how many of them are retired.
func (m *Metrics) allRoutes() (list []*Route, retired int) {
	m.routes.mu.Lock()
	defer m.routes.mu.Unlock()
	m.routes.prune(m.options.now())
	list = make([]*Route, 0, len(m.routes.by)+1)
	for _, r := range m.routes.by {
		list = append(list, r)
		if !r.retired.IsZero() {
			retired++
		}
	}
	return append(list, m.unrouted), retired
}
