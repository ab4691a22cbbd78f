//go:build apiserver

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/shockwave-ingress/shockwave/internal/kubetest"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/reconcile"
	"github.com/shockwave-ingress/shockwave/pkg/status"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// replica is a control plane without a data plane.
type replica struct {
	t       testing.TB
	cluster *reconcile.Cluster
	status  *status.Writer
	stop    func()

	mu        sync.Mutex
	config    *model.Config
	endpoints model.Endpoints
	problems  []model.Problem
	// builds and updates count publications: of everything, and of endpoints.
	builds, updates int
	// observed is the last set of objects.
	observed *translate.Objects
}

// setup describes a replica. Its class is the test's own, so that tests do not
// see each other's Ingresses.
type setup struct {
	config   *rest.Config
	settings translate.Settings
	status   status.Options
	noStatus bool
}

// class makes an IngressClass of the test's own and returns settings for it.
func class(t testing.TB, s *kubetest.Server) translate.Settings {
	t.Helper()
	c := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "class-"}}
	c.Spec.Controller = fmt.Sprintf("shockwave.dev/test-%d", time.Now().UnixNano())
	s.Create(t, c)
	return translate.Settings{
		ControllerClass:   c.Spec.Controller,
		IngressClass:      c.Name,
		AnnotationsPrefix: "nginx.ingress.kubernetes.io",
	}
}

// run starts a replica, which ends with the test or when stop is called.
func run(t testing.TB, s setup) *replica {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("KUBETEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	r := &replica{t: t}
	publisher := &reconcile.Publisher{
		Settings:         s.settings,
		Publish:          r.publish,
		PublishEndpoints: r.publishEndpoints,
		Observe:          r.observe,
		Log:              log,
	}
	var err error
	if r.cluster, err = reconcile.New(reconcile.Options{Config: s.config, PublishService: s.status.PublishService, Log: log}, publisher); err != nil {
		t.Fatal(err)
	}
	var parts []func(context.Context) error
	if !s.noStatus {
		s.status.Config, s.status.Settings, s.status.Log = s.config, s.settings, log
		if r.status, err = status.New(s.status); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, r.status.Run)
	}
	parts = append(parts, r.cluster.Run)

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, part := range parts {
		wg.Go(func() {
			if err := part(ctx); err != nil {
				t.Errorf("a replica ended with %v", err)
			}
		})
	}
	r.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(r.stop)
	return r
}

func (r *replica) publish(c *model.Config, e model.Endpoints, p []model.Problem) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.config, r.endpoints, r.problems = c, e, p
	r.builds++
	return nil
}

func (r *replica) publishEndpoints(e model.Endpoints) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endpoints = e
	r.updates++
}

func (r *replica) observe(objs *translate.Objects, problems []model.Problem, err error) {
	r.mu.Lock()
	r.observed = objs
	r.mu.Unlock()
	if r.status != nil {
		r.status.Observe(objs, problems, err)
	}
}

// state calls look with what was published last.
func (r *replica) state(look func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config == nil {
		return errors.New("nothing is published yet")
	}
	return look()
}

func (r *replica) ready() {
	r.t.Helper()
	kubetest.Eventually(r.t, func() error { return r.state(func() error { return nil }) })
}

func (r *replica) counts() (builds, updates int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.builds, r.updates
}

// host returns the published host of that name.
func (r *replica) host(name string) *model.Host {
	i := slices.IndexFunc(r.config.Hosts, func(h model.Host) bool { return h.Name == name })
	if i < 0 {
		return nil
	}
	return &r.config.Hosts[i]
}

// hasHost is a check for Eventually.
func (r *replica) hasHost(name string, want bool) func() error {
	return func() error {
		return r.state(func() error {
			if got := r.host(name) != nil; got != want {
				return fmt.Errorf("host %s published: %v, want %v", name, got, want)
			}
			return nil
		})
	}
}

// addresses returns the published endpoint addresses of a Service, sorted.
func (r *replica) addresses(service string) []string {
	var list []string
	for key, endpoints := range r.endpoints {
		if key.Service != service {
			continue
		}
		for _, e := range endpoints {
			list = append(list, e.Addr.String())
		}
	}
	slices.Sort(list)
	return list
}

func (r *replica) hasAddresses(service string, want ...string) func() error {
	return func() error {
		return r.state(func() error {
			if got := r.addresses(service); !slices.Equal(got, want) {
				return fmt.Errorf("endpoints of %s: %v, want %v", service, got, want)
			}
			return nil
		})
	}
}

// shop is an Ingress of the class for the host, to the Service "shop".
func shop(class, name, host string) string {
	return fmt.Sprintf(`apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %s}
spec:
  ingressClassName: %s
  rules:
  - host: %s
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
`, name, class, host)
}

const shopService = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{name: http, port: 80, targetPort: 8080}]}\n"
