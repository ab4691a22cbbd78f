package snapshot

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/accesslog"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// AccessLog says which exchanges are logged, and how.
type AccessLog struct {
	// Off logs nothing.
	Off bool
	// Format is the form of lines.
	Format *accesslog.Format
	// UnknownHosts logs exchanges for hosts that are not served.
	UnknownHosts bool

	skipped  []string // whole targets
	patterns []*regexp.Regexp
}

// compileAccessLog makes what m says.
func compileAccessLog(m *model.AccessLog) (AccessLog, error) {
	l := AccessLog{Off: m.Off, UnknownHosts: m.DefaultBackend}
	text := m.Format
	if text == "" {
		text = accesslog.DefaultFormat
	}
	escape := variable.EscapeDefault
	switch m.Escape {
	case model.LogEscapeJSON:
		escape = variable.EscapeJSON
	case model.LogEscapeNone:
		escape = variable.EscapeNone
	}
	var err error
	if l.Format, _, err = accesslog.NewFormat(text, escape); err != nil {
		return l, fmt.Errorf("log-format-upstream: %w", err)
	}
	for part := range strings.SplitSeq(m.Skip, ",") {
		switch expression, err := pattern.OfMap(part); {
		case err != nil:
			return l, fmt.Errorf("skip-access-log-urls: %w", err)
		case expression != nil:
			l.patterns = append(l.patterns, expression)
		case part != "":
			l.skipped = append(l.skipped, part)
		}
	}
	return l, nil
}

// Skips tells whether exchanges with a request target are not logged (nginx: map).
func (l *AccessLog) Skips(target []byte) bool {
	for _, whole := range l.skipped {
		if message.EqualFold(target, whole) {
			return true
		}
	}
	for _, expression := range l.patterns {
		if expression.Match(target) {
			return true
		}
	}
	return false
}
