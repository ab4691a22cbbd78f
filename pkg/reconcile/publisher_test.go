package reconcile

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

func ingressFor(host string) *translate.Objects {
	return &translate.Objects{Ingresses: []*networkingv1.Ingress{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
			Host: host,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: new(networkingv1.PathTypePrefix),
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "s", Port: networkingv1.ServiceBackendPort{Number: 80}}},
			}}}},
		}}},
	}}}
}

// sink records what a Publisher hands on.
type sink struct {
	publish   func(*model.Config) error
	endpoints int
	observed  []error
}

func (s *sink) publisher() *Publisher {
	return &Publisher{
		Settings:         translate.Settings{IngressClass: "x", WatchIngressWithoutClass: true},
		Publish:          func(c *model.Config, _ model.Endpoints, _ []model.Problem) error { return s.publish(c) },
		PublishEndpoints: func(model.Endpoints) { s.endpoints++ },
		Observe:          func(_ *translate.Objects, _ []model.Problem, err error) { s.observed = append(s.observed, err) },
		Log:              slog.New(slog.DiscardHandler),
	}
}

func TestPublisherPassesTheModelOn(t *testing.T) {
	var got *model.Config
	s := &sink{publish: func(c *model.Config) error { got = c; return nil }}
	p := s.publisher()
	p.Endpoints(ingressFor("a.example"))
	if s.endpoints != 0 {
		t.Error("endpoints were published before a configuration")
	}
	p.Objects(ingressFor("a.example"))
	if got == nil || len(got.Hosts) != 1 || got.Hosts[0].Name != "a.example" {
		t.Fatalf("published %v", got)
	}
	p.Endpoints(ingressFor("a.example"))
	if s.endpoints != 1 {
		t.Error("endpoints were not published")
	}
	if len(s.observed) != 1 || s.observed[0] != nil {
		t.Errorf("observed %v", s.observed)
	}
}

// What cannot be published, be it for an error or a panic, is told, and the
// configuration in service remains the one that endpoints are computed for: those
// of the same objects too.
func TestPublisherSurvivesFailure(t *testing.T) {
	fail := func() error { return nil }
	s := &sink{publish: func(*model.Config) error { return fail() }}
	p := s.publisher()
	p.Objects(ingressFor("a.example"))
	served := p.config

	fail = func() error { return errors.New("no") }
	p.Objects(ingressFor("b.example"))
	fail = func() error { panic("boom") }
	p.Objects(ingressFor("c.example"))

	if p.config != served {
		t.Error("a configuration that was not published counts as served")
	}
	if s.endpoints != 2 {
		t.Errorf("endpoints were published %d times beside 2 configurations that were not", s.endpoints)
	}
	if len(s.observed) != 3 || s.observed[1] == nil || s.observed[2] == nil || !strings.Contains(s.observed[2].Error(), "boom") {
		t.Errorf("observed %v", s.observed)
	}
}

func TestPublisherServes(t *testing.T) {
	p := (&sink{}).publisher()
	one := names{types.NamespacedName{Namespace: "default", Name: "s"}: {}}
	if p.serves(one) {
		t.Error("serves a Service before anything is published")
	}
	p.config = &model.Config{Upstreams: []model.Upstream{{Key: model.UpstreamKey{Namespace: "default", Service: "s", Port: "80"}}}}
	if !p.serves(one) {
		t.Error("does not serve the Service of an upstream")
	}
	if p.serves(names{types.NamespacedName{Namespace: "other", Name: "s"}: {}}) {
		t.Error("serves a Service of another namespace")
	}
}

func TestPublisherIsChecked(t *testing.T) {
	if _, err := New(Options{}, &Publisher{}); err == nil {
		t.Error("an empty Publisher was taken")
	}
}
