package filter

import (
	"strconv"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// cors answers preflight requests of allowed origins, and adds to all other
// responses for them the fields that let their scripts read these (the CORS protocol
// of the Fetch standard; ingress-nginx: enable-cors). What other origins ask goes to
// the endpoint, whose own fields stay.
type cors struct {
	all     bool // every origin, and requests that name none
	origins []origin
	fields  []field
	maxAge  []byte
}

// field is a field with its value.
type field struct {
	name  string
	value []byte
}

// origin is one that is allowed. With a wildcard there is one label between start
// and end.
type origin struct {
	start, end string
	wildcard   bool
}

// Names of fields.
const (
	allowOrigin = "Access-Control-Allow-Origin"
	vary        = "Vary"
)

var (
	anyOrigin  = []byte("*")
	varyOrigin = []byte("Origin")
	textPlain  = []byte("text/plain; charset=utf-8")
)

func newCORS(s *Settings) (Request, Response, error) {
	c := &s.Filters.CORS
	if !c.On || c.Origins == "" {
		return nil, nil, nil
	}
	f := &cors{all: c.Origins == "*", maxAge: strconv.AppendInt(nil, int64(c.MaxAge), 10)}
	if !f.all {
		for text := range strings.SplitSeq(c.Origins, ",") {
			start, end, wildcard := strings.Cut(text, "*")
			f.origins = append(f.origins, origin{start, end, wildcard})
		}
	}
	if !c.NoCredentials {
		f.add("Access-Control-Allow-Credentials", "true")
	}
	f.add("Access-Control-Allow-Methods", c.Methods)
	f.add("Access-Control-Allow-Headers", c.Headers)
	f.add("Access-Control-Expose-Headers", c.Expose)
	return f, f, nil
}

func (f *cors) add(name, value string) {
	if value != "" {
		f.fields = append(f.fields, field{name, []byte(value)})
	}
}

// Request implements Request. As in ingress-nginx any OPTIONS request of an allowed
// origin counts as a preflight, whether it asks for a method or not.
func (f *cors) Request(ex *message.Exchange, s *State) bool {
	if ex.Request.MethodID != message.OPTIONS || f.allowed(&ex.Request.Fields) == nil {
		return true
	}
	s.Reply = Reply{Status: 204, Empty: true}
	s.preflight = true
	return false
}

// Response implements Response.
func (f *cors) Response(ex *message.Exchange, s *State) {
	fields := &ex.Response.Fields
	if !f.all {
		addVary(fields)
	}
	value := f.allowed(&ex.Request.Fields)
	if value == nil {
		return
	}
	setField(fields, allowOrigin, value)
	for i := range f.fields {
		setField(fields, f.fields[i].name, f.fields[i].value)
	}
	if s.preflight {
		setField(fields, "Access-Control-Max-Age", f.maxAge)
		fields.Set(message.ContentType, textPlain)
	}
}

// allowed returns the value of Access-Control-Allow-Origin for a request, nil when
// its origin is not allowed.
func (f *cors) allowed(fields *message.Fields) []byte {
	if f.all {
		return anyOrigin
	}
	at := fields.IndexName("Origin", 0)
	if at < 0 || fields.IndexName("Origin", at+1) >= 0 {
		return nil
	}
	_, _, value, _ := fields.At(at)
	for i := range f.origins {
		if f.origins[i].matches(value) {
			return value
		}
	}
	return nil
}

// matches tells whether value is the origin. Case makes no difference, as in
// ingress-nginx.
func (o *origin) matches(value []byte) bool {
	if !o.wildcard {
		return message.EqualFold(value, o.start)
	}
	label := len(value) - len(o.start) - len(o.end)
	if label < 1 || !message.EqualFold(value[:len(o.start)], o.start) || !message.EqualFold(value[len(o.start)+label:], o.end) {
		return false
	}
	for _, c := range value[len(o.start) : len(o.start)+label] {
		if lower := message.Lower(c); (lower < 'a' || lower > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// addVary says that the response depends on the field Origin of the request (RFC
// 9110, section 12.5.5), which ingress-nginx does not: a cache would give one origin
// the answer that was for another.
func addVary(fields *message.Fields) {
	for i := fields.IndexName(vary, 0); i >= 0; i = fields.IndexName(vary, i+1) {
		if _, _, value, _ := fields.At(i); message.EqualFold(value, "origin") || string(value) == "*" {
			return
		}
	}
	fields.AddName(vary, varyOrigin)
}

// setField makes a field the only one of its name.
func setField(fields *message.Fields, name string, value []byte) {
	fields.DelName(name)
	fields.AddName(name, value)
}
