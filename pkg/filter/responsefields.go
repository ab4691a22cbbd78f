package filter

import (
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// hiddenFields takes fields out of the responses of endpoints, before other filters
// add theirs under the same names (ingress-nginx: hide-headers,
// allow-backend-server-header).
type hiddenFields struct {
	names  []string
	server bool
}

func newHiddenFields(s *Settings) (Request, Response, error) {
	c := &s.Filters.ResponseFields
	if c.Hide == "" && !c.HideServer {
		return nil, nil, nil
	}
	f := &hiddenFields{server: c.HideServer}
	if c.Hide != "" {
		f.names = strings.Split(c.Hide, ",")
	}
	return nil, f, nil
}

// Response implements Response.
func (f *hiddenFields) Response(ex *message.Exchange, s *State) {
	if s.Own {
		return
	}
	for _, name := range f.names {
		ex.Response.Fields.DelName(name)
	}
	if f.server {
		ex.Response.Fields.Del(message.Server)
	}
}

// responseFields sets fields of all responses (ingress-nginx: add-headers,
// custom-headers, server-tokens).
type responseFields struct {
	server    bool
	set       *fieldLines
	variables bool
}

// serverName is the value of the field Server of ours.
var serverName = []byte("shockwave")

func newResponseFields(s *Settings) (Request, Response, error) {
	c := &s.Filters.ResponseFields
	set, err := s.Shared.linesOf(c.Set)
	if err != nil {
		return nil, nil, err
	}
	f := &responseFields{server: c.Server, set: set}
	for i := range set.list {
		f.variables = f.variables || set.list[i].expression != nil
	}
	if !f.server && len(set.list) == 0 {
		return nil, nil, nil
	}
	return nil, f, nil
}

// Response implements Response.
func (f *responseFields) Response(ex *message.Exchange, s *State) {
	fields := &ex.Response.Fields
	if f.server && !fields.Has(message.Server) {
		fields.Add(message.Server, serverName)
	}
	if !f.variables {
		for i := range f.set.list {
			f.set.list[i].put(fields, f.set.list[i].value)
		}
		return
	}
	context := s.Context(ex)
	for i := range f.set.list {
		f.set.list[i].put(fields, f.set.list[i].evaluate(ex, &context))
	}
}

// put makes the field with this value the only one of its name, or takes it away for
// an empty one.
func (l *fieldLine) put(fields *message.Fields, value []byte) {
	fields.DelName(l.name)
	if len(value) > 0 {
		fields.AddName(l.name, value)
	}
}
