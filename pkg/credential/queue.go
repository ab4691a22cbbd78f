package credential

import (
	"slices"
	"sync"
	"time"
)

// queue hands out places to compute hashes. Lists of users take turns, however many wait
// for each: who keeps one list busy makes the users of another one wait for one hash of
// each list that is ahead of theirs.
type queue struct {
	mu      sync.Mutex
	free    int // places; nobody waits while there are any
	waiting int
	lines   []line // those who wait, in the order of their turns; none is empty
}

// line are those who wait for one list, the first one first. true is a place, and false
// that somebody of a shorter line came in.
type line struct {
	of      *Users
	waiters []chan bool
}

// mostWaiting bounds those who wait. They come from any number of lists.
const mostWaiting = 64

// enter waits for a place, up to some time. It tells whether there is one, which leave
// gives back.
func (q *queue) enter(of *Users, longest time.Duration) bool {
	w := q.wait(of)
	if w == nil {
		return false
	}
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case got := <-w:
		return got
	case <-timer.C:
		return !q.forget(of, w) && <-w
	}
}

// taken is a place that was free.
var taken = func() chan bool {
	w := make(chan bool)
	close(w)
	return w
}()

// leave gives a place to the next one.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		q.free++
		return
	}
	next := q.lines[0]
	q.lines = slices.Delete(q.lines, 0, 1)
	q.waiting--
	next.waiters[0] <- true
	if next.waiters = next.waiters[1:]; len(next.waiters) > 0 {
		q.lines = append(q.lines, next)
	}
}
