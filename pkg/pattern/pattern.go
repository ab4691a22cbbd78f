package pattern

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// Pattern is a compiled expression. It is immutable.
type Pattern struct {
	literal string
	rest    rest
	re      *regexp.Regexp // nil where rest says all
	size    int
}

// Size is how many instructions the expression has besides its literal, for who has to
// bound many.
func (p *Pattern) Size() int { return p.size }

// rest is what must follow the literal of a pattern.
type rest uint8

const (
	// expression is anything: the whole expression is asked.
	expression rest = iota
	// anything follows.
	anything
	// boundary is the end or a slash, as in /api(/|$)(.*).
	boundary
)

// Bounds of an expression, whose author need not be trusted.
const (
	// MaxLength is the longest expression.
	MaxLength = 2048
	// maxProgram bounds what a byte of a path costs: package regexp looks at each
	// instruction once for it, at most. Those of the literal at the beginning do not
	// count, since only one of them is looked at.
	maxProgram = 500
)

// Compile makes the pattern of a path as an Ingress has it. The error tells why there is
// none: a reason for the Ingress's author.
func Compile(path string) (*Pattern, error) {
	text, err := translate(path)
	if err != nil {
		return nil, err
	}
	text = "(?i)^" + text
	tree, size, err := parse(text)
	if err != nil {
		return nil, err
	}
	p := &Pattern{}
	p.literal, p.rest = beginning(tree)
	if p.size = size - len(p.literal); p.size > maxProgram {
		return nil, errProgram
	}
	if p.rest == expression {
		if p.re, err = regexp.Compile(text); err != nil {
			return nil, errSyntax(err)
		}
	}
	return p, nil
}

// Literal is what each text begins with that the pattern matches, in lower case. A text
// that does not is matched by no pattern, so the expression needs not be asked.
func (p *Pattern) Literal() string { return p.literal }

// Match tells whether the pattern matches a text that is known to begin with its
// Literal, in any case.
func (p *Pattern) Match(text []byte) bool {
	switch p.rest {
	case anything:
		return true
	case boundary:
		n := len(p.literal)
		return len(text) == n || text[n] == '/'
	}
	return p.re.Match(text)
}

// Groups is a pattern as it is used to rewrite paths: in any case, and with what its
// groups match. It is not bound to the path's beginning, as in ingress-nginx, which
// writes `rewrite "(?i)PATH"`. It is immutable.
type Groups struct {
	re *regexp.Regexp
	// bound and steps are the shortcut of a shape that needs no re, nil for others.
	bound *Pattern
	steps []step
}

// MaxPlaces is the length of what Find returns for groups 0 to 9.
const MaxPlaces = 20

// CompileGroups is Compile for rewriting.
func CompileGroups(path string) (*Groups, error) {
	bound, err := Compile(path)
	if err != nil {
		return nil, err
	}
	text, err := translate(path)
	if err != nil {
		return nil, err
	}
	g := &Groups{}
	if g.re, err = regexp.Compile("(?i)" + text); err != nil {
		return nil, errSyntax(err)
	}
	if g.re.NumSubexp() >= MaxPlaces/2 || bound.rest == expression {
		return g, nil
	}
	tree, _, err := parse("(?i)^" + text)
	if err != nil {
		return nil, err
	}
	if g.steps = stepsOf(tree); g.steps != nil {
		g.bound = bound
	}
	return g, nil
}

// Find returns the places in text of what the groups match, as
// regexp.FindSubmatchIndex does. It is nil when the text does not match. They are in
// places for the shapes that are usual; others cost an allocation, as package regexp
// takes no memory for them.
func (g *Groups) Find(places *[MaxPlaces]int, text []byte) []int {
	if g.bound != nil && HasPrefixFold(text, g.bound.literal) && g.bound.Match(text) {
		found := places[:2*(g.re.NumSubexp()+1)]
		for i := range found {
			found[i] = -1
		}
		walk(g.steps, text, found)
		return found
	}
	return g.re.FindSubmatchIndex(text)
}

// Group returns what group n matched, nil when it did not, or when there is none.
func Group(text []byte, places []int, n int) []byte {
	if 2*n+1 >= len(places) || places[2*n] < 0 {
		return nil
	}
	return text[places[2*n]:places[2*n+1]]
}

// parse reads an expression, and tells how many instructions its program has.
func parse(text string) (tree *syntax.Regexp, size int, err error) {
	if tree, err = syntax.Parse(text, syntax.Perl); err != nil {
		return nil, 0, errSyntax(err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, 0, errSyntax(err)
	}
	return tree, len(program.Inst), nil
}

// beginning returns the literal that an expression bound to the beginning begins with, in
// lower case, and what must follow it.
func beginning(tree *syntax.Regexp) (string, rest) {
	r := reader{}
	if !r.take(tree) || r.inexact {
		return r.literal.String(), expression
	}
	if r.bound {
		return r.literal.String(), boundary
	}
	return r.literal.String(), anything
}

// reader takes parts of an expression from left to right.
type reader struct {
	begun   bool // ^ was seen
	ended   bool // the literal is over
	bound   bool // the end or a slash must follow it
	inexact bool // case matters
	literal strings.Builder
}

// take takes a part, and tells whether all of it is understood.
func (r *reader) take(e *syntax.Regexp) bool {
	switch {
	case e.Op == syntax.OpConcat:
		for _, part := range e.Sub {
			if !r.take(part) {
				return false
			}
		}
		return true
	case e.Op == syntax.OpCapture:
		return r.take(e.Sub[0])
	case !r.begun:
		r.begun = e.Op == syntax.OpBeginText
		return r.begun
	case e.Op == syntax.OpLiteral && !r.ended:
		r.literal.WriteString(r.literalOf(e))
		return true
	}
	if isBoundary(e) && !r.ended {
		r.ended, r.bound = true, true
		return true
	}
	r.ended = true
	return optional(e)
}

// literalOf returns a literal in lower case, and notes when its case matters.
func (r *reader) literalOf(e *syntax.Regexp) string {
	var b strings.Builder
	for _, c := range e.Rune {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if 'a' <= c && c <= 'z' && e.Flags&syntax.FoldCase == 0 {
			r.inexact = true
		}
		b.WriteRune(c)
	}
	return b.String()
}

// isBoundary tells whether e is (/|$), with or without a group.
func isBoundary(e *syntax.Regexp) bool {
	return e.Op == syntax.OpAlternate && len(e.Sub) == 2 &&
		e.Sub[0].Op == syntax.OpLiteral && string(e.Sub[0].Rune) == "/" && e.Sub[1].Op == syntax.OpEndText
}

// optional tells whether e matches the empty text, wherever it stands.
func optional(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpEmptyMatch, syntax.OpStar, syntax.OpQuest:
		return true
	case syntax.OpRepeat:
		return e.Min == 0
	case syntax.OpCapture, syntax.OpPlus:
		return optional(e.Sub[0])
	case syntax.OpConcat:
		for _, part := range e.Sub {
			if !optional(part) {
				return false
			}
		}
		return true
	}
	return false
}

// HasPrefixFold tells whether text begins with a literal in lower case.
func HasPrefixFold(text []byte, literal string) bool {
	if len(text) < len(literal) {
		return false
	}
	for i := range len(literal) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != literal[i] {
			return false
		}
	}
	return true
}

// Denial is a pattern that matches all that a refused one may stand for: what the
// expression begins with, up to the first byte that means something, and anything
// after it.
func Denial(path string) string {
	text, err := unquote(path)
	if err != nil || hasAlternatives(text) {
		return "/"
	}
	var literal []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		size := 1
		if c == '\\' && i+1 < len(text) && isPunctuation(text[i+1]) {
			c, size = text[i+1], 2
		} else if strings.IndexByte(special, c) >= 0 {
			break
		}
		if next := i + size; next < len(text) && strings.IndexByte("*?{", text[next]) >= 0 {
			break // it may be missing
		}
		if len(literal) == mostDenial {
			break
		}
		literal = append(literal, c)
		i += size - 1
	}
	if len(literal) == 0 || literal[0] != '/' {
		return "/"
	}
	return Quote(string(literal))
}

// mostDenial bounds the literal of a denial, so that it is not too long when it is quoted.
const mostDenial = MaxLength / 8

// hasAlternatives tells whether text may have alternatives that do not stand in a group:
// then nothing is sure of its beginning. A doubt counts as one.
func hasAlternatives(text string) bool {
	if strings.IndexByte(text, '|') < 0 {
		return false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i++; i < len(text) && !isPunctuation(text[i]) && strings.IndexByte("QEc", text[i]) >= 0 {
				return true // what follows may be literal
			}
		case '(':
			depth++
		case ')':
			depth--
		case '[':
			return strings.IndexByte(text[i:], '|') >= 0 || depth < 0
		case '|':
			if depth <= 0 {
				return true
			}
		}
		if depth < 0 {
			return true
		}
	}
	return depth != 0
}

// special are the bytes that mean something in an expression outside a class.
const special = `\^$.|?*+()[]{}`

// Quote returns a pattern that matches a literal text.
func Quote(literal string) string {
	var b strings.Builder
	for i := range len(literal) {
		switch c := literal[i]; {
		case c == '\\':
			b.WriteString(`\\\`) // of which nginx takes one away for each that stays
		case c == '"', strings.IndexByte(special, c) >= 0:
			b.WriteByte('\\')
		}
		b.WriteByte(literal[i])
	}
	return b.String()
}
