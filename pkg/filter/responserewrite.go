package filter

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// responseRewrite changes what responses of endpoints tell of their own addresses: in
// redirects, and in the domains and paths of cookies (ingress-nginx: proxy-redirect-*,
// proxy-cookie-*).
type responseRewrite struct {
	from         string
	to           *variable.Expression // nil: redirects stay
	domain, path *pair                // nil: cookies stay
}

// pair is what becomes what.
type pair struct{ from, to string }

func newResponseRewrite(s *Settings) (Request, Response, error) {
	c := &s.Filters.ResponseRewrite
	f := &responseRewrite{from: c.RedirectFrom, domain: newPair(c.CookieDomain), path: newPair(c.CookiePath)}
	if c.RedirectFrom != "" && c.RedirectTo != "" {
		var err error
		if f.to, err = variable.Compile(c.RedirectTo, variable.Request); err != nil {
			return nil, nil, fmt.Errorf("proxy-redirect-to: %w", err)
		}
	}
	if f.to == nil && f.domain == nil && f.path == nil {
		return nil, nil, nil
	}
	if f.domain != nil { // a dot before a domain means nothing (RFC 6265, section 5.2.3)
		f.domain.from = strings.TrimPrefix(f.domain.from, ".")
	}
	return nil, f, nil
}

func newPair(text string) *pair {
	from, to, ok := strings.Cut(text, " ")
	if !ok {
		return nil
	}
	return &pair{from, to}
}

// Response implements Response.
func (f *responseRewrite) Response(ex *message.Exchange, s *State) {
	if s.Own {
		return
	}
	fields := &ex.Response.Fields
	if f.to != nil {
		f.redirect(ex, s, fields.Index(message.Location, 0), 0)
		if at := fields.IndexName("Refresh", 0); at >= 0 {
			_, _, value, _ := fields.At(at)
			f.redirect(ex, s, at, refreshURL(value))
		}
	}
	if f.domain == nil && f.path == nil {
		return
	}
	for at := fields.Index(message.SetCookie, 0); at >= 0; at = fields.Index(message.SetCookie, at+1) {
		f.cookie(ex, at)
	}
}

// redirect changes the URL that begins at a byte of the field at a position; either may
// be -1 for none.
func (f *responseRewrite) redirect(ex *message.Exchange, s *State, at, begin int) {
	if at < 0 || begin < 0 {
		return
	}
	fields := &ex.Response.Fields
	_, name, value, _ := fields.At(at)
	rest, ok := cutPrefix(value[begin:], f.from)
	if !ok {
		return
	}
	context := s.Context(ex)
	b := append(ex.Mem.Alloc(len(value) + usualValue)[:0], value[:begin]...)
	b = f.to.AppendEscaped(b, &context, variable.EscapeNone, longestPart)
	f.replace(fields, at, name, append(b, rest...))
}

// replace gives the field at a position another value, or leaves it when that cannot
// be sent.
func (f *responseRewrite) replace(fields *message.Fields, at int, name, value []byte) {
	if len(value) > longestResult || !http11.ValidFieldValue(value) {
		return
	}
	known := message.LookupName(name)
	fields.Remove(at)
	if known == message.Unknown {
		fields.PutName(at, "Refresh", value)
		return
	}
	fields.PutName(at, known.String(), value)
}

// refreshURL is where the URL begins in a value of Refresh, such as "5; url=/next", -1
// for nowhere.
func refreshURL(value []byte) int {
	for i := 0; i+4 <= len(value); i++ {
		if message.EqualFold(value[i:i+4], "url=") {
			return i + 4
		}
	}
	return -1
}

// cookie changes domain and path of a cookie.
func (f *responseRewrite) cookie(ex *message.Exchange, at int) {
	fields := &ex.Response.Fields
	_, name, value, _ := fields.At(at)
	var b []byte // nil as long as nothing is changed; then value[:copied] is in it
	copied := 0
	for begin := bytes.IndexByte(value, ';') + 1; begin > 0; {
		end, next := len(value), 0
		if i := bytes.IndexByte(value[begin:], ';'); i >= 0 {
			end, next = begin+i, begin+i+1
		}
		from, to, changed := f.attribute(value, begin, end)
		if changed != "" {
			if b == nil {
				b = ex.Mem.Alloc(len(value) + f.growth())[:0]
			}
			b = append(append(b, value[copied:from]...), changed...)
			copied = to
		}
		begin = next
	}
	if b != nil {
		f.replace(fields, at, name, append(b, value[copied:]...))
	}
}

// growth is the most by which a cookie with one domain and one path grows.
func (f *responseRewrite) growth() (n int) {
	if f.domain != nil {
		n += len(f.domain.to)
	}
	if f.path != nil {
		n += len(f.path.to)
	}
	return n
}

// attribute looks at the attribute value[begin:end] of a cookie, and returns what
// stands in place of value[from:to], "" for nothing.
func (f *responseRewrite) attribute(value []byte, begin, end int) (from, to int, changed string) {
	equals := bytes.IndexByte(value[begin:end], '=')
	if equals < 0 {
		return 0, 0, ""
	}
	key := bytes.TrimSpace(value[begin : begin+equals])
	from, to = begin+equals+1, end
	for from < to && value[from] == ' ' {
		from++
	}
	for from < to && value[to-1] == ' ' {
		to--
	}
	text := value[from:to]
	switch {
	case f.domain != nil && message.EqualFold(key, "domain"):
		if message.EqualFold(bytes.TrimPrefix(text, dot), f.domain.from) {
			return from, to, f.domain.to
		}
	case f.path != nil && message.EqualFold(key, "path"):
		if _, ok := cutPrefix(text, f.path.from); ok {
			return from, from + len(f.path.from), f.path.to
		}
	}
	return 0, 0, ""
}

// cutPrefix returns b without a prefix, and whether it has that.
func cutPrefix(b []byte, prefix string) (rest []byte, ok bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return b, false
	}
	return b[len(prefix):], true
}
