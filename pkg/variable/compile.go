package variable

import (
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Bounds of a text with variables, whose author need not be trusted.
const (
	MaxLength = 4 << 10
	MaxParts  = 256
)

// Expression is a compiled text. It is immutable.
type Expression struct {
	text  string
	parts []part
}

// part is a piece of text or a variable.
type part struct {
	id id
	// text is the text of a literal, else what NAME stands for: a field name as it is
	// spelled in a message, an argument's or a cookie's.
	text string
	// field is the known field name that text spells, if it does.
	field message.Name
	// name is the variable's name.
	name string
}

// Compile reads a text in which $name and ${name} stand for variables, of those
// that are in a set. Names are those of nginx, in any case; they have letters,
// digits and _. As in nginx there is no way to write a $ that stands for itself:
// one that no name follows is an error. So are an *UnknownError and a *LateError.
func Compile(text string, known Set) (*Expression, error) {
	e, problems, err := compile(text, known)
	if err == nil && len(problems) > 0 {
		err = problems[0]
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// CompileFormat is Compile for texts of which the rest is still worth having: a
// variable that cannot be had is absent from all exchanges, and one of the problems,
// which are *UnknownError and *LateError.
func CompileFormat(text string, known Set) (e *Expression, problems []error, err error) {
	return compile(text, known)
}

func compile(text string, known Set) (e *Expression, problems []error, err error) {
	if len(text) > MaxLength {
		return nil, nil, ErrTooLong
	}
	e = &Expression{text: text}
	for rest := text; rest != ""; {
		if len(e.parts) == MaxParts {
			return nil, nil, ErrTooMany
		}
		at := strings.IndexByte(rest, '$')
		if at != 0 {
			if at < 0 {
				at = len(rest)
			}
			e.parts = append(e.parts, part{id: literal, text: rest[:at]})
			rest = rest[at:]
			continue
		}
		var name string
		if name, rest, err = cutName(rest[1:]); err != nil {
			return nil, nil, err
		}
		p, problem := variable(strings.ToLower(name), known)
		if problem != nil {
			problems = append(problems, problem)
		}
		e.parts = append(e.parts, p)
	}
	return e, problems, nil
}

// cutName splits what follows a $ in a variable's name and the rest.
func cutName(text string) (name, rest string, err error) {
	inner, braced := strings.CutPrefix(text, "{")
	n := 0
	for n < len(inner) && isName(inner[n]) {
		n++
	}
	name, rest = inner[:n], inner[n:]
	switch {
	case n == 0:
		return "", "", ErrName
	case !braced:
		return name, rest, nil
	case rest == "" || rest[0] != '}':
		return "", "", ErrNoBraces
	}
	return name, rest[1:], nil
}

func isName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// variable returns the part that stands for a name in lower case.
func variable(name string, known Set) (part, error) {
	v, rest := find(name)
	switch {
	case v == nil:
		return part{id: missing, name: name}, &UnknownError{Name: name, Near: suggest(name)}
	case v.Known > known:
		return part{id: missing, name: name}, &LateError{Name: name}
	}
	p := part{id: v.id, text: rest, name: name}
	switch v.id {
	case httpNAME, sentHTTPNAME:
		p.text = strings.ReplaceAll(rest, "_", "-")
		p.field = message.LookupName([]byte(p.text))
		if v.id == sentHTTPNAME && ofConnection(p.field) {
			return part{id: missing, name: name}, &UnknownError{Name: name}
		}
	}
	return p, nil
}

// ofConnection tells which fields of a response are written by the connection alone
// (RFC 9110, section 7.6.1): what was sent of them is recorded nowhere.
func ofConnection(n message.Name) bool {
	switch n {
	case message.Connection, message.KeepAlive, message.ProxyConnection, message.TE, message.Trailer,
		message.TransferEncoding, message.Upgrade:
		return true
	}
	return false
}

// String is the text that was compiled.
func (e *Expression) String() string { return e.text }

// Constant returns the text when it has no variables.
func (e *Expression) Constant() (string, bool) {
	for i := range e.parts {
		if e.parts[i].id != literal {
			return "", false
		}
	}
	return e.text, true
}

// Variables lists the names of the variables in lower case, in their order and each
// once. Those that CompileFormat found to be missing are among them.
func (e *Expression) Variables() []string {
	var names []string
	for i := range e.parts {
		if p := &e.parts[i]; p.id != literal && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}
