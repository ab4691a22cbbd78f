package route

import (
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// patterns are the expressions of one host, in the order in which they are tried.
//
// Only those are asked whose literal beginning the text has. They are found in a tree of
// these beginnings, so that thousands of patterns cost little more than the few that may
// match.
type patterns[V any] struct {
	list []*patternRule[V]
	root beginnings
}

// patternRule is one of patterns.
type patternRule[V any] struct {
	*pattern.Pattern
	slot slot[V]
}

// beginnings is a node of the tree, reached by the labels on the way to it.
type beginnings struct {
	label string
	// rules are the positions in patterns.list of those that have this beginning.
	rules    []int
	children []*beginnings
}

// add adds a pattern, which is tried after those before it.
func (p *patterns[V]) add(r *Rule[V]) error {
	compiled, err := pattern.Compile(r.Path)
	if err != nil {
		return err
	}
	n := p.root.reach(compiled.Literal())
	n.rules = append(n.rules, len(p.list))
	p.list = append(p.list, &patternRule[V]{compiled, slot[V]{r.Value, true}})
	return nil
}

// reach returns the node for a beginning below n, made if need be.
func (n *beginnings) reach(literal string) *beginnings {
	for literal != "" {
		child := n.child(literal[0])
		if child == nil {
			child = &beginnings{label: literal}
			n.children = append(n.children, child)
			return child
		}
		common := 0
		for common < min(len(literal), len(child.label)) && literal[common] == child.label[common] {
			common++
		}
		if common < len(child.label) {
			rest := *child
			rest.label = child.label[common:]
			*child = beginnings{label: child.label[:common], children: []*beginnings{&rest}}
		}
		literal = strings.TrimPrefix(literal, child.label)
		n = child
	}
	return n
}

// child returns the child whose label begins with a byte.
func (n *beginnings) child(c byte) *beginnings {
	for _, child := range n.children {
		if child.label[0] == c {
			return child
		}
	}
	return nil
}

// find returns the first pattern that matches a text, of those whose literal beginning has
// a length of least or more, nil for none.
func (p *patterns[V]) find(text []byte, least int) *patternRule[V] {
	best := p.below(&p.root, text, text, len(p.list), least)
	if best == len(p.list) {
		return nil
	}
	return p.list[best]
}

// below returns the first position below best of a pattern at n or below it that matches
// text, or best; rest is what follows the beginning, and least what that still lacks of
// the least length. Longer beginnings come first: they
// are mostly those of longer patterns, which are tried earlier.
func (p *patterns[V]) below(n *beginnings, text, rest []byte, best, least int) int {
	if len(rest) > 0 {
		if child := n.child(lower(rest[0])); child != nil && pattern.HasPrefixFold(rest, child.label) {
			best = p.below(child, text, rest[len(child.label):], best, least-len(child.label))
		}
	}
	for _, at := range n.rules {
		if at >= best || least > 0 {
			break
		}
		if p.list[at].Match(text) {
			return at
		}
	}
	return best
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
