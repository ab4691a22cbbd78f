package main

import (
	"log/slog"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// maxProblemLines bounds the lines that one set of objects may add to the log.
const maxProblemLines = 100

// problemLog logs problems when they come and when they go, not each time that
// they are met.
type problemLog struct {
	log   *slog.Logger
	known map[model.Problem]struct{}
}

// report logs what is new in problems, all that there are now.
func (l *problemLog) report(problems []model.Problem) {
	now := make(map[model.Problem]struct{}, len(problems))
	lines := 0
	for _, p := range problems {
		_, again := now[p]
		_, known := l.known[p]
		now[p] = struct{}{}
		if again || known {
			continue
		}
		if lines++; lines <= maxProblemLines {
			l.log.Warn("problem", attributes(p)...)
		}
	}
	if more := lines - maxProblemLines; more > 0 {
		l.log.Warn("more problems, see /configuration", "count", more)
	}
	lines = 0
	for p := range l.known {
		if _, still := now[p]; still {
			continue
		}
		if lines++; lines <= maxProblemLines {
			l.log.Info("problem is solved", attributes(p)...)
		}
	}
	l.known = now
}

func attributes(p model.Problem) []any {
	list := []any{"object", p.Object.String(), "reason", p.Reason, "message", p.Message}
	if p.Object.File != "" {
		list = append(list, "file", p.Object.File)
		if p.Object.Line > 0 {
			list = append(list, "line", p.Object.Line)
		}
	}
	return list
}
