package status

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// shortest and longest bound the pause before one thing is written again.
	shortest = time.Second
	longest  = time.Minute
	// memory is how long a write is remembered: longer than any pause.
	memory = 5 * longest
)

// write is one thing to be written.
type write struct {
	// key names what is written, such as "Ingress default/a".
	key string
	// version is the state of the object that the write is based on.
	version string
	do      func(context.Context) error
	// done is called once do has succeeded. It may be nil.
	done func()
}

// ledger remembers what this leader wrote.
type ledger struct {
	entries map[string]*entry
	// ours are the Ingresses that were ours in the last pass.
	ours map[types.UID]struct{}
	// told are the Events that were written, and when.
	told map[telling]time.Time
	// budgets bound the Events of each object.
	budgets map[objectRef]*budget
	// count asks for the number of connections to be written.
	count bool
}

// entry is what was last done about one key.
type entry struct {
	version string
	done    bool
	at      time.Time
	delay   time.Duration
}

func newLedger() *ledger {
	return &ledger{
		entries: make(map[string]*entry),
		ours:    make(map[types.UID]struct{}),
		told:    make(map[telling]time.Time),
		budgets: make(map[objectRef]*budget),
	}
}

// pause tells how long w must wait, 0 for not at all. A write that succeeded
// and whose result has not been observed yet waits for that.
func (l *ledger) pause(w write, now time.Time) time.Duration {
	e := l.entries[w.key]
	if e == nil {
		return 0
	}
	wait := e.at.Add(e.delay).Sub(now)
	if e.done && e.version == w.version {
		wait = max(wait, e.at.Add(longest).Sub(now))
	}
	return max(wait, 0)
}

// wrote notes a write and its result. Two writes in a row are made at once, so
// that a quick change needs no patience. From then on the pause doubles each
// time, until the thing was left alone for much longer than its pause.
func (l *ledger) wrote(w write, now time.Time, err error) {
	e := l.entries[w.key]
	switch {
	case e == nil:
		e = new(entry)
		l.entries[w.key] = e
		if err != nil {
			e.delay = shortest
		}
	case now.Sub(e.at) > max(4*e.delay, 10*shortest):
		e.delay = 0
	default:
		e.delay = min(max(shortest, 2*e.delay), longest)
	}
	// what is gone, or has changed since, is told by the next observation
	outdated := apierrors.IsNotFound(err) || apierrors.IsConflict(err)
	e.version, e.done, e.at = w.version, err == nil || outdated, now
	if err == nil && w.done != nil {
		w.done()
	}
}

// forget drops what has no meaning any more, so that the ledger does not grow
// with the objects that ever were.
func (l *ledger) forget(now time.Time) {
	for key, e := range l.entries {
		if now.Sub(e.at) > memory {
			delete(l.entries, key)
		}
	}
	for object, b := range l.budgets {
		if now.Sub(b.since) > budgetWindow {
			delete(l.budgets, object)
		}
	}
}
