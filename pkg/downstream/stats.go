package downstream

import "sync/atomic"

// Stats are counts since the server was made, and of the connections open now.
type Stats struct {
	// Open is how many connections are open, Idle how many of them wait for a
	// request, Active how many do not.
	Open, Idle, Active int
	// Accepted counts connections, and Rejected those of them that were closed
	// at once because there were too many.
	Accepted, Rejected uint64
	// FailedHandshakes counts TLS connections that ended before a request
	// could be read.
	FailedHandshakes uint64
	// FailedProxyHeaders counts connections that did not begin with the PROXY header
	// that Config.ProxyProtocol asks for.
	FailedProxyHeaders uint64
	// Requests counts exchanges that ended, refused ones included.
	Requests uint64
	// Received and Sent count the bytes of requests and responses, as they are
	// before TLS, and those of tunnels that have ended.
	Received, Sent uint64
	// Panics counts panics of handlers, and of connections' own code: each has
	// ended one connection.
	Panics uint64
}

// counts are what one connection adds to Stats. Each connection writes its own,
// so that requests share no cache line.
type counts struct {
	requests, received, sent, panics, failedHandshakes, failedProxyHeaders atomic.Uint64
}

// reset is for the goroutine that counts.
func (c *counts) reset() {
	for _, n := range []*atomic.Uint64{&c.requests, &c.received, &c.sent, &c.panics, &c.failedHandshakes, &c.failedProxyHeaders} {
		n.Store(0)
	}
}

func (s *Stats) add(c *counts) {
	s.Requests += c.requests.Load()
	s.Received += c.received.Load()
	s.Sent += c.sent.Load()
	s.Panics += c.panics.Load()
	s.FailedHandshakes += c.failedHandshakes.Load()
	s.FailedProxyHeaders += c.failedProxyHeaders.Load()
}

// Stats returns the counts. It looks at every open connection, so it is meant
// for scrapes rather than for requests.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.past
	for _, c := range s.open {
		st.add(&c.count)
		st.Open++
		if c.state.Load() == idle {
			st.Idle++
		} else {
			st.Active++
		}
	}
	return st
}
