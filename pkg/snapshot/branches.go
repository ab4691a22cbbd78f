package snapshot

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// Target is where requests go, and what is spoken there.
type Target struct {
	// Upstream has the endpoints. It is nil when there is no such Service or port, and
	// when the route is denied: answer 503.
	Upstream *upstream.Upstream
	// HTTP2 and Encrypted tell what the endpoints speak.
	HTTP2, Encrypted bool
	// HashBy is what endpoints are chosen by, nil for nothing. Sticky keeps clients at
	// endpoints by a cookie; it goes first. nil: clients are not kept.
	HashBy *variable.Expression
	Sticky *model.Sticky

	key model.UpstreamKey
}

// Ready tells whether the target has endpoints.
func (t *Target) Ready() bool { return t.Upstream != nil && t.Upstream.Len() > 0 }

// Canary takes some of the requests of a route.
type Canary struct {
	Target
	// Name is namespace-service-port, as logs show it.
	Name string
	// Rules say which requests. Pattern is what Rules.Pattern was compiled to, nil for
	// none.
	Rules   model.CanaryRules
	Pattern *regexp.Regexp
	// Metrics counts the exchanges that the canary took.
	Metrics *metrics.Route
}

// ErrorPages are answers of another upstream in place of errors.
type ErrorPages struct {
	// Target is that upstream. Without one the pages are the proxy's own.
	Target
	// OwnOnly leaves the answers of endpoints as they are.
	OwnOnly bool
	// StandIn has the upstream serve the route while that of the route has no
	// endpoints.
	StandIn bool

	codes [4]uint64 // a bit for each status from 400 on
}

// Replaces tells whether an answer with this status is replaced.
func (e *ErrorPages) Replaces(status int) bool {
	at := uint(status - 400) //nolint:gosec // smaller ones become large
	return at < 200 && e.codes[at/64]&(1<<(at%64)) != 0
}

// target finds what is known of an upstream before it is connected. The zero key is
// that of no upstream.
func (s *Snapshot) target(key model.UpstreamKey) (t Target, policy model.Policy, err error) {
	policy = model.DefaultPolicy()
	if key.IsZero() {
		return t, policy, nil
	}
	i, ok := findUpstream(s.Config, key)
	if !ok {
		return t, policy, errNoUpstream(key)
	}
	policy = s.Config.Upstreams[i].Policy
	t = Target{key: key, HTTP2: policy.Transport.Protocol.HTTP2(), Encrypted: policy.Transport.Protocol.Encrypted()}
	if sticky := policy.Balance.Sticky; sticky.Cookie != "" {
		t.Sticky = &sticky
	}
	if by := policy.Balance.HashBy; by != "" {
		if t.HashBy, err = variable.Compile(by, variable.Request); err != nil {
			return t, policy, fmt.Errorf("upstream-hash-by: %w", err)
		}
	}
	return t, policy, nil
}

// compileBranches adds the canary and the error pages of a route, and where the clients
// go that use TLS. A denied one has none of these.
func (s *Snapshot) compileBranches(made *Route, r *model.Route) error {
	if made.Denied {
		return nil
	}
	branches, errors := r.Branches.Branches(), r.Options.Filters.Filters().Errors
	if !branches.Encrypted.IsZero() {
		to, _, err := s.target(branches.Encrypted)
		if err != nil {
			return fmt.Errorf("for clients that use TLS: %w", err)
		}
		made.OverTLS = &to
	}
	if c := &branches.Canary; !c.Upstream.IsZero() {
		to, _, err := s.target(c.Upstream)
		if err != nil {
			return fmt.Errorf("canary: %w", err)
		}
		made.Canary = &Canary{Target: to, Name: c.Upstream.Name(), Rules: c.CanaryRules}
		if c.Pattern != "" && c.Value == "" {
			if made.Canary.Pattern, err = s.shared.Expression(c.Pattern); err != nil {
				return fmt.Errorf("canary-by-header-pattern: %w", err)
			}
		}
	}
	if errors.Codes == "" && !branches.StandIn {
		return nil
	}
	to, _, err := s.target(branches.Errors)
	if err != nil {
		return fmt.Errorf("error backend: %w", err)
	}
	made.Errors = &ErrorPages{Target: to, OwnOnly: errors.OwnOnly, StandIn: branches.StandIn}
	for code := range strings.SplitSeq(errors.Codes, ",") {
		if n, err := strconv.Atoi(code); err == nil && n >= 400 && n < 600 {
			made.Errors.codes[(n-400)/64] |= 1 << ((n - 400) % 64)
		}
	}
	return nil
}

// targets calls do with each target of a route.
func (r *Route) targets(do func(*Target)) {
	do(&r.Target)
	if r.OverTLS != nil {
		do(r.OverTLS)
	}
	if r.Canary != nil {
		do(&r.Canary.Target)
	}
	if r.Errors != nil {
		do(&r.Errors.Target)
	}
}

// leadsTo tells whether a route, or a branch of it, leads to one of these upstreams.
func leadsTo(r *model.Route, keys map[model.UpstreamKey]bool) bool {
	if keys[r.Upstream] {
		return true
	}
	if r.Branches == (model.BranchSet{}) {
		return false
	}
	branches := r.Branches.Branches()
	return keys[branches.Canary.Upstream] || keys[branches.Errors] || keys[branches.Encrypted]
}
