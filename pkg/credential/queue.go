package credential

import (
	"slices"
	"sync"
	"time"
)

// queue hands out places to compute hashes. Lists of users take turns, however many wait
// for each: whoever floods one list has the users of another one wait for a hash or two,
// not for all of the flood.
type queue struct {
	mu      sync.Mutex
	free    int // places; while there are any nobody waits
	waiting int
	lines   []line // those who wait, in the order of their turns; none is empty
}

// line are those who wait for one list, the first one first. They are told whether they
// have a place.
type line struct {
	of      *Users
	waiters []chan bool
}

// mostWaiting bounds those who wait, for all lists together.
const mostWaiting = 64

// enter waits for a place, for some time. It tells whether there is one, which leave gives
// back.
func (q *queue) enter(of *Users, longest time.Duration) bool {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return true
	}
	w := q.wait(of)
	q.mu.Unlock()
	if w == nil {
		return false
	}
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case has := <-w:
		return has
	case <-timer.C:
	}
	q.mu.Lock()
	q.forget(of, w)
	q.mu.Unlock()
	select {
	case has := <-w: // it was told in this moment
		return has
	default:
		return false
	}
}

// wait appends somebody to the line of a list. When it is full, the last one of the
// longest line goes; that is the newcomer, nil, unless another line is longer than its own
// would be.
func (q *queue) wait(of *Users) chan bool {
	at := q.lineOf(of)
	if q.waiting == mostWaiting {
		longest := 0
		for i := range q.lines {
			if len(q.lines[i].waiters) > len(q.lines[longest].waiters) {
				longest = i
			}
		}
		others := q.lines[longest].waiters
		own := 0
		if at >= 0 {
			own = len(q.lines[at].waiters)
		}
		if len(others) <= own+1 {
			return nil
		}
		last := others[len(others)-1]
		q.forget(q.lines[longest].of, last) // its line stays, and so does at
		last <- false
	}
	if at < 0 {
		at = len(q.lines)
		q.lines = append(q.lines, line{of: of})
	}
	w := make(chan bool, 1) // whoever tells does not wait
	q.lines[at].waiters = append(q.lines[at].waiters, w)
	q.waiting++
	return w
}

// leave gives a place back, or to who is next.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		q.free++
		return
	}
	l := q.lines[0]
	w := l.waiters[0]
	q.forget(l.of, w)
	if len(l.waiters) > 1 { // the line stays, and has had its turn
		q.lines = append(q.lines[1:], q.lines[0])
	}
	w <- true
}

// forget takes somebody out of the line of a list, if there.
func (q *queue) forget(of *Users, w chan bool) {
	at := q.lineOf(of)
	if at < 0 {
		return
	}
	l := &q.lines[at]
	i := slices.Index(l.waiters, w)
	if i < 0 {
		return
	}
	q.waiting--
	if l.waiters = slices.Delete(l.waiters, i, i+1); len(l.waiters) == 0 {
		q.lines = slices.Delete(q.lines, at, at+1)
	}
}

// lineOf is where the line of a list is, or -1.
func (q *queue) lineOf(of *Users) int {
	return slices.IndexFunc(q.lines, func(l line) bool { return l.of == of })
}
