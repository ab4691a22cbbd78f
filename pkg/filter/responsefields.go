package filter

import (
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// responseFields takes fields out of the responses of endpoints, and then sets those
// of all responses (ingress-nginx: hide-headers, server-tokens, add-headers,
// custom-headers).
type responseFields struct {
	hide       []string
	hideServer bool
	server     bool
	set        []fieldLine
	variables  bool
}

// serverName is the value of the field Server of ours.
var serverName = []byte("shockwave")

func newResponseFields(s *Settings) (Request, Response, error) {
	c := &s.Filters.ResponseFields
	set, err := compileLines(c.Set)
	if err != nil {
		return nil, nil, err
	}
	f := &responseFields{hideServer: c.HideServer, server: c.Server, set: set}
	if c.Hide != "" {
		f.hide = strings.Split(c.Hide, ",")
	}
	for i := range set {
		f.variables = f.variables || set[i].expression != nil
	}
	if len(f.hide) == 0 && !f.hideServer && !f.server && len(set) == 0 {
		return nil, nil, nil
	}
	return nil, f, nil
}

// Response implements Response.
func (f *responseFields) Response(ex *message.Exchange, s *State) {
	fields := &ex.Response.Fields
	if !s.Own {
		for _, name := range f.hide {
			fields.DelName(name)
		}
		if f.hideServer {
			fields.Del(message.Server)
		}
	}
	if f.server && !fields.Has(message.Server) {
		fields.Add(message.Server, serverName)
	}
	if !f.variables {
		for i := range f.set {
			f.set[i].put(fields, f.set[i].value)
		}
		return
	}
	context := s.Context(ex)
	for i := range f.set {
		f.set[i].put(fields, f.set[i].evaluate(ex, &context))
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
