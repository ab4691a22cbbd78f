package route

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// Match says how the path of a Rule is compared.
type Match uint8

const (
	// Prefix matches whole path elements: /a matches /a, /a/ and /a/b, not /ab.
	// A trailing slash of the rule is ignored, and / matches every path.
	Prefix Match = iota
	// Exact matches the very same path; /a does not match /a/.
	Exact
	// Fallback matches what no other rule of the host does. Its path is
	// ignored.
	Fallback
	// Pattern matches by an expression, as package pattern does. Of several the first
	// one wins that matches.
	Pattern
)

func (m Match) String() string {
	switch m {
	case Prefix:
		return "prefix"
	case Exact:
		return "exact"
	case Pattern:
		return "pattern"
	}
	return "fallback"
}

// Rule gives a path of a host its value.
type Rule[V any] struct {
	Match Match
	// Path begins with "/".
	Path  string
	Value V
}

// Paths are the rules of one host. They are immutable.
//
// They are a tree whose edges are labelled with path elements. A node with a
// single child and no value is merged with it, so that the tree has less than
// two nodes for each rule, however deep the rules' paths are.
type Paths[V any] struct {
	root     node[V]
	fallback slot[V]
	patterns patterns[V]
}

// node is reached by the elements on the way to it.
type node[V any] struct {
	// label is the last stretch of the way: one or more elements, each with the
	// slash before it. It is empty for the root only.
	label  string
	exact  slot[V]
	prefix slot[V]
	// few or many holds the children by the first element of their label.
	few  []*node[V]
	many map[string]*node[V]
}

// slot is a value that may be missing.
type slot[V any] struct {
	value V
	ok    bool
}

// fewChildren is how many children are compared one by one; more are hashed.
const fewChildren = 6

// NewPaths makes the rules of one host. It fails when a path does not begin
// with "/", when two rules match the same path in the same way, and for a pattern that
// does not compile. Patterns are tried in the order of the rules.
func NewPaths[V any](rules []Rule[V]) (*Paths[V], error) {
	p := &Paths[V]{}
	for i := range rules {
		r := &rules[i]
		if r.Match == Pattern {
			if err := p.patterns.add(r); err != nil {
				return nil, fmt.Errorf("pattern %q: %w", r.Path, err)
			}
			continue
		}
		s, err := p.slot(r.Match, r.Path)
		if err != nil {
			return nil, err
		}
		if s.ok {
			return nil, fmt.Errorf("%s path %q occurs twice", r.Match, r.Path)
		}
		*s = slot[V]{r.Value, true}
	}
	return p, nil
}

func (p *Paths[V]) slot(m Match, path string) (*slot[V], error) {
	switch {
	case m == Fallback:
		return &p.fallback, nil
	case path == "" || path[0] != '/':
		return nil, fmt.Errorf("path %q does not begin with a slash", path)
	case m == Exact:
		return &p.root.reach(path).exact, nil
	}
	return &p.root.reach(strings.TrimSuffix(path, "/")).prefix, nil
}

// reach returns the node for a path below n, made if need be.
func (n *node[V]) reach(path string) *node[V] {
	for path != "" {
		child := n.child(path[:elementEnd(path)])
		if child == nil {
			child = &node[V]{label: path}
			n.adopt(child)
			return child
		}
		common := commonElements(child.label, path)
		if common < len(child.label) {
			child.split(common)
		}
		path = path[common:]
		n = child
	}
	return n
}

// child returns the child whose label begins with an element.
func (n *node[V]) child(element string) *node[V] {
	if n.many != nil {
		return n.many[element]
	}
	for _, c := range n.few {
		if c.label[:elementEnd(c.label)] == element {
			return c
		}
	}
	return nil
}

func (n *node[V]) adopt(child *node[V]) {
	if n.many == nil && len(n.few) < fewChildren {
		n.few = append(n.few, child)
		return
	}
	if n.many == nil {
		n.many = make(map[string]*node[V], 2*fewChildren)
		for _, c := range n.few {
			n.many[c.label[:elementEnd(c.label)]] = c
		}
		n.few = nil
	}
	n.many[child.label[:elementEnd(child.label)]] = child
}

// split puts what n holds into a new child that has the label from i on. n
// stays where it is in its parent, which knows it by its first element.
func (n *node[V]) split(i int) {
	rest := *n
	rest.label = n.label[i:]
	*n = node[V]{label: n.label[:i], few: []*node[V]{&rest}}
}

// Scratch is memory for Find, which it keeps from one use to the next. The zero value is
// ready.
type Scratch struct{ reading, text, plain []byte }

// Find returns the value for a path, and the path to forward. The path must be in the
// form of http11.NormalizePath. ok is false when no rule matches it. A path that does not
// begin with "/", such as "*", is matched by the prefix "/" only.
//
// A path that may be read in several ways leads to the same value in each: where several
// slashes stand for one, or do not, the reading with one slash decides, and then it is
// what is forwarded. It is a view of s, valid until that is used again. Where an encoded
// slash or a backslash may be one the error is ErrAmbiguous. A path that patterns cannot
// be asked for is pattern.ErrControl.
func (p *Paths[V]) Find(path []byte, s *Scratch) (value V, forward []byte, ok bool, err error) {
	best, err := p.lookup(path, s)
	if err != nil {
		return value, nil, false, err
	}
	forward = path
	if len(path) > 0 && path[0] == '/' {
		switch doubtOf(path) {
		case merged:
			s.reading = AppendReading(s.reading[:0], path, 0)
			other, err := p.lookup(s.reading, s)
			if err != nil {
				return value, nil, false, err
			}
			if other != best {
				best, forward = other, s.reading
			}
		case several:
			for _, as := range []Reading{0, Slashes, Slashes | Backslashes} {
				s.reading = AppendReading(s.reading[:0], path, as)
				if other, err := p.lookup(s.reading, s); err != nil || other != best {
					return value, nil, false, ErrAmbiguous
				}
			}
		}
	}
	return best.value, forward, best.ok, nil
}

// lookup returns the slot for one reading of a path: that of an exact path, or of the
// longest prefix, or of the first pattern that matches of those whose literal beginning
// is no shorter than that prefix.
func (p *Paths[V]) lookup(path []byte, s *Scratch) (*slot[V], error) {
	best, length, exact := p.literal(path)
	if exact || len(p.patterns.list) == 0 {
		return best, nil
	}
	text := path
	if !pattern.IsText(path) {
		var err error
		if s.text, err = pattern.AppendText(s.text[:0], path); err != nil {
			return nil, err
		}
		text = s.text
	}
	if found := p.patterns.find(text, length); found != nil {
		return &found.slot, nil
	}
	return best, nil
}

// literal returns the slot of an exact path or of the longest prefix, with its length,
// or that of the fallback.
func (p *Paths[V]) literal(path []byte) (best *slot[V], length int, exact bool) {
	best = &p.fallback
	if p.root.prefix.ok {
		best = &p.root.prefix
	}
	whole := len(path)
	for n := &p.root; len(path) > 0 && path[0] == '/'; {
		if n = n.next(path); n == nil {
			break
		}
		path = path[len(n.label):]
		if n.prefix.ok {
			best, length = &n.prefix, whole-len(path)
		}
		if len(path) == 0 && n.exact.ok {
			return &n.exact, whole, true
		}
	}
	return best, length, false
}

// next returns the child whose whole label begins a path, or nil. The path
// begins with a slash.
func (n *node[V]) next(path []byte) *node[V] {
	if n.many == nil {
		for _, c := range n.few {
			if beginsWith(path, c.label) {
				return c
			}
		}
		return nil
	}
	end := len(path)
	if slash := bytes.IndexByte(path[1:], '/'); slash >= 0 {
		end = slash + 1
	}
	if c := n.many[string(path[:end])]; c != nil && beginsWith(path, c.label) {
		return c
	}
	return nil
}

// beginsWith tells whether a path begins with all elements of a label.
func beginsWith(path []byte, label string) bool {
	return len(path) >= len(label) &&
		(len(path) == len(label) || path[len(label)] == '/') &&
		string(path[:len(label)]) == label
}

// elementEnd returns where the first element of s ends. s begins with a slash.
func elementEnd(s string) int {
	if i := strings.IndexByte(s[1:], '/'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// commonElements returns the length of the elements that a and b both begin
// with.
func commonElements(a, b string) int {
	i, last := 0, 0
	for ; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '/' {
			last = i
		}
	}
	if (i == len(a) || a[i] == '/') && (i == len(b) || b[i] == '/') {
		return i
	}
	return last
}
