package upstream

import (
	"regexp"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestTokens(t *testing.T) {
	sticky := model.Balance{Sticky: model.Sticky{Cookie: "route", Persistent: true}}
	_, u := balanced(t, sticky, 50)
	_, replica := balanced(t, sticky, 60)
	seen := map[string]bool{}
	for i, e := range u.endpoints() {
		token := e.Token()
		if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(token) || seen[token] {
			t.Errorf("token %q", token)
		}
		seen[token] = true
		if u.ByToken([]byte(token)) != e {
			t.Error("not found by its token")
		}
		if other := replica.ByToken([]byte(token)); other != replica.endpoints()[i] {
			t.Error("another replica does not find it")
		}
	}
	for _, token := range []string{"", "x", "0123456789abcdef", u.endpoints()[0].Token() + "0"} {
		if u.ByToken([]byte(token)) != nil {
			t.Errorf("%q has an endpoint", token)
		}
	}
	token := []byte(u.endpoints()[0].Token())
	if n := testing.AllocsPerRun(100, func() { u.ByToken(token); u.ByToken(token[1:]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A client stays at its endpoint as long as that can be used.
func TestStickyClientStays(t *testing.T) {
	r, u := balanced(t, model.Balance{Sticky: model.Sticky{Cookie: "route", Persistent: true}}, 3)
	e := u.endpoints()[1]
	for range 20 {
		if u.Pick(&Choice{Sticky: e}) != e {
			t.Fatal("it has moved")
		}
	}
	e.startSlowly()
	e.Begin()
	if u.Pick(&Choice{Sticky: e}) != e {
		t.Error("it has moved from an endpoint that is busy or new")
	}
	if u.Pick(&Choice{Sticky: e, Tried: []*Endpoint{e}}) == e {
		t.Error("an endpoint that failed the same exchange")
	}
	_, other := balanced(t, model.Balance{}, 3)
	if got := u.Pick(&Choice{Sticky: other.endpoints()[0]}); got.upstream != u {
		t.Error("an endpoint of another upstream")
	}
	e.leaveOut(r.clock(), errRefused)
	if u.Pick(&Choice{Sticky: e}) == e {
		t.Error("an endpoint that is left out")
	}
	e.comeBack()
	if u.Pick(&Choice{Sticky: e}) != e {
		t.Error("it does not come back")
	}
	token := e.Token()
	r.SetEndpoints(model.Endpoints{shop: many(1)})
	if u.ByToken([]byte(token)) != nil {
		t.Error("an endpoint that is gone")
	}
}

// A queue is no reason to lose a session.
func TestStickyClientWaits(t *testing.T) {
	r, u := balanced(t, model.Balance{Sticky: model.Sticky{Cookie: "route", Persistent: true}}, 2)
	policy := *u.Policy()
	policy.Pool.MaxConnections = 1
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	e := u.endpoints()[0]
	c := get(t, e)
	if u.Pick(&Choice{Sticky: e}) != e {
		t.Error("it has moved")
	}
	e.Put(c)
}
