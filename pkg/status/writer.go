package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	networkingv1 "k8s.io/client-go/kubernetes/typed/networking/v1"
	"k8s.io/client-go/rest"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

const (
	// refresh is how often everything is compared without a change
	// (ingress-nginx: status.go, UpdateInterval).
	refresh = time.Minute
	// callTimeout bounds one request to the API server.
	callTimeout = 10 * time.Second
	// shutdownTimeout bounds the clearing of addresses at the end.
	shutdownTimeout = 15 * time.Second
	// perPass bounds the writes of one pass, so that a newer state of the
	// cluster is looked at soon.
	perPass = 500
	// writers is how many writes are under way at the same time.
	writers = 8
	// writesPerSecond and burst bound all requests together.
	writesPerSecond, burst = 50, 100
)

// Options say what to write and as whom.
type Options struct {
	// Config is how the API server is reached.
	Config *rest.Config
	// Settings decide which objects are ours, as in the Build.
	Settings translate.Settings
	// UpdateStatus false leaves status.loadBalancer of Ingresses alone.
	UpdateStatus bool
	// PublishService is the Service whose addresses Ingresses get. Its name
	// is empty for none.
	PublishService types.NamespacedName
	// Addresses are IP addresses and host names to publish instead of those
	// of a Service. Without either no addresses are written.
	Addresses []string
	// ClearOnShutdown removes the addresses of PublishService when the last
	// replica ends: when no other endpoint of that Service is ready. Addresses
	// that were given are the operator's and stay.
	ClearOnShutdown bool
	// Election is the name of the Lease, in Namespace. Empty means that this
	// replica always writes.
	Election  string
	Namespace string
	// ElectionTTL is how long the Lease of a leader that vanished holds. 0
	// means 30 s.
	ElectionTTL time.Duration
	// PodName is this replica's name, in the Lease and in Events. Empty means
	// the host's name.
	PodName string
	// Connections tells how many downstream connections are open. It may be
	// nil.
	Connections func() int
	// Log is where failures go.
	Log *slog.Logger
}

// Writer writes what it observes while it leads.
type Writer struct {
	options Options
	log     *slog.Logger

	leases    coordinationv1.LeasesGetter
	events    corev1.EventsGetter
	ingresses networkingv1.IngressesGetter
	dynamic   dynamic.Interface

	// changed is signalled by Observe.
	changed chan struct{}
	mu      sync.Mutex
	latest  *observation

	leading atomic.Bool
}

// observation is what Observe was told last.
type observation struct {
	objs     *translate.Objects
	problems []model.Problem
	err      error
}

// New returns a Writer. It asks the API server nothing.
func New(options Options) (*Writer, error) {
	if options.ElectionTTL == 0 {
		options.ElectionTTL = 30 * time.Second
	}
	config := rest.CopyConfig(options.Config)
	config.Timeout = callTimeout
	config.QPS, config.Burst = writesPerSecond, burst
	if config.UserAgent == "" {
		config.UserAgent = "shockwave"
	}
	// the Lease is renewed beside the other writes, never behind them
	election := rest.CopyConfig(config)
	election.QPS, election.Burst = 10, 20
	election.Timeout = options.ElectionTTL / 4

	w := &Writer{options: options, log: options.Log, changed: make(chan struct{}, 1)}
	var errs [4]error
	w.leases, errs[0] = coordinationv1.NewForConfig(election)
	w.events, errs[1] = corev1.NewForConfig(config)
	w.ingresses, errs[2] = networkingv1.NewForConfig(config)
	w.dynamic, errs[3] = dynamic.NewForConfig(config)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("API server client: %w", err)
	}
	return w, nil
}

// Observe takes the objects in use, what is wrong with them, and the error of
// publishing them if there was one. It returns at once and may be called by any
// goroutine; only the last call counts.
func (w *Writer) Observe(objs *translate.Objects, problems []model.Problem, err error) {
	w.mu.Lock()
	w.latest = &observation{objs: objs, problems: problems, err: err}
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *Writer) observed() *observation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest
}

// Leading tells whether this replica is the one that writes.
func (w *Writer) Leading() bool { return w.leading.Load() }

// lead writes until ctx ends.
func (w *Writer) lead(ctx context.Context) {
	w.leading.Store(true)
	defer w.leading.Store(false)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	ledger := newLedger()
	var wake <-chan time.Time
	for first := true; ; first = false {
		if !first {
			select {
			case <-ctx.Done():
				return
			case <-w.changed:
			case <-tick.C:
				ledger.count = true
			case <-wake:
			}
		}
		if seen := w.observed(); seen != nil && ctx.Err() == nil {
			wake = after(w.pass(ctx, seen, ledger))
		}
	}
}

// after is time.After, or never for a negative pause.
func after(pause time.Duration) <-chan time.Time {
	if pause < 0 {
		return nil
	}
	return time.After(pause)
}

// pass compares what was observed with what should be, and writes what
// differs. It returns after what time to come back, negative for no need.
func (w *Writer) pass(ctx context.Context, seen *observation, l *ledger) time.Duration {
	now := time.Now()
	var due []write
	due = append(due, w.addressWrites(seen, l)...)
	due = append(due, w.listenerWrites(seen, l)...)
	due = append(due, w.eventWrites(seen, l, now)...)

	next := time.Duration(-1)
	soon := func(pause time.Duration) {
		if next < 0 || pause < next {
			next = pause
		}
	}
	var ready []write
	for _, d := range due {
		switch pause := l.pause(d, now); {
		case pause > 0:
			soon(pause)
		case len(ready) == perPass:
			soon(0)
		default:
			ready = append(ready, d)
		}
	}
	for i, err := range w.do(ctx, ready) {
		l.wrote(ready[i], now, err)
		if err != nil {
			soon(l.pause(ready[i], now))
			w.log.Debug("cannot write to the API server", "object", ready[i].key, "err", err)
		}
	}
	l.forget(now)
	return next
}

// do makes the writes, several at a time, and returns their errors.
func (w *Writer) do(ctx context.Context, ready []write) []error {
	errs := make([]error, len(ready))
	var wg sync.WaitGroup
	slots := make(chan struct{}, writers)
	for i := range ready {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = ctx.Err()
			if errs[i] == nil {
				errs[i] = ready[i].do(ctx)
			}
		})
	}
	wg.Wait()
	return errs
}
