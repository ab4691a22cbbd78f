package filter

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/credential"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// guarded is a route with settings of access, asked by clients.
type guarded struct {
	chain  Chain
	ex     *message.Exchange
	state  State
	shared *Shared
}

const userList = "jane:{PLAIN}s3cret\nslow:$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n"

func guard(t testing.TB, f model.Filters, path string) *guarded {
	t.Helper()
	g := &guarded{shared: new(Shared)}
	users, _ := credential.Parse([]byte(userList))
	var err error
	g.chain, err = Compile(&Settings{
		Filters: f, Path: path, Users: users, Shared: g.shared,
		Ingress: model.ObjectRef{Kind: "Ingress", Namespace: "default", Name: "shop"},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.ex = &message.Exchange{Session: new(message.Session), Mem: alloc.Take(alloc.Standard), HeadRead: time.Now()}
	t.Cleanup(g.ex.Mem.Release)
	return g
}

// ask asks from an address with fields "Name: value", one on a line, and returns the
// status of the answer, 0 for a request that is passed on.
func (g *guarded) ask(from, fields string) int {
	g.ex.Remote = netip.AddrPortFrom(netip.MustParseAddr(from), 1)
	g.ex.Request.Fields.Reset(nil)
	for line := range strings.Lines(fields) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ": "); ok {
			g.ex.Request.Fields.AddName(name, []byte(value))
		}
	}
	return g.again()
}

// again asks once more in the same way.
func (g *guarded) again() int {
	g.state.Ticket.Release()
	g.state.Reset()
	if Run(g.chain.Early, g.ex, &g.state) && Run(g.chain.Late, g.ex, &g.state) {
		return 0
	}
	return g.state.Reply.Status
}

func login(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password)) + "\n"
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		access model.Access
		want   map[string]int
	}{
		{model.Access{Allow: "10.0.0.0/8,fd00::/8"}, map[string]int{
			"10.1.2.3": 0, "::ffff:10.1.2.3": 0, "11.0.0.1": 403, "fd00::1": 0, "fe80::1": 403, "fd00::1%eth0": 0,
		}},
		{model.Access{Deny: "10.0.0.1/32"}, map[string]int{"10.0.0.1": 403, "::ffff:10.0.0.1": 403, "10.0.0.2": 0, "::1": 0}},
		{model.Access{Allow: "10.0.0.0/8", Deny: "10.0.0.1/32"}, map[string]int{"10.0.0.1": 403, "10.0.0.2": 0, "11.0.0.1": 403}},
		{model.Access{Allow: "0.0.0.0/0,::/0"}, map[string]int{"10.0.0.1": 0, "::1": 0}},
		{model.Access{Allow: "::/0"}, map[string]int{"10.0.0.1": 403, "::1": 0}},
	} {
		g := guard(t, model.Filters{Access: c.access}, "/")
		for from, want := range c.want {
			if got := g.ask(from, ""); got != want {
				t.Errorf("%+v, %s: %d, want %d", c.access, from, got, want)
			}
		}
	}
}

// TestSatisfy has all combinations, as nginx has them.
func TestSatisfy(t *testing.T) {
	const allowed, other = "10.0.0.1", "192.0.2.1"
	right, wrong := login("jane", "s3cret"), login("jane", "x")
	users := model.BasicAuth{Users: "default/users"}
	for _, c := range []struct {
		access       model.Access
		from, fields string
		want         int
	}{
		{model.Access{Allow: "10.0.0.0/8"}, allowed, right, 0},
		{model.Access{Allow: "10.0.0.0/8"}, allowed, wrong, 401},
		{model.Access{Allow: "10.0.0.0/8"}, allowed, "", 401},
		{model.Access{Allow: "10.0.0.0/8"}, other, right, 403},
		{model.Access{Allow: "10.0.0.0/8", Any: true}, allowed, "", 0},
		{model.Access{Allow: "10.0.0.0/8", Any: true}, allowed, wrong, 0},
		{model.Access{Allow: "10.0.0.0/8", Any: true}, other, right, 0},
		{model.Access{Allow: "10.0.0.0/8", Any: true}, other, wrong, 401},
		{model.Access{Allow: "10.0.0.0/8", Any: true}, other, "", 401},
		// Who is not denied has not been let in by that.
		{model.Access{Deny: "10.0.0.0/8", Any: true}, other, "", 401},
		{model.Access{Deny: "10.0.0.0/8", Any: true}, other, right, 0},
		{model.Access{Deny: "10.0.0.0/8", Any: true}, allowed, right, 0},
		{model.Access{Deny: "10.0.0.0/8", Any: true}, allowed, "", 401},
		{model.Access{Deny: "10.0.0.0/8"}, allowed, right, 403},
		{model.Access{Deny: "10.0.0.0/8"}, other, right, 0},
	} {
		g := guard(t, model.Filters{Access: c.access, BasicAuth: users}, "/")
		if got := g.ask(c.from, c.fields); got != c.want {
			t.Errorf("%+v from %s with %q: %d, want %d", c.access, c.from, c.fields, got, c.want)
		}
		if c.want == 0 && !g.state.DropCredentials {
			t.Errorf("%+v from %s: the credentials go to the upstream", c.access, c.from)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	g := guard(t, model.Filters{BasicAuth: model.BasicAuth{Users: "default/users", Realm: `a "shop" \`}}, "/")
	for fields, want := range map[string]int{
		"":                      401,
		login("jane", "s3cret"): 0,
		login("slow", "s3cret"): 0,
		login("slow", "x"):      401,
		login("nobody", "x"):    401,
		strings.Replace(login("jane", "s3cret"), "Basic ", "basic   ", 1): 0,
		strings.Replace(login("jane", "s3cret"), "Basic", "Bearer", 1):    401,
		login("jane", "s3cret") + login("jane", "s3cret"):                 401,
		"Authorization: Basic":                                  401,
		"Authorization: Basic !!!!":                             401,
		"Authorization: Basic " + strings.Repeat("QUFB", 10000): 401,
		"Authorization: Basic amFuZQ==":                         401, // no colon
	} {
		got := g.ask("192.0.2.1", fields)
		if got != want {
			t.Errorf("%.60q: %d, want %d", fields, got, want)
		}
		if r := g.state.Reply; got == 401 && r.Challenge != `Basic realm="a \"shop\" \\"` {
			t.Errorf("the challenge is %s", r.Challenge)
		}
		if user := string(g.state.User); (user != "") != (got == 0) {
			t.Errorf("%.60q: the user is %q", fields, user)
		}
	}
}

// The path of a route tells whether it is exempt, in whole segments.
func TestExemptRoutes(t *testing.T) {
	for _, c := range []struct {
		exempt, path string
		want         int
	}{
		{"", "/", 401},
		{"/.well-known/acme-challenge", "/", 401},
		{"/.well-known/acme-challenge", "/.well-known/acme-challenge/token", 0},
		{"/.well-known/acme-challenge", "/.well-known/acme-challenge", 0},
		{"/.well-known/acme-challenge", "/.well-known/acme-challenges", 401},
		{"/health,/a/", "/a/b", 0},
		{"/health,/a/", "/a", 401},
		{"/", "/b", 0},
	} {
		g := guard(t, model.Filters{BasicAuth: model.BasicAuth{Users: "default/users"}, Access: model.Access{Exempt: c.exempt, Deny: "10.0.0.0/8"}}, c.path)
		if got := g.ask("192.0.2.1", ""); got != c.want {
			t.Errorf("%s exempts %s: %d, want %d", c.exempt, c.path, got, c.want)
		}
		if c.want == 0 && g.state.DropCredentials {
			t.Errorf("%s exempts %s: credentials are dropped that nobody asked for", c.exempt, c.path)
		}
		if got := g.ask("10.0.0.1", ""); got != 403 {
			t.Errorf("%s exempts %s: a denied address gets %d", c.exempt, c.path, got)
		}
	}
}

func TestBlock(t *testing.T) {
	g := guard(t, model.Filters{
		Block:  model.Block{Networks: "10.0.0.0/8", Agents: "Bad Agent,~*evil|worse,~^Strict$", Referers: "~^$,~spam"},
		Limits: model.Limits{Connections: 1},
	}, "/")
	const ok = "User-Agent: curl\nReferer: http://shop.example/\n"
	for fields, want := range map[string]int{
		ok:                                                        0,
		"User-Agent: bad agent\nReferer: x\n":                     403,
		"User-Agent: bad agent 2\nReferer: x\n":                   0,
		"User-Agent: an EVIL bot\nReferer: x\n":                   403,
		"User-Agent: Strict\nReferer: x\n":                        403,
		"User-Agent: strict\nReferer: x\n":                        0,
		"User-Agent: curl\nReferer: http://spam.example/\n":       403,
		"User-Agent: curl\n":                                      403, // as an empty one
		"User-Agent: curl\nUser-Agent: worse\nReferer: x\n":       403,
		"User-Agent: curl\nReferer: http://ham.example/?q=Spam\n": 0,
	} {
		if got := g.ask("192.0.2.1", fields); got != want {
			t.Errorf("%q: %d, want %d", fields, got, want)
		}
	}
	if got := g.ask("10.0.0.1", ok); got != 403 {
		t.Errorf("a blocked network: %d", got)
	}
}

func TestLimits(t *testing.T) {
	count := func(g *guarded, from string) (n int) {
		g.ask(from, "")
		for range 100 {
			if g.again() == 0 {
				n++
			}
		}
		return n + 1
	}
	g := guard(t, model.Filters{Limits: model.Limits{PerSecond: 2, Exempt: "10.0.0.0/8"}}, "/")
	if n := count(g, "192.0.2.1"); n != 11 { // 1, and 2 times 5
		t.Errorf("%d pass, want 11", n)
	}
	if g.again() != 503 || g.ex.Trace.Refusal != tooFast {
		t.Errorf("%d, %q", g.state.Reply.Status, g.ex.Trace.Refusal)
	}
	if n := count(g, "10.0.0.1"); n != 101 {
		t.Errorf("%d of a client without limits pass, want 101", n)
	}
	g = guard(t, model.Filters{Limits: model.Limits{PerMinute: 3, Burst: 1, RateStatus: 429}}, "/")
	if n := count(g, "192.0.2.1"); n != 4 || g.again() != 429 {
		t.Errorf("%d pass, want 4; then %d", n, g.state.Reply.Status)
	}
	g = guard(t, model.Filters{Limits: model.Limits{Connections: 1, ConnectionStatus: 420}}, "/")
	if got := g.ask("192.0.2.1", ""); got != 0 {
		t.Errorf("the first: %d", got)
	}
	held := g.state.Ticket
	g.state.Ticket.Release()
	g.state = State{}
	if got := g.again(); got != 0 {
		t.Errorf("after the first: %d", got)
	}
	second := State{}
	if Run(g.chain.Late, g.ex, &second) || second.Reply.Status != 420 {
		t.Errorf("a second at a time: %d", second.Reply.Status)
	}
	_ = held
}

// What a request owes outlives its snapshot, and does not depend on what else changes.
func TestLimitsOutliveSnapshots(t *testing.T) {
	f := model.Filters{Limits: model.Limits{PerSecond: 1, Burst: 1}}
	g := guard(t, f, "/")
	for g.ask("192.0.2.1", "") == 0 {
	}
	s := &Settings{Filters: f, Path: "/other", Shared: g.shared, Ingress: model.ObjectRef{Namespace: "default", Name: "shop"}}
	var err error
	if g.chain, err = Compile(s); err != nil {
		t.Fatal(err)
	}
	if got := g.ask("192.0.2.1", ""); got != 503 {
		t.Errorf("%d by another route of the Ingress, want 503", got)
	}
	s.Ingress.Name = "other"
	if g.chain, err = Compile(s); err != nil {
		t.Fatal(err)
	}
	if got := g.ask("192.0.2.1", ""); got != 0 {
		t.Errorf("%d at another Ingress, want 0", got)
	}
}

// Limits spare the authentication, and come before lists of addresses.
func TestOrderOfAccess(t *testing.T) {
	g := guard(t, model.Filters{
		Limits: model.Limits{PerSecond: 1, Burst: 1}, Access: model.Access{Allow: "10.0.0.0/8"},
		BasicAuth: model.BasicAuth{Users: "default/users"}, Block: model.Block{Networks: "192.0.2.9/32"},
	}, "/")
	for _, want := range []int{403, 403, 503} {
		if got := g.ask("192.0.2.1", login("jane", "s3cret")); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	for range 3 {
		if got := g.ask("192.0.2.9", ""); got != 403 {
			t.Errorf("a blocked client: %d", got)
		}
	}
	want := "block limits access"
	if got := strings.Join(g.chain.Names, " "); got != want {
		t.Errorf("the filters are %s, want %s", got, want)
	}
}

func TestListsAreSharedByRoutes(t *testing.T) {
	s := new(Shared)
	a, err1 := s.networksOf("10.0.0.0/8")
	b, err2 := s.networksOf("10.0.0.0/8")
	if err1 != nil || err2 != nil || a != b {
		t.Error("the same list is made twice")
	}
	if _, err := s.networksOf("10.0.0.0"); err == nil {
		t.Error("a list that translation refuses is taken")
	}
	for i := range 1000 {
		if _, err := s.networksOf(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String() + "/32"); err != nil {
			t.Fatal(err)
		}
	}
	if c, _ := s.networksOf("10.0.0.0/8"); c != a || c == nil {
		t.Error("a list in use was forgotten")
	}
}

// Neither a request that passes nor one that is refused allocates.
func TestAccessAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	g := guard(t, model.Filters{
		Block:  model.Block{Networks: "192.0.2.9/32", Agents: "~*evil,Bad", Referers: "~spam"},
		Limits: model.Limits{PerSecond: 1_000_000, PerMinute: 1_000_000, Connections: 10, Exempt: "192.0.2.8/32"},
		Access: model.Access{Allow: "192.0.2.0/24", Deny: "192.0.2.7/32"}, BasicAuth: model.BasicAuth{Users: "default/users"},
	}, "/")
	for name, fields := range map[string]string{
		"passes":         login("slow", "s3cret") + "User-Agent: curl\n",
		"wrong":          login("slow", "x"),
		"no credentials": "",
		"blocked":        "User-Agent: Evil\n",
	} {
		g.ask("192.0.2.1", fields)
		if n := testing.AllocsPerRun(100, func() {
			g.again()
			g.ex.Mem.Release()
			g.ex.Mem = alloc.Take(alloc.Standard)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	g = guard(t, model.Filters{Limits: model.Limits{PerSecond: 1}}, "/")
	for g.ask("192.0.2.1", "") == 0 {
	}
	if n := testing.AllocsPerRun(100, func() { g.again() }); n != 0 {
		t.Errorf("beyond a limit: %v allocations", n)
	}
}
