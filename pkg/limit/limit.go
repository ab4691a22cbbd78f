package limit

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// The size of a table: 128 Ki entries in 4.5 MiB. It bounds how many pairs are limited
// at a time, not how many there are: those that owe nothing need no entry.
const (
	ways = 16
	sets = 8 << 10
)

// Table has the state of all limits. It is ready when New returns, and all methods
// may be called at any time.
type Table struct {
	seed  maphash.Seed
	start time.Time
	sets  []set
}

// New returns an empty table.
func New() *Table { return newTable(sets) }

func newTable(sets int) *Table {
	// The past of a new table is long enough for any entry to be without debts.
	return &Table{seed: maphash.MakeSeed(), start: time.Now().Add(-time.Hour), sets: make([]set, sets)}
}

// set is a few entries. Which set a pair belongs to follows from its hash, which
// nobody outside can foretell.
type set struct {
	mu      sync.Mutex
	entries [ways]entry
}

// entry is what is known of one pair. The zero value is a free one.
type entry struct {
	tag uint64
	// second and minute are when the client will be as one that has not asked yet, for
	// each rate, in nanoseconds since Table.start.
	second, minute int64
	// open counts exchanges in progress. An entry is not forgotten while there are
	// some.
	open uint32
}

// owes is the time until an entry is as a new one.
func (e *entry) owes(now int64) int64 { return max(e.second, e.minute, now) - now }

// Rates are the limits of one subject.
type Rates struct {
	subject uint64 // its hash
	second  rate
	minute  rate
	open    uint32
}

// rate is one request each so many nanoseconds, and how many nanoseconds a client may
// owe. The zero value is no limit.
type rate struct{ each, burst int64 }

// Rates returns the limits of a subject, by whose name its state is found: requests a
// second and a minute, and exchanges in progress. 0 means no limit. burst times each
// rate may come at once, besides one request.
func (t *Table) Rates(subject string, perSecond, perMinute, open, burst int) *Rates {
	return &Rates{
		subject: maphash.String(t.seed, subject),
		second:  newRate(time.Second, perSecond, burst),
		minute:  newRate(time.Minute, perMinute, burst),
		open:    uint32(min(max(open, 0), 1<<31)),
	}
}

// mostDebt bounds what may be owed, so that sums do not overflow.
const mostDebt = int64(1000 * 24 * time.Hour)

func newRate(unit time.Duration, n, burst int) rate {
	if n <= 0 {
		return rate{}
	}
	return rate{
		each:  max(int64(unit)/int64(n), 1),
		burst: int64(min(uint64(max(burst, 0))*uint64(unit), uint64(mostDebt))),
	}
}

// next tells whether a request may come now when paid is when nothing is owed any more,
// and when that will be with this request.
//
// As nginx has it (ngx_http_limit_req_lookup): what is owed shrinks with time, a
// request adds one, and one that comes when nothing is owed is not held to the burst.
func (r rate) next(paid, now int64) (int64, bool) {
	debt := max(paid-now, 0)
	if debt > r.burst {
		return paid, false
	}
	return now + debt + r.each, true
}

// Verdict is what becomes of a request.
type Verdict uint8

const (
	// Passes is a request within all limits.
	Passes Verdict = iota
	// TooMany is one beyond the number of exchanges in progress.
	TooMany
	// TooFast is one beyond a rate.
	TooFast
)

// Ticket is a place among the exchanges in progress. The zero value holds none.
type Ticket struct {
	set *set
	way int
}

// Ask tells whether a client may have a request served at a time, and counts it. The
// ticket, which may hold a place whatever the verdict, must be released when the
// exchange has ended.
//
// A request that one rate refuses counts at none, as in nginx.
func (t *Table) Ask(r *Rates, client netip.Addr, now time.Time) (Ticket, Verdict) {
	tag := t.hash(r.subject, client)
	s := &t.sets[(tag>>32)*uint64(len(t.sets))>>32]
	at := int64(now.Sub(t.start))
	s.mu.Lock()
	defer s.mu.Unlock()
	e, way := s.find(tag, at)
	if e == nil {
		// All have exchanges in progress, and one of more than Rates.open allows cannot
		// be told: nginx refuses, too, when its memory is full.
		return Ticket{}, TooMany
	}
	var ticket Ticket
	if r.open > 0 {
		if e.open >= r.open {
			return ticket, TooMany
		}
		e.open++
		ticket = Ticket{s, way}
	}
	second, minute := e.second, e.minute
	ok := true
	if r.second.each > 0 {
		second, ok = r.second.next(second, at)
	}
	if ok && r.minute.each > 0 {
		minute, ok = r.minute.next(minute, at)
	}
	if !ok {
		return ticket, TooFast
	}
	e.second, e.minute = second, minute
	return ticket, Passes
}

// Release gives back the place, if there is one, and must be called once.
func (t *Ticket) Release() {
	s := t.set
	if s == nil {
		return
	}
	t.set = nil
	s.mu.Lock()
	s.entries[t.way].open--
	s.mu.Unlock()
}

// find returns the entry of a tag and its place. It may be that of another tag which
// owed least, and is nil when there is none to be had.
func (s *set) find(tag uint64, now int64) (*entry, int) {
	free, least := -1, int64(0)
	for i := range s.entries {
		e := &s.entries[i]
		if e.tag == tag {
			return e, i
		}
		if e.open > 0 {
			continue
		}
		if owes := e.owes(now); free < 0 || owes < least {
			free, least = i, owes
		}
	}
	if free < 0 {
		return nil, 0
	}
	e := &s.entries[free]
	*e = entry{tag: tag}
	return e, free
}

// hash is that of a pair. It is never 0, which is the tag of an entry without one.
func (t *Table) hash(subject uint64, client netip.Addr) uint64 {
	var pair [24]byte
	address := client.As16() // that of IPv4 is that of the mapped address
	copy(pair[:], address[:])
	binary.LittleEndian.PutUint64(pair[16:], subject)
	return maphash.Bytes(t.seed, pair[:]) | 1
}
