package filter

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// fieldLine is a field whose value may have variables.
type fieldLine struct {
	name string
	// value is the value when it is the same for all exchanges; else expression is it.
	value      []byte
	expression *variable.Expression
}

// fieldLines is a list of them.
type fieldLines struct{ list []fieldLine }

// linesOf makes fields of a text in the form of model.ResponseFields.Set. Routes with the
// same one share them: compiled it is many times larger, and an Ingress has as many
// routes as its author likes.
func (s *Shared) linesOf(set string) (*fieldLines, error) {
	return s.lines.get(set, func(set string) (*fieldLines, error) {
		list, err := compileLines(set)
		return &fieldLines{list}, err
	})
}

// compileLines reads fields in the form of model.ResponseFields.Set.
func compileLines(set string) (list []fieldLine, err error) {
	lines, err := splitLines(set)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		name, value := line[0], line[1]
		l := fieldLine{name: name, value: []byte(value)}
		expression, err := variable.Compile(value, variable.Request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if _, constant := expression.Constant(); !constant {
			l.value, l.expression = nil, expression
		}
		list = append(list, l)
	}
	return list, nil
}

// splitLines takes fields in that form apart into names and values.
func splitLines(set string) (list [][2]string, err error) {
	for line := range strings.Lines(set) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok || !http11.ValidFieldName([]byte(name)) || !http11.ValidFieldValue([]byte(value)) {
			return nil, fmt.Errorf("%q is no field", line)
		}
		list = append(list, [2]string{name, value})
	}
	return list, nil
}

// Bounds of a value with variables.
const (
	usualValue    = 256      // room that is taken at first
	longestPart   = 4 << 10  // what is taken of each variable
	longestResult = 16 << 10 // a longer value is not sent
)

// evaluate returns the value for an exchange. It is empty when the field is to be left
// out: also when the value cannot be sent, since there are variables with any bytes.
func (l *fieldLine) evaluate(ex *message.Exchange, c *variable.Context) []byte {
	if l.expression == nil {
		return l.value
	}
	b := l.expression.AppendEscaped(ex.Mem.Alloc(usualValue)[:0], c, variable.EscapeNone, longestPart)
	b = bytes.Trim(b, " \t")
	if len(b) > longestResult || !http11.ValidFieldValue(b) {
		return nil
	}
	return b
}

// FieldNames is a set of names of fields. nil is the empty one.
type FieldNames struct {
	known   message.NameSet
	unknown []string
}

func (s *FieldNames) add(name string) {
	if n := message.LookupName(alloc.Bytes(name)); n != message.Unknown {
		s.known |= message.SetOf(n)
		return
	}
	s.unknown = append(s.unknown, name)
}

// Has tells whether a name, which is n when it is a known one, is in the set.
func (s *FieldNames) Has(n message.Name, name []byte) bool {
	switch {
	case s == nil:
		return false
	case n != message.Unknown:
		return s.known.Has(n)
	}
	for _, each := range s.unknown {
		if message.EqualFold(name, each) {
			return true
		}
	}
	return false
}
