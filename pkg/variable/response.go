package variable

import "github.com/shockwave-ingress/shockwave/pkg/message"

// responseLength writes the Content-Length that a response was sent with (RFC 9110,
// section 8.6).
func (s *sink) responseLength(ex *message.Exchange) bool {
	resp := &ex.Response
	length := int64(resp.Body)
	switch {
	case resp.Status == 101 || resp.Status == 204:
		return false
	case resp.Status == 304 || ex.Request.MethodID == message.HEAD:
		if resp.Length >= 0 || length == 0 {
			length = resp.Length
		}
	}
	if length < 0 {
		return false
	}
	s.int(length)
	return true
}

// attempts writes what is known of each attempt, as a list in their order.
func (s *sink) attempts(t *message.Trace, which id) bool {
	list := t.Attempts[:min(t.Tried, len(t.Attempts))]
	for i := range list {
		if i > 0 {
			s.text(", ")
		}
		if !s.attempt(&list[i], which) {
			s.text("-")
		}
	}
	return len(list) > 0
}

func (s *sink) attempt(a *message.Attempt, which id) bool {
	answered := a.Status != 0
	switch which {
	case upstreamAddr:
		return s.addrPort(a.Addr)
	case upstreamConnectTime:
		if a.Connect == 0 && !a.Reused && !answered {
			return false // there never was a connection
		}
		s.seconds(a.Connect)
	case upstreamHeaderTime:
		if answered {
			s.seconds(a.Head)
		}
		return answered
	case upstreamResponseLength:
		s.int(a.Length)
	case upstreamResponseTime:
		s.seconds(a.Total)
	case upstreamStatus:
		if answered {
			s.int(int64(a.Status))
		}
		return answered
	}
	return true
}
