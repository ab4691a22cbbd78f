package stream

import (
	"slices"
	"strings"
	"sync/atomic"
)

// PassedThrough is the name under which Stats has the connections that were given
// to PassThrough.
const PassedThrough = "passthrough"

// Stats tell of one stream, counted since its port was opened.
type Stats struct {
	// Name is protocol and port, such as "tcp/5432" or "udp/53", or PassedThrough.
	Name string
	// Open is how many connections there are, or clients of a UDP service.
	Open int
	// Total counts them.
	Total uint64
	// Failed counts those of them that no endpoint could be found for.
	Failed uint64
	// Refused counts connections that were closed at once: there were too many, or
	// the PROXY header was missing or malformed.
	Refused uint64
	// Received and Sent count bytes from clients to endpoints and back.
	Received, Sent uint64
	// Dropped counts datagrams that were not forwarded.
	Dropped uint64
	// Evicted counts UDP clients that were forgotten to make room for others.
	Evicted uint64
	// Panics counts connections that a mistake of ours has ended.
	Panics uint64
	// Err is why the port is not listened on. nil: it is.
	Err error
}

// counts are what makes a Stats.
type counts struct {
	open                                                               atomic.Int64
	total, failed, refused, received, sent, dropped, evicted, panicked atomic.Uint64
}

func (c *counts) stats(name string) Stats {
	return Stats{
		Name:     name,
		Open:     int(c.open.Load()),
		Total:    c.total.Load(),
		Failed:   c.failed.Load(),
		Refused:  c.refused.Load(),
		Received: c.received.Load(),
		Sent:     c.sent.Load(),
		Dropped:  c.dropped.Load(),
		Evicted:  c.evicted.Load(),
		Panics:   c.panicked.Load(),
	}
}

// Stats returns a picture of all streams, sorted by name. The connections that are
// passed through are there once there was one.
func (s *Server) Stats() []Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Stats, 0, len(s.ports)+1)
	for _, p := range s.ports {
		st := p.counts.stats(p.name)
		st.Err = p.err
		list = append(list, st)
	}
	if s.passed.total.Load() > 0 {
		list = append(list, s.passed.stats(PassedThrough))
	}
	slices.SortFunc(list, func(a, b Stats) int { return strings.Compare(a.Name, b.Name) })
	return list
}
