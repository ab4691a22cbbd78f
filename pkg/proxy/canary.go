package proxy

import (
	"math/rand/v2"

	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
)

// divert sends the exchange to the route's canary, if that is for it. One without
// endpoints takes nothing.
func (x *exchange) divert(c *snapshot.Canary) {
	if !c.Ready() || !x.isForCanary(c) {
		return
	}
	x.to, x.canary = &c.Target, c
	x.filters.Alternative = c.Name
}

// isForCanary applies the rules of a canary in the order of ingress-nginx
// (rootfs/etc/nginx/lua/balancer.lua).
func (x *exchange) isForCanary(c *snapshot.Canary) bool {
	if token := x.filters.Sticky.Token; len(token) > 0 && x.route.Sticky != nil && !c.Rules.Legacy {
		switch {
		case x.route.Upstream.ByToken(token) != nil:
			return false
		case c.Upstream.ByToken(token) != nil:
			return true
		}
		x.strayed = true
	}
	if takes, decided := canaryRules(c, &x.Request.Fields); decided {
		return takes
	}
	return c.Rules.Weight > 0 && rand.IntN(c.Rules.Total) < c.Rules.Weight //nolint:gosec // it spreads requests, and protects nothing
}

// canaryRules applies the rules that look at a request. A field or cookie that is there
// and has no meaning decides nothing.
func canaryRules(c *snapshot.Canary, f *message.Fields) (takes, decided bool) {
	if c.Rules.Header != "" {
		if value, ok := f.Lookup(c.Rules.Header); ok {
			switch {
			case c.Rules.Value != "":
				if string(value) == c.Rules.Value {
					return true, true
				}
			case c.Pattern != nil:
				if c.Pattern.Match(value) {
					return true, true
				}
			default:
				if takes, decided = alwaysOrNever(value); decided {
					return takes, decided
				}
			}
		}
	}
	if c.Rules.Cookie != "" {
		return alwaysOrNever(filter.CookieValue(f, c.Rules.Cookie))
	}
	return false, false
}

func alwaysOrNever(value []byte) (always, either bool) {
	switch string(value) {
	case "always":
		return true, true
	case "never":
		return false, true
	}
	return false, false
}
