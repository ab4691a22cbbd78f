package certs

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Bounds of stapling.
const (
	// mostFetches are under way at a time.
	mostFetches = 8
	// mostStapleBytes bounds what is kept of responses: 32,000 of the usual size.
	// One that does not fit is not used.
	mostStapleBytes = 64 << 20
	// soonestRetry and latestRetry are the first and the longest wait after a
	// failure. It doubles in between.
	soonestRetry = time.Minute
	latestRetry  = time.Hour
)

// stapler gives the certificates of a Set their staples. It belongs to the
// goroutine of Store.Run; only fetches run beside it.
type stapler struct {
	log     *slog.Logger
	client  *http.Client
	entries map[[sha256.Size]byte]*entry // by the leaf
	pairs   map[*pair]*entry             // all that have one
	waiting queue
	bytes   int // of responses
	active  int // fetches under way
	running sync.WaitGroup
	fetched chan fetched
	due     *time.Timer // for the first of waiting
}

// entry is one certificate, of which there may be several copies.
type entry struct {
	leaf, issuer *x509.Certificate
	print        [sha256.Size]byte
	// pairs show it. It is empty once the Set has no such certificate.
	pairs []*pair
	// response is what is known, nil for nothing.
	*response
	failures int
	// next is when there is something to do. index is the place in waiting, -1
	// for none.
	next  time.Time
	index int
	// fetching tells that a fetch is under way.
	fetching bool
}

// fetched is what a fetch ended with.
type fetched struct {
	*entry
	response *response
	err      error
}

func newStapler(log *slog.Logger, dial dialer) *stapler {
	due := time.NewTimer(time.Hour)
	due.Stop()
	return &stapler{
		log:     log,
		client:  newResponderClient(dial),
		entries: map[[sha256.Size]byte]*entry{},
		fetched: make(chan fetched, mostFetches),
		due:     due,
	}
}

// stop waits for fetches, whose context has ended.
func (s *stapler) stop() {
	s.due.Stop()
	s.running.Wait()
}

// follow takes care of the certificates that a Set shows, and of no others.
func (s *stapler) follow(set *Set) {
	now := time.Now()
	before := s.pairs
	s.pairs = make(map[*pair]*entry, len(before))
	for _, e := range s.entries {
		e.pairs = e.pairs[:0]
	}
	if set.listener.OCSP {
		for p := range set.shown() {
			if e := before[p]; e != nil {
				s.join(p, e)
			} else {
				s.add(p, now)
			}
		}
	}
	for p := range before {
		if s.pairs[p] == nil {
			p.staple(nil)
		}
	}
	for leaf, e := range s.entries {
		if len(e.pairs) == 0 {
			s.keep(e, nil)
			s.unqueue(e)
			delete(s.entries, leaf)
		}
		e.show()
	}
}

func (s *stapler) join(p *pair, e *entry) {
	e.pairs = append(e.pairs, p)
	s.pairs[p] = e
}

// add takes care of a pair that the Set before did not show.
func (s *stapler) add(p *pair, now time.Time) {
	leaf, provided := p.cert.Leaf, p.source.OCSP
	e := s.entries[p.print]
	if e == nil {
		if len(provided) == 0 && len(responders(leaf)) == 0 {
			return
		}
		e = &entry{leaf: leaf, print: p.print, index: -1}
		s.entries[p.print] = e
	}
	s.join(p, e)
	news := false
	if e.issuer == nil {
		e.issuer = issuerOf(p)
		news = e.issuer != nil
	}
	if e.issuer == nil {
		return
	}
	if len(provided) > 0 && len(provided) <= mostResponse {
		switch r, err := parseResponse(provided, leaf, e.issuer, now); {
		case err != nil:
			s.log.Warn("the OCSP response of a Secret is of no use", "certificate", p.source.Name, "err", err)
		case e.response == nil || e.made.Before(r.made):
			news = s.keep(e, r) || news
		}
	}
	if news && !e.fetching {
		s.queue(e, e.plan(now))
	}
}

// plan is when e is to be looked at next. Zero means never.
func (e *entry) plan(now time.Time) time.Time {
	switch {
	case len(responders(e.leaf)) == 0 && e.response == nil:
		return time.Time{}
	case len(responders(e.leaf)) == 0:
		return e.until
	case e.failures > 0:
		wait := min(soonestRetry<<min(e.failures-1, 10), latestRetry)
		next := now.Add(wait - rand.N(wait/4)) // not all at once
		if e.response != nil && e.until.Before(next) {
			return e.until
		}
		return next
	case e.response == nil:
		return now
	case e.revoked:
		return now.Add(latestRetry)
	}
	return e.refresh(now)
}

// keep makes r what is known of e, and tells whether there is room for it. A nil r
// forgets.
func (s *stapler) keep(e *entry, r *response) bool {
	if e.response != nil {
		s.bytes -= len(e.raw)
	}
	e.response = nil
	if r != nil && s.bytes+len(r.raw) <= mostStapleBytes {
		e.response = r
		s.bytes += len(r.raw)
	}
	return e.response == r
}

// show makes handshakes show what is known of e.
func (e *entry) show() {
	var raw []byte
	if e.response != nil && !e.revoked {
		raw = e.raw
	}
	for _, p := range e.pairs {
		p.staple(raw)
	}
}

// fetch begins what is due, as much as may be under way, and sets the timer for the
// rest.
func (s *stapler) fetch(ctx context.Context) {
	now := time.Now()
	for len(s.waiting) > 0 && s.active < mostFetches && !s.waiting[0].next.After(now) {
		e := s.waiting[0]
		s.unqueue(e)
		if e.response != nil && !now.Before(e.until) {
			s.log.Warn("a staple has ended, and there is no newer one", "certificate", e.name())
			s.keep(e, nil)
			e.show()
		}
		if len(responders(e.leaf)) == 0 {
			s.queue(e, e.plan(now))
			continue
		}
		e.fetching = true
		s.active++
		s.running.Go(func() {
			f := fetched{entry: e}
			defer func() {
				if reason := recover(); reason != nil {
					f.err = fmt.Errorf("panic: %v", reason)
				}
				s.fetched <- f // it has room for all that are under way
			}()
			f.response, f.err = s.request(ctx, e.leaf, e.issuer)
		})
	}
	if len(s.waiting) > 0 && s.active < mostFetches {
		s.due.Reset(s.waiting[0].next.Sub(now))
	} else {
		s.due.Stop()
	}
}

// request asks the responders of a certificate.
func (s *stapler) request(ctx context.Context, leaf, issuer *x509.Certificate) (*response, error) {
	request, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		return nil, err
	}
	err = errNoResponder
	for _, address := range responders(leaf) {
		var der []byte
		if der, err = ask(ctx, s.client, address, request); err != nil {
			continue
		}
		var r *response
		if r, err = parseResponse(der, leaf, issuer, time.Now()); err == nil {
			return r, nil
		}
	}
	return nil, err
}

// take is told how a fetch ended.
func (s *stapler) take(f fetched) {
	s.active--
	e := f.entry
	e.fetching = false
	if len(e.pairs) == 0 { // the certificate is gone
		return
	}
	err := f.err
	if err == nil && !s.keep(e, f.response) {
		err = errNoRoom
	}
	if err == nil {
		e.failures = 0
		if e.revoked {
			s.log.Warn("a certificate that is shown has been revoked", "certificate", e.name())
		}
	} else if e.failures++; e.failures == 1 {
		s.log.Warn("cannot get a staple", "certificate", e.name(), "err", err)
	}
	e.show()
	s.queue(e, e.plan(time.Now()))
}

var errNoRoom = fmt.Errorf("responses of all certificates are larger than %d MiB", mostStapleBytes>>20)

// name is that of a Secret that has the certificate.
func (e *entry) name() string { return e.pairs[0].source.Name }

// queue makes e wait until a time, or no longer for the zero one.
func (s *stapler) queue(e *entry, next time.Time) {
	s.unqueue(e)
	if e.next = next; !next.IsZero() {
		heap.Push(&s.waiting, e)
	}
}

func (s *stapler) unqueue(e *entry) {
	if e.index >= 0 {
		heap.Remove(&s.waiting, e.index)
	}
}

// queue is a heap of entries, the next one first.
type queue []*entry

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Compare(q[i].next.UnixNano(), q[j].next.UnixNano()) < 0
}
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is for package heap.
func (q *queue) Push(x any) {
	e := x.(*entry)
	e.index = len(*q)
	*q = append(*q, e)
}

// Pop is for package heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last], e.index = nil, -1
	*q = (*q)[:last]
	return e
}
