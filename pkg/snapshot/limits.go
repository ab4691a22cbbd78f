package snapshot

import (
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Bounds of the memory of one exchange that an Ingress may ask for.
const (
	mostRequestMemory  = 1 << 20
	mostResponseMemory = 1 << 20
	mostResponseHead   = 1 << 20
)

// bounded keeps what is held in memory within bounds; the rest goes to files.
func bounded(b model.Buffering) model.Buffering {
	b.RequestMemory = min(b.RequestMemory, mostRequestMemory)
	b.ResponseMemory = min(b.ResponseMemory, mostResponseMemory)
	return b
}

// responseLimits are those of a route whose responses may have heads of so many
// bytes; 0 means the usual number.
func responseLimits(head int64) http11.Limits {
	l := http11.ResponseLimits()
	if head > 0 {
		l.Head = int(min(head, mostResponseHead))
	}
	return l
}

// RequestLimits are limits with what the settings of a listener say of request heads.
func RequestLimits(limits http11.Limits, l model.Listener) http11.Limits {
	if l.MaxHeaderBytes > 0 {
		limits.Head = l.MaxHeaderBytes
	}
	if l.MaxLineBytes > 0 {
		limits.StartLine = l.MaxLineBytes
	}
	limits.Underscores = l.Underscores || l.OddNames
	limits.PlainNames = !l.OddNames
	return limits
}
