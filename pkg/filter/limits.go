package filter

import (
	"cmp"

	"github.com/shockwave-ingress/shockwave/pkg/limit"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// limits bound what one address of a client may ask of an Ingress (ingress-nginx:
// limit-*). The routes of an Ingress count together.
type limits struct {
	table              *limit.Table
	rates              *limit.Rates
	exempt             *networks
	tooFast, tooManyOf int // statuses
}

func newLimits(s *Settings) (Request, Response, error) {
	l := s.Filters.Limits
	if l.PerSecond == 0 && l.PerMinute == 0 && l.Connections == 0 {
		return nil, nil, nil
	}
	exempt, err := s.Shared.networksOf(l.Exempt)
	if err != nil {
		return nil, nil, err
	}
	table := s.Shared.limits.get(limit.New)
	subject := s.Ingress.Namespace + "/" + s.Ingress.Name
	return &limits{
		table:   table,
		rates:   table.Rates(subject, l.PerSecond, l.PerMinute, l.Connections, cmp.Or(l.Burst, model.UsualBurst)),
		exempt:  exempt,
		tooFast: cmp.Or(l.RateStatus, 503), tooManyOf: cmp.Or(l.ConnectionStatus, 503),
	}, nil, nil
}

// Why limits refuse, for the log and metrics.
const (
	tooFast = "more requests than the limit allows"
	tooMany = "more requests at a time than the limit allows"
)

// Request implements Request. The time that counts is when the head was there: a client
// that sends it slowly gains nothing.
func (l *limits) Request(ex *message.Exchange, s *State) bool {
	if l.exempt.has(ex) {
		return true
	}
	ticket, v := l.table.Ask(l.rates, clientOf(ex), ex.HeadRead)
	s.Ticket.Release() // there is none: a request meets the limits once
	s.Ticket = ticket
	switch v {
	case limit.TooFast:
		ex.Trace.Refusal = tooFast
		s.Reply = Reply{Status: l.tooFast}
	case limit.TooMany:
		ex.Trace.Refusal = tooMany
		s.Reply = Reply{Status: l.tooManyOf}
	}
	return v == limit.Passes
}
