package accesslog

import "github.com/shockwave-ingress/shockwave/pkg/variable"

// Format is the form of lines. It is immutable. nil stands for DefaultFormat.
type Format struct {
	text   *variable.Expression
	escape variable.Escape
	// least is how much of a value there always is room for, and need the room that a
	// line must have at least, its newline included.
	least, need int
}

// NewFormat compiles a text with variables (nginx: log_format). Variables that cannot
// be had are absent from all lines, and problems tell of them; err tells of a text that
// is none. DefaultFormat gives nil.
//
// With variable.EscapeNone values are as they came, but for controls, which are
// replaced in the line: a line is always one line.
func NewFormat(text string, escape variable.Escape) (f *Format, problems []error, err error) {
	if text == DefaultFormat && escape == variable.EscapeDefault {
		return nil, nil, nil
	}
	e, problems, err := variable.CompileFormat(text, variable.Log)
	if err != nil {
		return nil, nil, err
	}
	f = &Format{text: e, escape: escape, least: shortVariable}
	for f.least > 1 && e.Bound(escape, f.least) > bufferBytes/2 {
		f.least /= 2
	}
	f.need = e.Bound(escape, f.least) + 1
	return f, problems, nil
}

// appendTo appends a line to dst, which does not grow. It returns false when there is
// no room.
func (f *Format) appendTo(dst []byte, c *variable.Context) ([]byte, bool) {
	room := cap(dst) - len(dst)
	if f == nil {
		most := maxVariable
		if room < bound(c, most) {
			most = shortVariable
			if room < bound(c, most) {
				return dst, false
			}
		}
		return appendLine(dst, c, most), true
	}
	if room < f.need {
		return dst, false
	}
	from, end := len(dst), cap(dst)-1 // the last byte is the newline's
	line := f.text.AppendWithin(dst[:from:end], c, f.escape, maxVariable, f.least)
	for i, b := range line[from:] {
		if b < ' ' {
			line[from+i] = ' ' // of the format itself, or of values that are not escaped
		}
	}
	return append(dst[:len(line)], '\n'), true
}
