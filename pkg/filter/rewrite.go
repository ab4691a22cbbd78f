package filter

import (
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
	"github.com/shockwave-ingress/shockwave/pkg/route"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// rewrite changes the path that is forwarded, as nginx's directive does:
//
//	rewrite "(?i)PATH" TARGET break;
//
// What groups match is what stands in the decoded path, and is encoded again. What comes
// out never has dot segments, however somebody may read it: the path was free of them,
// but groups can put "." and "." together.
type rewrite struct {
	// groups is nil for a path that is no pattern: it matches, and has no groups.
	groups *pattern.Groups
	parts  []targetPart
	prefix []byte // of X-Forwarded-Prefix, empty for none
}

// targetPart is a group's number, or a text with variables.
type targetPart struct {
	group int
	text  *variable.Expression
}

const (
	// mostValue bounds what a variable adds to a target.
	mostValue = 2 << 10
	// escaped is the longest that a byte becomes.
	escaped = len("%HH")
)

// newRewrite makes the filter of a path that endpoints are asked for.
func newRewrite(s *Settings) (Request, Response, error) {
	r := &s.Filters.Rewrite
	if isRedirect(r.Target) || r.Target == "" && r.Prefix == "" {
		return nil, nil, nil
	}
	f, err := compileRewrite(s)
	if err != nil {
		return nil, nil, err
	}
	return f, nil, nil
}

// newRewriteRedirect makes the filter of a target that clients are sent to.
func newRewriteRedirect(s *Settings) (Request, Response, error) {
	if !isRedirect(s.Filters.Rewrite.Target) {
		return nil, nil, nil
	}
	f, err := compileRewrite(s)
	if err != nil {
		return nil, nil, err
	}
	return &rewriteRedirect{*f}, nil, nil
}

// isRedirect tells whether nginx answers a rewrite with a redirect (nginx:
// src/http/modules/ngx_http_rewrite_module.c, ngx_http_rewrite).
func isRedirect(target string) bool {
	return strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "$scheme")
}

func compileRewrite(s *Settings) (*rewrite, error) {
	r := &s.Filters.Rewrite
	f := &rewrite{prefix: []byte(r.Prefix)}
	var err error
	if s.Pattern && r.Target != "" {
		if f.groups, err = pattern.CompileGroups(s.Path); err != nil {
			return nil, err
		}
	}
	f.parts, err = compileTarget(r.Target)
	return f, err
}

// compileTarget reads a target, in which $1 to $9 stand for groups.
func compileTarget(target string) ([]targetPart, error) {
	var parts []targetPart
	for start, i := 0, 0; i <= len(target); i++ {
		group := i+1 < len(target) && target[i] == '$' && '1' <= target[i+1] && target[i+1] <= '9'
		if !group && i < len(target) {
			continue
		}
		if i > start {
			text, err := variable.Compile(target[start:i], variable.Request)
			if err != nil {
				return nil, err
			}
			parts = append(parts, targetPart{text: text})
		}
		if group {
			parts = append(parts, targetPart{group: int(target[i+1] - '0')})
			i++
			start = i + 1
		}
	}
	return parts, nil
}

// Request implements Request.
func (f *rewrite) Request(ex *message.Exchange, s *State) bool {
	if len(f.prefix) > 0 {
		fields := &ex.Request.Fields
		fields.DelName("X-Forwarded-Prefix")
		fields.AddName("X-Forwarded-Prefix", f.prefix)
	}
	if len(f.parts) == 0 || len(s.Path) == 0 || s.Path[0] != '/' { // OPTIONS * asks for no path
		return true
	}
	path, matched, err := f.evaluate(ex, s, 1)
	switch {
	case err != nil || matched && dotted(path):
		s.Reply = Reply{Status: 400}
		return false
	case !matched:
		return true
	}
	s.Target = Target{Path: path, Query: ex.Request.Query, HasQuery: len(ex.Request.Query) > 0}
	return true
}

// rewriteRedirect sends clients to a URL that is made as a path is rewritten.
type rewriteRedirect struct{ rewrite }

// Request implements Request.
func (f *rewriteRedirect) Request(ex *message.Exchange, s *State) bool {
	if len(s.Path) == 0 || s.Path[0] != '/' {
		return true
	}
	query := ex.Request.Query
	url, matched, err := f.evaluate(ex, s, 1+len(query))
	switch {
	case err != nil:
		s.Reply = Reply{Status: 400}
		return false
	case !matched:
		return true
	}
	url = url[1:] // the slash that paths begin with
	if len(query) > 0 {
		url = append(append(url, '?'), query...)
	}
	s.Reply = Reply{Status: 302, Location: url}
	return false
}

// evaluate makes the target for an exchange, with a slash in front where the parts make
// none, or where they make a URL. spare is how much more memory is wanted. matched tells
// whether the path is rewritten at all.
func (f *rewrite) evaluate(ex *message.Exchange, s *State, spare int) (target []byte, matched bool, err error) {
	// As nginx reads it: with all escapes decoded.
	path := s.Path
	if !pattern.IsText(path) || hasEmptySegment(path) {
		path = route.AppendReading(ex.Mem.Alloc(len(path))[:0], path, route.Slashes)
	}
	text := path
	if !pattern.IsText(path) {
		if text, err = pattern.AppendText(ex.Mem.Alloc(len(path))[:0], path); err != nil {
			return nil, false, err
		}
	}
	var space [pattern.MaxPlaces]int
	var places []int
	if f.groups != nil {
		if places = f.groups.Find(&space, text); places == nil {
			return nil, false, nil
		}
	}
	context := s.Context(ex)
	size := 1 + spare
	for i := range f.parts {
		if p := &f.parts[i]; p.text != nil {
			size += escaped * p.text.Bound(variable.EscapeNone, mostValue)
		} else {
			size += escaped * len(pattern.Group(text, places, p.group))
		}
	}
	target = append(ex.Mem.Alloc(size)[:0], '/')
	for i := range f.parts {
		p := &f.parts[i]
		if p.text == nil {
			target = pattern.AppendPath(target, pattern.Group(text, places, p.group))
		} else if constant, ok := p.text.Constant(); ok {
			target = append(target, constant...)
		} else {
			value := ex.Mem.Alloc(p.text.Bound(variable.EscapeNone, mostValue))[:0]
			target = pattern.AppendEscaped(target, p.text.AppendEscaped(value, &context, variable.EscapeNone, mostValue))
		}
	}
	if len(target) > 1 && target[1] == '/' {
		target = target[1:]
	}
	return target, true, nil
}

func hasEmptySegment(path []byte) bool {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' && path[i-1] == '/' {
			return true
		}
	}
	return false
}

// dotted tells whether a path has a segment that is "." or "..", in any way of reading it:
// with %2E for a dot, with %2F, \ and %5C for a slash, and with parameters.
func dotted(path []byte) bool {
	dots, other := 0, true
	for i := 0; i <= len(path); i++ {
		c := byte('/')
		if i < len(path) {
			c = path[i]
			if c == '%' && i+2 < len(path) {
				switch code := string(path[i+1 : i+3]); {
				case code == "2E" || code == "2e":
					c = '.'
				case strings.EqualFold(code, "2F"), strings.EqualFold(code, "5C"):
					c = '/'
				case strings.EqualFold(code, "3B"):
					c = ';'
				}
				i += 2
			}
		}
		switch {
		case c == '/' || c == '\\' || c == ';':
			if !other && (dots == 1 || dots == 2) {
				return true
			}
			dots, other = 0, c == ';'
		case c == '.':
			dots++
		default:
			other = true
		}
	}
	return false
}
