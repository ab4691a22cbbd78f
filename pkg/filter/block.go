package filter

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// block refuses clients and programs before all else (ingress-nginx: block-cidrs,
// block-user-agents, block-referers).
type block struct {
	clients          *networks
	agents, referers *patterns
}

func newBlock(s *Settings) (Request, Response, error) {
	want := s.Filters.Block
	var b block
	var err error
	if b.clients, err = s.Shared.networksOf(want.Networks); err != nil {
		return nil, nil, fmt.Errorf("block-cidrs: %w", err)
	}
	if b.agents, err = s.Shared.patternsOf(want.Agents); err != nil {
		return nil, nil, fmt.Errorf("block-user-agents: %w", err)
	}
	if b.referers, err = s.Shared.patternsOf(want.Referers); err != nil {
		return nil, nil, fmt.Errorf("block-referers: %w", err)
	}
	if b == (block{}) {
		return nil, nil, nil
	}
	return &b, nil, nil
}

// Request implements Request.
func (b *block) Request(ex *message.Exchange, s *State) bool {
	f := &ex.Request.Fields
	if b.clients.has(ex) || b.agents.match(f, message.UserAgent) || b.referers.match(f, message.Referer) {
		s.Reply = Reply{Status: 403}
		return false
	}
	return true
}

// patterns is what values of a field are compared with. A nil one matches none.
type patterns struct {
	texts       []string
	expressions []*regexp.Regexp
}

// patternsOf makes patterns of a list in the model's form, nil of an empty one.
func (s *Shared) patternsOf(list string) (*patterns, error) {
	if list == "" {
		return nil, nil
	}
	return s.patterns.get(list, parsePatterns)
}

func parsePatterns(list string) (*patterns, error) {
	p := new(patterns)
	for text := range strings.SplitSeq(list, ",") {
		switch expression, err := pattern.OfMap(text); {
		case err != nil:
			return nil, err
		case expression == nil:
			p.texts = append(p.texts, text)
		default:
			p.expressions = append(p.expressions, expression)
		}
	}
	return p, nil
}

// match tells whether a field of a request, or its absence, which is as an empty one,
// matches a pattern.
func (p *patterns) match(f *message.Fields, name message.Name) bool {
	if p == nil {
		return false
	}
	i := f.Index(name, 0)
	if i < 0 {
		return p.matches(nil)
	}
	for ; i >= 0; i = f.Index(name, i+1) {
		if _, _, value, _ := f.At(i); p.matches(value) {
			return true
		}
	}
	return false
}

func (p *patterns) matches(value []byte) bool {
	for _, text := range p.texts {
		if message.EqualFold(value, text) {
			return true
		}
	}
	for _, expression := range p.expressions {
		if expression.Match(value) {
			return true
		}
	}
	return false
}
