package upstream

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestMaxActive(t *testing.T) {
	r, u, _ := watched(t, model.Health{MaxActive: 3}, 1)
	for range 3 {
		if !u.Enter() {
			t.Fatal("refused while there is room")
		}
	}
	for range 2 {
		if u.Enter() {
			t.Fatal("allowed beyond the bound")
		}
	}
	if s := r.Stats()[0]; s.Exchanges != 3 || s.Overflowed != 2 {
		t.Errorf("stats: %+v", s)
	}
	u.Leave()
	if !u.Enter() {
		t.Error("refused after one has left")
	}
	// Never are more inside, however many come at once.
	r, u, _ = watched(t, model.Health{MaxActive: 5}, 1)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 2000 {
				if !u.Enter() {
					continue
				}
				if n := inside.Add(1); n > 5 {
					most.Store(n)
				}
				inside.Add(-1)
				u.Leave()
			}
		})
	}
	wg.Wait()
	if s := r.Stats()[0]; most.Load() != 0 || s.Exchanges != 0 {
		t.Errorf("%d were inside, %d are left", most.Load(), s.Exchanges)
	}
	_, u, _ = watched(t, model.Health{}, 1)
	for range 10000 {
		if !u.Enter() {
			t.Fatal("a bound where there is none")
		}
	}
}

// later has the counters of seconds be n seconds old.
func (b *budget) later(n int64) {
	var old []second
	for i := range b.seconds {
		s := &b.seconds[i]
		old = append(old, second{})
		o := &old[i]
		o.number.Store(s.number.Load() - n)
		o.exchanges.Store(s.exchanges.Load())
		o.retries.Store(s.retries.Load())
		s.number.Store(0)
		s.exchanges.Store(0)
		s.retries.Store(0)
	}
	for i := range old {
		if n := old[i].number.Load(); n > -int64(len(b.seconds)) {
			s := &b.seconds[(n+int64(len(b.seconds)))%int64(len(b.seconds))]
			s.number.Store(n)
			s.exchanges.Store(old[i].exchanges.Load())
			s.retries.Store(old[i].retries.Load())
		}
	}
}

// retried is how many of n retries are allowed.
func retried(u *Upstream, n int) (allowed int) {
	for range n {
		if u.MayRetry() {
			allowed++
		}
	}
	return allowed
}

func TestRetryBudget(t *testing.T) {
	r, u, _ := watched(t, model.Health{RetryBudget: 20}, 1)
	if got := retried(u, 100); got != freeRetries {
		t.Errorf("%d retries without exchanges, want %d", got, freeRetries)
	}
	for range 1000 {
		u.Enter()
		u.Leave()
	}
	if got := retried(u, 1000); got != 200 {
		t.Errorf("%d retries more after 1000 exchanges, want 200", got)
	}
	if s := r.Stats()[0]; s.Retries != freeRetries+200 || s.RetriesRefused != 70+800 {
		t.Errorf("stats: %+v", s)
	}
	// Nine seconds later all of that still counts, two more seconds later nothing.
	u.budget.later(9)
	if got := retried(u, 10); got != 0 {
		t.Errorf("%d retries more after nine seconds", got)
	}
	u.budget.later(2)
	if got := retried(u, 1000); got != freeRetries {
		t.Errorf("%d retries after eleven seconds, want %d", got, freeRetries)
	}
}

func TestNoRetryBudget(t *testing.T) {
	r, u, _ := watched(t, model.Health{}, 1)
	if got := retried(u, 1000); got != 1000 {
		t.Errorf("%d of 1000 retries", got)
	}
	if s := r.Stats()[0]; s.Retries != 1000 || s.RetriesRefused != 0 {
		t.Errorf("stats: %+v", s)
	}
}
