package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var shop = model.UpstreamKey{Namespace: "default", Service: "shop", Port: "80"}

// addr is the address of the i-th endpoint.
func addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 80)
}

func endpoints(numbers ...int) []model.Endpoint {
	list := make([]model.Endpoint, len(numbers))
	for i, n := range numbers {
		list[i].Addr = addr(n)
	}
	return list
}

// network is where endpoints are dialled: each address has a listener's end
// kept, or an error.
type network struct {
	mu    sync.Mutex
	fail  map[netip.AddrPort]error
	peers map[netip.AddrPort][]net.Conn
	ln    net.Listener
}

func newNetwork(t testing.TB) *network {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{fail: map[netip.AddrPort]error{}, peers: map[netip.AddrPort][]net.Conn{}, ln: ln}
	t.Cleanup(func() {
		_ = ln.Close()
		for _, list := range n.peers {
			for _, c := range list {
				_ = c.Close()
			}
		}
	})
	return n
}

func (n *network) dial(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.fail[a]; errors.Is(err, context.DeadlineExceeded) {
		<-ctx.Done()
		return nil, ctx.Err()
	} else if err != nil {
		return nil, &net.OpError{Op: "dial", Err: err}
	}
	c, err := net.Dial("tcp", n.ln.Addr().String())
	if err != nil {
		return nil, err
	}
	peer, err := n.ln.Accept()
	if err != nil {
		return nil, err
	}
	n.peers[a] = append(n.peers[a], peer)
	return c, nil
}

// refuse makes connections to the i-th endpoint fail; nil ends that.
func (n *network) refuse(i int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail[addr(i)] = err
}

// last is the other end of the newest connection to the i-th endpoint.
func (n *network) last(i int) net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.peers[addr(i)]
	return list[len(list)-1]
}

var errRefused error = syscall.ECONNREFUSED

// newRegistry returns a registry with the upstream shop at these endpoints.
func newRegistry(t testing.TB, n *network, pool model.Pool, numbers ...int) (*Registry, *Upstream) {
	r := NewRegistry(Config{Logger: slog.New(slog.DiscardHandler), Dial: n.dial})
	r.SetEndpoints(model.Endpoints{shop: endpoints(numbers...)})
	policy := model.DefaultPolicy()
	policy.Pool = pool
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	t.Cleanup(r.close)
	return r, u
}

// pass moves the registry's clock.
func (r *Registry) pass(d time.Duration) { r.start = r.start.Add(-d) }

// run runs r until the test ends.
func run(t testing.TB, r *Registry) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// closedWithin tells whether the other end sees its connection closed in time.
func closedWithin(c net.Conn, d time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(d))
	_, err := c.Read(make([]byte, 1))
	var ne net.Error
	return err != nil && !(errors.As(err, &ne) && ne.Timeout())
}

func get(t testing.TB, e *Endpoint) *Conn {
	t.Helper()
	c, err := e.Get(&Want{Connect: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
