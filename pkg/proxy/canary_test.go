package proxy

import (
	"math"
	"regexp"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
)

// canaryWith has these rules.
func canaryWith(rules model.CanaryRules) *snapshot.Canary {
	c := &snapshot.Canary{Rules: rules}
	if rules.Pattern != "" {
		c.Pattern = regexp.MustCompile(rules.Pattern)
	}
	return c
}

func TestCanaryRules(t *testing.T) {
	always := model.CanaryRules{Header: "X-Canary", Cookie: "canary"}
	value := model.CanaryRules{Header: "X-Canary", Value: "yes", Cookie: "canary"}
	pattern := model.CanaryRules{Header: "X-Canary", Pattern: "^y", Cookie: "canary"}
	known := model.CanaryRules{Header: "user-agent", Value: "test"}
	for _, c := range []struct {
		name           string
		rules          model.CanaryRules
		header, cookie string
		takes, decided bool
	}{
		{"nothing", always, "", "", false, false},
		{"header always", always, "always", "", true, true},
		{"header never", always, "never", "canary=always", false, true},
		{"header without meaning", always, "Always", "", false, false},
		{"header falls through to the cookie", always, "x", "canary=always", true, true},
		{"cookie never", always, "", "a=b; canary=never", false, true},
		{"cookie without meaning", always, "", "canary=1", false, false},
		{"another cookie", always, "", "xcanary=always", false, false},
		{"value", value, "yes", "canary=never", true, true},
		{"value differs", value, "yes!", "", false, false},
		{"always has no meaning beside a value", value, "always", "", false, false},
		{"never has none either", value, "never", "canary=always", true, true},
		{"pattern", pattern, "yellow", "", true, true},
		{"pattern differs", pattern, "never", "canary=always", true, true},
		{"no rule", model.CanaryRules{}, "always", "canary=always", false, false},
		{"a known name in another case", known, "", "", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f message.Fields
			f.Add(message.UserAgent, []byte("test"))
			if c.header != "" {
				f.AddName("x-canary", []byte(c.header))
			}
			if c.cookie != "" {
				f.Add(message.Cookie, []byte(c.cookie))
			}
			canary := canaryWith(c.rules)
			takes, decided := canaryRules(canary, &f)
			if takes != c.takes || decided != c.decided {
				t.Errorf("takes %v, decided %v; want %v, %v", takes, decided, c.takes, c.decided)
			}
			if n := testing.AllocsPerRun(100, func() { canaryRules(canary, &f) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// The share of the canary is its weight, within five standard deviations.
func TestCanaryWeight(t *testing.T) {
	x := &exchange{Exchange: new(message.Exchange), route: new(snapshot.Route)}
	for _, c := range []struct{ weight, total int }{{0, 100}, {1, 100}, {10, 100}, {50, 100}, {99, 100}, {100, 100}, {1, 1000}, {500, 1000}} {
		const n = 20000
		canary, got := canaryWith(model.CanaryRules{Weight: c.weight, Total: c.total}), 0
		for range n {
			if x.isForCanary(canary) {
				got++
			}
		}
		p := float64(c.weight) / float64(c.total)
		if off := math.Abs(float64(got) - n*p); off > 5*math.Sqrt(n*p*(1-p)) {
			t.Errorf("%d of %d: %d of %d went to the canary", c.weight, c.total, got, n)
		}
	}
}
