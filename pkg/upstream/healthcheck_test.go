package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// pods is where checks connect to: what each address does with its end of a
// connection, or an error.
type pods struct {
	mu    sync.Mutex
	serve map[netip.AddrPort]func(net.Conn)
	fail  map[netip.AddrPort]error
	asked map[netip.AddrPort]int
	ln    net.Listener
	wg    sync.WaitGroup
}

func newPods(t testing.TB) *pods {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pods{serve: map[netip.AddrPort]func(net.Conn){}, fail: map[netip.AddrPort]error{}, asked: map[netip.AddrPort]int{}, ln: ln}
	t.Cleanup(func() { _ = ln.Close(); p.wg.Wait() })
	return p
}

func (p *pods) dial(_ context.Context, a netip.AddrPort) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[a]++
	if err := p.fail[a]; err != nil {
		return nil, err
	}
	ours, err := net.Dial("tcp", p.ln.Addr().String())
	if err != nil {
		return nil, err
	}
	theirs, err := p.ln.Accept()
	if err != nil {
		return nil, err
	}
	serve := p.serve[a]
	p.wg.Go(func() {
		defer theirs.Close()
		_ = theirs.SetDeadline(time.Now().Add(20 * time.Second))
		if serve == nil {
			_, _ = theirs.Read(make([]byte, 1))
			return
		}
		serve(theirs)
	})
	return ours, nil
}

// set makes an address behave like this from now on.
func (p *pods) set(a netip.AddrPort, err error, serve func(net.Conn)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail[a], p.serve[a] = err, serve
}

func (p *pods) times(a netip.AddrPort) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[a]
}

// answers is a pod that reads one request, which it shows, and answers it.
func answers(response string, show func(*http.Request)) func(net.Conn) {
	return func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if show != nil {
			show(req)
		}
		_, _ = io.WriteString(c, response)
	}
}

const well = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// rounds runs checks by hand: each is one of every endpoint, with the time passed
// that lies between two.
type rounds struct {
	t   testing.TB
	r   *Registry
	k   *checker
	log *bytes.Buffer
}

// checkedBy returns n endpoints that are checked like this.
func checkedBy(t testing.TB, p *pods, c model.Check, transport model.Transport, config *tls.Config, n int) (*rounds, *Upstream) {
	t.Helper()
	log := new(bytes.Buffer)
	r := NewRegistry(Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Dial: p.dial})
	t.Cleanup(r.close)
	r.SetEndpoints(model.Endpoints{shop: many(n)})
	policy := model.DefaultPolicy()
	policy.Health.Check, policy.Transport = c, transport
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}, TLS: config})
	k := newChecker(r)
	k.sweep(context.Background()) // says when the first checks are due
	return &rounds{t, r, k, log}, u
}

func (x *rounds) next() {
	x.r.pass(15 * time.Second)
	x.k.sweep(context.Background())
	x.k.wg.Wait()
}

func httpCheck() model.Check {
	return model.Check{Kind: model.CheckHTTP, Path: "/", Interval: 10 * time.Second, Timeout: 20 * time.Second, Healthy: 2, Unhealthy: 3}
}

func TestChecksLeaveOutAndBringBack(t *testing.T) {
	p := newPods(t)
	x, u := checkedBy(t, p, httpCheck(), model.Transport{}, nil, 3)
	bad := u.endpoints()[0]
	for _, e := range u.endpoints() {
		p.set(e.addr, nil, answers(well, nil))
	}
	x.next()
	p.set(bad.addr, nil, answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", nil))
	for i := range 3 {
		if bad.check.out.Load() {
			t.Fatalf("left out after %d failures", i)
		}
		x.next()
	}
	for range 10 {
		if u.Pick(&Choice{}) == bad {
			t.Fatal("picked after three failures in a row")
		}
	}
	s := x.r.Stats()[0]
	if es := s.Endpoints[0]; !es.Out || es.OutFor != "check" || es.Check != "status 503" || es.Ejected[EjectedByCheck] != 1 || s.Ejected[EjectedByCheck] != 1 {
		t.Errorf("stats: %+v", es)
	}
	x.next()
	p.set(bad.addr, nil, answers(well, nil))
	x.next()
	p.set(bad.addr, errRefused, nil)
	x.next()
	p.set(bad.addr, nil, answers(well, nil))
	x.next()
	if !bad.check.out.Load() {
		t.Fatal("back although two successes were not in a row")
	}
	x.next()
	if s := x.r.Stats()[0].Endpoints[0]; s.Out || s.Check != "" || !bad.available() {
		t.Errorf("stats: %+v", s)
	}
	if text := x.log.String(); strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=INFO") != 1 {
		t.Errorf("log: %s", text)
	}
}

// A new endpoint is used before it was checked, and all are used when all checks
// fail.
func TestChecksAreNoGate(t *testing.T) {
	p := newPods(t)
	x, u := checkedBy(t, p, httpCheck(), model.Transport{}, nil, 2)
	if !u.endpoints()[0].available() {
		t.Error("not used before the first check")
	}
	for _, e := range u.endpoints() {
		p.set(e.addr, errRefused, nil)
	}
	for range 3 {
		x.next()
	}
	if got := shares(u, 100, func(*Choice) {}); got[0] != 0.5 {
		t.Errorf("shares %v when all checks fail", got)
	}
}

func TestHTTPCheck(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + strings.Repeat("x", 2*mostCheckBytes)
	for _, c := range []struct {
		name, response, want string // want is in the error; empty: none
	}{
		{"ok", well, ""},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", ""},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", ""},
		{"unauthorized", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "status 401"},
		{"interim", "HTTP/1.1 103 Early Hints\r\n\r\n" + well, ""},
		{"interim for ever", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100), "interim"},
		{"upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "status 101"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.6\r\n", "malformed"},
		{"nothing", "", "EOF"},
		{"body without end", long, ""},
		{"head without end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*mostCheckBytes), "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPods(t)
			set := httpCheck()
			set.Path, set.Host = "/ready?deep=1", "shop.example:8080"
			x, u := checkedBy(t, p, set, model.Transport{}, nil, 1)
			e := u.endpoints()[0]
			p.set(e.addr, nil, answers(c.response, func(req *http.Request) {
				if req.Method != http.MethodGet || req.RequestURI != "/ready?deep=1" || req.Host != "shop.example:8080" || !req.Close {
					t.Errorf("asked for %s %s of %s", req.Method, req.RequestURI, req.Host)
				}
			}))
			x.next()
			got := x.r.Stats()[0].Endpoints[0].Check
			if p.times(e.addr) != 1 || (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestCheckOfAnotherPortAndHost(t *testing.T) {
	p := newPods(t)
	set := httpCheck()
	set.Port = 9090
	x, u := checkedBy(t, p, set, model.Transport{}, nil, 1)
	e := u.endpoints()[0]
	there := netip.AddrPortFrom(e.addr.Addr(), 9090)
	host := ""
	p.set(there, nil, answers(well, func(req *http.Request) { host = req.Host }))
	x.next()
	if p.times(there) != 1 || p.times(e.addr) != 0 || host != e.addr.String() {
		t.Errorf("asked %v, as %q", p.asked, host)
	}
}

func TestTCPCheck(t *testing.T) {
	p := newPods(t)
	set := httpCheck()
	set.Kind, set.Unhealthy = model.CheckTCP, 1
	x, u := checkedBy(t, p, set, model.Transport{}, nil, 2)
	p.set(u.endpoints()[1].addr, errRefused, nil)
	x.next()
	if s := x.r.Stats()[0].Endpoints; s[0].Out || !s[1].Out || !strings.Contains(s[1].Check, "refused") {
		t.Errorf("stats: %+v", s)
	}
}

// A check is told apart by a PROXY header as exchanges are.
func TestCheckBeginsWithProxyHeader(t *testing.T) {
	p := newPods(t)
	x, u := checkedBy(t, p, httpCheck(), model.Transport{ProxyProtocol: 1}, nil, 1)
	first := ""
	p.set(u.endpoints()[0].addr, nil, func(c net.Conn) {
		in := bufio.NewReader(c)
		first, _ = in.ReadString('\n')
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(c, well)
		}
	})
	x.next()
	if s := x.r.Stats()[0].Endpoints[0]; s.Check != "" || first != "PROXY UNKNOWN\r\n" {
		t.Errorf("%q, %q", s.Check, first)
	}
}

func TestCheckOverTLS(t *testing.T) {
	authority, other := newAuthority(t), newAuthority(t)
	for _, c := range []struct {
		name     string
		protocol model.Protocol
		kind     model.CheckKind
		server   *tls.Config
		want     string
	}{
		{"HTTPS", model.HTTPS, model.CheckHTTP, authority.server(t, "shop.example"), ""},
		{"HTTPS, no more than a handshake", model.HTTPS, model.CheckTCP, authority.server(t, "shop.example"), ""},
		{"the wrong name", model.HTTPS, model.CheckTCP, authority.server(t, "other.example"), "certificate"},
		{"the wrong authority", model.HTTPS, model.CheckHTTP, other.server(t, "shop.example"), "certificate"},
		{"HTTP/2", model.H2, model.CheckHTTP, authority.server(t, "shop.example", "h2"), ""},
		{"gRPC", model.GRPCS, model.CheckHTTP, authority.server(t, "shop.example", "h2"), ""},
		{"no HTTP/2", model.GRPCS, model.CheckTCP, authority.server(t, "shop.example"), "HTTP/2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPods(t)
			set := httpCheck()
			set.Kind = c.kind
			x, u := checkedBy(t, p, set, model.Transport{Protocol: c.protocol}, authority.client(), 1)
			p.set(u.endpoints()[0].addr, nil, func(nc net.Conn) {
				conn := tls.Server(nc, c.server)
				if conn.Handshake() != nil {
					return
				}
				if c.kind == model.CheckHTTP && !c.protocol.HTTP2() {
					answers(well, nil)(conn)
					return
				}
				_, _ = conn.Read(make([]byte, 1))
			})
			x.next()
			if got := x.r.Stats()[0].Endpoints[0].Check; (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// An endpoint that takes a connection and says nothing fails when the time is over.
func TestCheckTimesOut(t *testing.T) {
	for _, protocol := range []model.Protocol{model.HTTP, model.HTTPS} {
		p := newPods(t)
		set := httpCheck()
		set.Timeout, set.Unhealthy = 20*time.Millisecond, 1
		x, u := checkedBy(t, p, set, model.Transport{Protocol: protocol}, newAuthority(t).client(), 2)
		p.set(u.endpoints()[1].addr, nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		x.next()
		if s := x.r.Stats()[0].Endpoints[1]; !s.Out || s.Check == "" {
			t.Errorf("stats: %+v", s)
		}
	}
}

// What says nothing about an endpoint counts neither way: our own lack of
// descriptors, the end of the process, a panic.
func TestChecksThatComeToNothing(t *testing.T) {
	p := newPods(t)
	set := httpCheck()
	set.Unhealthy = 1
	x, u := checkedBy(t, p, set, model.Transport{}, nil, 1)
	e := u.endpoints()[0]
	p.set(e.addr, &net.OpError{Op: "dial", Err: syscall.EMFILE}, nil)
	x.next()
	dial := x.r.config.Dial
	x.r.config.Dial = func(context.Context, netip.AddrPort) (net.Conn, error) { panic("oops") }
	x.next()
	x.r.config.Dial = dial
	p.set(e.addr, errRefused, nil)
	x.r.pass(15 * time.Second)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	x.k.sweep(ended)
	x.k.wg.Wait()
	if s := x.r.Stats()[0].Endpoints[0]; s.Out || s.Check != "" || p.times(e.addr) != 2 {
		t.Errorf("asked %d times, stats: %+v", p.times(e.addr), s)
	}
	if !strings.Contains(x.log.String(), "panicked") {
		t.Errorf("log: %s", x.log)
	}
	x.next()
	if s := x.r.Stats()[0].Endpoints[0]; !s.Out {
		t.Errorf("checks do not go on: %+v", s)
	}
}

// An endpoint that is removed is not asked any more, and a check in progress ends.
func TestChecksEndWithTheEndpoint(t *testing.T) {
	for name, remove := range map[string]func(r *Registry){
		"removed": func(r *Registry) { r.SetEndpoints(nil) },
		"dropped": func(r *Registry) { r.Retain(func(model.UpstreamKey) bool { return false }) },
		"other checks": func(r *Registry) {
			r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: model.DefaultPolicy()}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPods(t)
			set := httpCheck()
			set.Timeout, set.Unhealthy = time.Hour, 1
			x, u := checkedBy(t, p, set, model.Transport{}, nil, 1)
			e := u.endpoints()[0]
			begun := make(chan struct{})
			p.set(e.addr, nil, func(c net.Conn) {
				close(begun)
				_, _ = io.Copy(io.Discard, c)
			})
			x.r.pass(15 * time.Second)
			x.k.sweep(context.Background())
			<-begun
			remove(x.r)
			x.k.wg.Wait() // it does not take an hour
			for range 3 {
				x.next()
			}
			if p.times(e.addr) != 1 || e.check.out.Load() || e.check.why.Load() != nil || x.log.Len() != 0 {
				t.Errorf("asked %d times, out: %v, log: %s", p.times(e.addr), e.check.out.Load(), x.log)
			}
		})
	}
}

// With other settings what was learned before is void, with none nothing is left out.
func TestChangedChecks(t *testing.T) {
	for _, kind := range []model.CheckKind{model.NoCheck, model.CheckTCP} {
		p := newPods(t)
		set := httpCheck()
		set.Unhealthy = 1
		x, u := checkedBy(t, p, set, model.Transport{}, nil, 2)
		e := u.endpoints()[0]
		p.set(e.addr, errRefused, nil)
		x.next()
		if !e.check.out.Load() {
			t.Fatal("not left out")
		}
		policy := *u.Policy()
		policy.Pool.MaxPending = 7
		x.r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
		if !e.check.out.Load() {
			t.Error("other settings than those of checks matter")
		}
		policy.Health.Check.Kind = kind
		x.r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
		if s := x.r.Stats()[0].Endpoints[0]; s.Out || s.Check != "" {
			t.Errorf("stats: %+v", s)
		}
	}
}

// Those that do not answer hold up their own namespace at most, and there is a bound
// on all.
func TestChecksAreBounded(t *testing.T) {
	p := newPods(t)
	var mu sync.Mutex
	running, most := map[byte]int{}, map[byte]int{}
	all, mostOfAll := 0, 0
	free := make(chan struct{})
	hang := func(tenant byte) func(net.Conn) {
		return func(net.Conn) {
			mu.Lock()
			running[tenant]++
			all++
			most[tenant], mostOfAll = max(most[tenant], running[tenant]), max(mostOfAll, all)
			mu.Unlock()
			<-free
			mu.Lock()
			running[tenant]--
			all--
			mu.Unlock()
		}
	}
	log := new(bytes.Buffer)
	r := NewRegistry(Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Dial: p.dial})
	t.Cleanup(r.close)
	policy := model.DefaultPolicy()
	policy.Health.Check = httpCheck()
	endpoints := model.Endpoints{}
	var keys []model.UpstreamKey
	for tenant := range byte(3) {
		key := model.UpstreamKey{Namespace: fmt.Sprint("tenant-", tenant), Service: "app", Port: "80"}
		keys = append(keys, key)
		for i := range 100 {
			a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, tenant, 0, byte(i)}), 80)
			endpoints[key] = append(endpoints[key], model.Endpoint{Addr: a})
			p.set(a, nil, hang(tenant))
		}
	}
	r.SetEndpoints(endpoints)
	r.Upstream(Spec{Upstream: model.Upstream{Key: keys[0], Policy: policy}})
	k := newChecker(r)
	sweep := func() { k.sweep(context.Background()); r.pass(2 * time.Second); k.sweep(context.Background()) }
	sweep()
	count := func(n int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return all == n }
	}
	eventually(t, "as many checks as one namespace may have", count(checksOfOne))
	r.Upstream(Spec{Upstream: model.Upstream{Key: keys[1], Policy: policy}})
	sweep()
	eventually(t, "as many checks as there may be", count(checksAtOnce))
	r.Upstream(Spec{Upstream: model.Upstream{Key: keys[2], Policy: policy}})
	sweep()
	sweep()
	close(free)
	k.wg.Wait()
	p.wg.Wait()
	if mostOfAll > checksAtOnce || most[0] > checksOfOne || most[1] > checksOfOne || most[2] > checksOfOne {
		t.Errorf("%d at a time, by namespace %v", mostOfAll, most)
	}
	for a, n := range p.asked {
		if n != 1 {
			t.Errorf("%v was asked %d times", a, n)
		}
	}
	if len(p.asked) != 300 || k.workers != 0 || k.due != 0 || len(k.turn) != 0 || len(k.tenants) != 0 {
		t.Errorf("%d were asked; %d workers, %d due, %d tenants are left", len(p.asked), k.workers, k.due, len(k.tenants))
	}
}

// The first checks of many endpoints, and all that follow, do not come at once.
func TestChecksAreSpread(t *testing.T) {
	p := newPods(t)
	x, u := checkedBy(t, p, httpCheck(), model.Transport{}, nil, 200)
	spread := func() time.Duration {
		var all []time.Duration
		for _, e := range u.endpoints() {
			all = append(all, e.check.next)
		}
		return slices.Max(all) - slices.Min(all)
	}
	if got := spread(); got < firstCheckWithin/2 || got > firstCheckWithin {
		t.Errorf("the first checks are within %v", got)
	}
	for _, e := range u.endpoints() {
		p.set(e.addr, nil, answers(well, nil))
	}
	x.next()
	if got := spread(); got < time.Second {
		t.Errorf("the second checks are within %v", got)
	}
}

func TestTextOfAFailureIsBounded(t *testing.T) {
	p := newPods(t)
	x, u := checkedBy(t, p, httpCheck(), model.Transport{}, nil, 1)
	p.set(u.endpoints()[0].addr, errors.New(strings.Repeat("é", 10000)), nil)
	x.next()
	if got := x.r.Stats()[0].Endpoints[0].Check; len(got) > longestWhy || len(got) < longestWhy-4 || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

// Run checks by itself.
func TestRunChecks(t *testing.T) {
	p := newPods(t)
	set := httpCheck()
	set.Interval, set.Unhealthy = time.Second, 1
	log := new(bytes.Buffer)
	r := NewRegistry(Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Dial: p.dial})
	r.SetEndpoints(model.Endpoints{shop: many(2)})
	p.set(many(1)[0].Addr, errRefused, nil)
	policy := model.DefaultPolicy()
	policy.Health.Check = set
	policy.Health.Check.Kind = model.CheckTCP
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	stop := run(t, r)
	eventually(t, "the one that refuses is left out", func() bool { return r.Stats()[0].Endpoints[0].Out })
	if !u.endpoints()[1].sound() {
		t.Error("the other one is left out, too")
	}
	stop()
}
