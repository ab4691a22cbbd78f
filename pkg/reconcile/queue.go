package reconcile

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// settle is how long a change waits for others of the same burst.
	settle = 5 * time.Millisecond
	// maxHold bounds the wait after an expensive pass.
	maxHold = time.Second
)

// names is a set of objects of one kind.
type names map[types.NamespacedName]struct{}

// changes are those since the last pass.
type changes struct {
	// routes asks for a Build.
	routes bool
	// status tells of a change that only the status writer looks at.
	status bool
	// services are those whose endpoints changed.
	services names
	// secrets and configMaps are those whose content changed, wanted or not.
	secrets, configMaps names
}

// queue merges changes until somebody takes them. It never blocks and holds
// each name once, so it is bounded by the cluster's size.
type queue struct {
	mu      sync.Mutex
	pending changes
	signal  chan struct{}
}

func newQueue() *queue { return &queue{signal: make(chan struct{}, 1)} }

func (q *queue) wake() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

func (q *queue) routes() {
	q.mu.Lock()
	q.pending.routes = true
	q.mu.Unlock()
	q.wake()
}

func (q *queue) status() {
	q.mu.Lock()
	q.pending.status = true
	q.mu.Unlock()
	q.wake()
}

func (q *queue) service(name types.NamespacedName)   { q.name(&q.pending.services, name) }
func (q *queue) secret(name types.NamespacedName)    { q.name(&q.pending.secrets, name) }
func (q *queue) configMap(name types.NamespacedName) { q.name(&q.pending.configMaps, name) }

func (q *queue) name(set *names, name types.NamespacedName) {
	q.mu.Lock()
	if *set == nil {
		*set = make(names)
	}
	(*set)[name] = struct{}{}
	q.mu.Unlock()
	q.wake()
}

// take returns the changes so far and begins anew.
func (q *queue) take() changes {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.pending
	q.pending = changes{}
	return taken
}

// pace spaces passes out: a change waits for the rest of its burst, and after a
// pass at least as long as that pass took, so that a stream of changes in a
// large cluster takes no more than half of one processor.
type pace struct {
	ended time.Time
	cost  time.Duration
}

// wait returns when a pass may begin, and whether ctx is still in force.
func (p *pace) wait(ctx context.Context) bool {
	rest := time.Until(p.ended.Add(min(p.cost, maxHold)))
	timer := time.NewTimer(max(settle, rest))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// passed notes a pass that began at start.
func (p *pace) passed(start time.Time) {
	p.ended = time.Now()
	p.cost = p.ended.Sub(start)
}
