package metrics

import (
	"sync"
	"sync/atomic"
)

// refusals counts refused requests by reason. Reasons are the texts of errors that
// are made once; the bound is for the day that one is not.
type refusals struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*refusal]
}

type refusal struct {
	reason string
	count  atomic.Uint64
}

// maxReasons bounds the reasons counted apart; the rest count as otherReason.
const (
	maxReasons  = 100
	otherReason = "other"
)

func (t *refusals) add(reason string) {
	r := t.find(reason)
	if r == nil {
		r = t.insert(reason)
	}
	r.count.Add(1)
}

func (t *refusals) all() []*refusal {
	if list := t.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (t *refusals) find(reason string) *refusal {
	for _, r := range t.all() {
		if r.reason == reason {
			return r
		}
	}
	return nil
}

func (t *refusals) insert(reason string) *refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.all()
	if len(list) >= maxReasons {
		reason = otherReason
	}
	if r := t.find(reason); r != nil {
		return r
	}
	r := &refusal{reason: reason}
	grown := append(list[:len(list):len(list)], r)
	t.list.Store(&grown)
	return r
}
