package upstream

import "sync/atomic"

// budget bounds retries in proportion to exchanges: an upstream that fails must not
// get several times the requests. It also bounds exchanges at a time.
type budget struct {
	active  atomic.Int64 // exchanges
	seconds [budgetSeconds + 1]second

	overflowed, retries, refused atomic.Uint64
}

// second counts what happened in one second.
type second struct {
	number             atomic.Int64 // which second, from 1
	exchanges, retries atomic.Int64
}

const (
	// budgetSeconds is the time that a budget is about.
	budgetSeconds = 10
	// freeRetries are always allowed in that time: an upstream with few requests
	// would have no retry at all.
	freeRetries = 30
)

// Enter counts an exchange with u, unless there are as many as Health.MaxActive
// allows: then it returns false. Leave must follow when it returns true.
func (u *Upstream) Enter() bool {
	b, health := &u.budget, &u.settings.Load().Health
	if !b.enter(int64(health.MaxActive)) {
		b.overflowed.Add(1)
		return false
	}
	if health.RetryBudget > 0 {
		u.now().exchanges.Add(1)
	}
	return true
}

// enter counts an exchange unless there are most, where most is positive. It does not
// count one that it refuses even for a moment, which could cost another its place.
func (b *budget) enter(most int64) bool {
	if most <= 0 {
		b.active.Add(1)
		return true
	}
	for {
		n := b.active.Load()
		if n >= most {
			return false
		}
		if b.active.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Leave ends what Enter began.
func (u *Upstream) Leave() { u.budget.active.Add(-1) }

// now returns the counters of this second.
func (u *Upstream) now() *second {
	number := int64(u.registry.reaper.Now().Seconds()) + 1
	s := &u.budget.seconds[number%int64(len(u.budget.seconds))]
	if old := s.number.Load(); old != number && s.number.CompareAndSwap(old, number) {
		s.exchanges.Store(0)
		s.retries.Store(0)
	}
	return s
}

// MayRetry tells whether another attempt is within Health.RetryBudget, and counts it.
func (u *Upstream) MayRetry() bool {
	b, percent := &u.budget, int64(u.settings.Load().Health.RetryBudget)
	if percent > 0 {
		now := u.now()
		now.retries.Add(1) // before the look: of those that come together none slips through
		exchanges, retries := int64(0), int64(0)
		for i := range b.seconds {
			s := &b.seconds[i]
			if s.number.Load() > now.number.Load()-budgetSeconds {
				exchanges += s.exchanges.Load()
				retries += s.retries.Load()
			}
		}
		if retries > freeRetries+exchanges*percent/100 {
			now.retries.Add(-1)
			b.refused.Add(1)
			return false
		}
	}
	b.retries.Add(1)
	return true
}
