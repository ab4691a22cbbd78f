package filter

import (
	"fmt"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// requestFields are fields that the endpoint gets in place of those of the same name,
// whoever set these (ingress-nginx: proxy-set-headers). The request as the client sent
// it stays: values and logs are about that.
type requestFields struct {
	all   *fieldLines // kept, so that others find it
	names *FieldNames // nil for none: then nothing is taken out
	lines []fieldLine
	// constant are all lines where no value has variables.
	constant []byte
	host     *fieldLine
	// connection is the value of Connection, empty for what the exchange needs
	// (connection-proxy-header).
	connection string
}

func newRequestFields(s *Settings) (Request, Response, error) {
	c := &s.Filters.RequestFields
	if c.Set == "" && c.Connection == "" {
		return nil, nil, nil
	}
	all, err := s.Shared.linesOf(c.Set)
	if err != nil {
		return nil, nil, err
	}
	f := &requestFields{connection: c.Connection, all: all}
	variables := false
	for i := range all.list {
		l := &all.list[i]
		if message.LookupName([]byte(l.name)) == message.Host { // there is always one
			if len(l.value) > 0 && !isHost(l.value) {
				return nil, nil, fmt.Errorf("%q is no host", l.value)
			}
			f.host = l
			continue
		}
		if f.names == nil {
			f.names = new(FieldNames)
		}
		f.names.add(l.name)
		if l.expression != nil || len(l.value) > 0 {
			f.lines = append(f.lines, *l)
			variables = variables || l.expression != nil
		}
	}
	if !variables {
		for i := range f.lines {
			f.constant = http11.AppendFieldBytes(f.constant, []byte(f.lines[i].name), f.lines[i].value)
		}
		f.lines = nil
	}
	return f, nil, nil
}

// Request implements Request.
func (f *requestFields) Request(ex *message.Exchange, s *State) bool {
	s.Connection, s.Replaced, s.Lines = f.connection, f.names, f.constant
	if f.host == nil && len(f.lines) == 0 {
		return true
	}
	context := s.Context(ex)
	if f.host != nil && len(s.Host) == 0 { // upstream-vhost is for one Ingress, and goes before
		if s.Host = f.host.evaluate(ex, &context); len(s.Host) > 0 && !isHost(s.Host) {
			s.Host, s.Reply = nil, Reply{Status: 400} // as with upstream-vhost
			return false
		}
	}
	if len(f.lines) == 0 {
		return true
	}
	size := 0
	for i := range f.lines {
		size += len(f.lines[i].name) + len(f.lines[i].value) + usualValue
	}
	b := ex.Mem.Alloc(size)[:0]
	for i := range f.lines {
		l := &f.lines[i]
		if value := l.evaluate(ex, &context); len(value) > 0 {
			b = append(b, l.name...)
			b = append(append(append(b, ": "...), value...), "\r\n"...)
		}
	}
	s.Lines = b
	return true
}
