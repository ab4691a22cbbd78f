package pattern

import "regexp/syntax"

// step finds the groups of an expression without package regexp, which returns them in
// memory of its own. It is for the shapes that most rewrites have, such as
// /api(/|$)(.*) and /shop/?(.*): a literal, and then only parts that match wherever they
// stand, so that each takes what it would rather have and nothing is tried twice.
type step struct {
	op stepOp
	// group is that of opens and closes.
	group int
	// literal is what advances, and what a question begins with.
	literal string
	// skip is how many steps a question skips when its literal is not there.
	skip int
}

type stepOp uint8

const (
	advances stepOp = iota // over a literal that is known to be there
	opens
	closes
	separates // a slash or the end
	takesRest
	question // the steps that follow, if the literal is there
)

// stepsOf returns the steps of an expression that is bound to the beginning, nil when its
// shape is another one.
func stepsOf(tree *syntax.Regexp) []step {
	var s shaper
	if !s.take(tree) {
		return nil
	}
	return s.steps
}

type shaper struct {
	steps []step
	begun bool // ^ was seen
	ended bool // the literal is over
}

// take adds the steps of a part, and tells whether there are such.
func (s *shaper) take(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpBeginText:
		first := !s.begun
		s.begun = true
		return first
	case syntax.OpConcat:
		for _, part := range e.Sub {
			if !s.take(part) {
				return false
			}
		}
		return true
	case syntax.OpCapture:
		s.steps = append(s.steps, step{op: opens, group: e.Cap})
		ok := s.take(e.Sub[0])
		s.steps = append(s.steps, step{op: closes, group: e.Cap})
		return ok
	case syntax.OpLiteral:
		literal, ok := folded(e)
		s.steps = append(s.steps, step{op: advances, literal: literal})
		return ok && s.begun && !s.ended
	case syntax.OpEmptyMatch:
		return s.begun
	case syntax.OpStar:
		s.ended = true
		s.steps = append(s.steps, step{op: takesRest})
		return s.begun && e.Flags&syntax.NonGreedy == 0 && e.Sub[0].Op == syntax.OpAnyCharNotNL
	case syntax.OpQuest:
		return s.takeQuestion(e)
	}
	if isBoundary(e) && !s.ended {
		s.ended = true
		s.steps = append(s.steps, step{op: separates})
		return s.begun
	}
	return false
}

// takeQuestion adds the steps of a part that may be missing. What it holds begins with a
// literal, and goes on with parts that match wherever they stand.
func (s *shaper) takeQuestion(e *syntax.Regexp) bool {
	if !s.begun || e.Flags&syntax.NonGreedy != 0 {
		return false
	}
	at := len(s.steps)
	s.steps = append(s.steps, step{op: question})
	s.ended = false // for the literal inside
	ok := s.take(e.Sub[0])
	s.ended = true
	asked := &s.steps[at]
	asked.skip = len(s.steps) - at - 1
	for _, inside := range s.steps[at+1:] {
		switch inside.op {
		case advances:
			asked.literal += inside.literal
		case separates, question:
			return false // rare, and a choice within a choice
		}
	}
	return ok && asked.literal != ""
}

// folded returns a literal in lower case; ok is false when its case matters.
func folded(e *syntax.Regexp) (literal string, ok bool) {
	var r reader
	r.begun = true
	return r.literalOf(e), !r.inexact
}

// walk puts the places of groups into places, which has room for all and -1 everywhere.
// The text is known to match.
func walk(steps []step, text []byte, places []int) {
	at := 0
	for i := 0; i < len(steps); i++ {
		switch s := &steps[i]; s.op {
		case advances:
			at += len(s.literal)
		case opens:
			places[2*s.group] = at
		case closes:
			places[2*s.group+1] = at
		case separates:
			at += min(1, len(text)-at)
		case takesRest:
			at = len(text)
		case question:
			if !HasPrefixFold(text[at:], s.literal) {
				i += s.skip
			}
		}
	}
	places[0], places[1] = 0, at
}
