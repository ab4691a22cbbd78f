package filter

import (
	"fmt"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// mostHost is the length of the longest host and port that endpoints are asked for.
const mostHost = 261

// upstreamHost names the host that endpoints are asked for. Where variables make a text
// that is no host the request is refused: a client chooses what is in some of them.
type upstreamHost struct {
	constant []byte // nil for one with variables
	text     *variable.Expression
}

func newUpstreamHost(s *Settings) (Request, Response, error) {
	host := s.Filters.RequestFields.Host
	if host == "" {
		return nil, nil, nil
	}
	text, err := variable.Compile(host, variable.Request)
	if err != nil {
		return nil, nil, err
	}
	f := &upstreamHost{text: text}
	if constant, ok := text.Constant(); ok {
		if f.constant = []byte(constant); !isHost(f.constant) {
			return nil, nil, fmt.Errorf("%q is no host", constant)
		}
	}
	return f, nil, nil
}

// Request implements Request.
func (f *upstreamHost) Request(ex *message.Exchange, s *State) bool {
	if f.constant != nil {
		s.Host = f.constant
		return true
	}
	context := s.Context(ex)
	host := f.text.AppendEscaped(ex.Mem.Alloc(f.text.Bound(variable.EscapeNone, mostHost))[:0], &context, variable.EscapeNone, mostHost)
	if !isHost(host) {
		s.Reply = Reply{Status: 400}
		return false
	}
	s.Host = host
	return true
}

// isHost tells whether b has what a host and a port consist of (RFC 3986, section 3.2.2).
func isHost(b []byte) bool {
	if len(b) == 0 || len(b) > mostHost {
		return false
	}
	for _, c := range b {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != ':' && c != '[' && c != ']' {
			return false
		}
	}
	return true
}
