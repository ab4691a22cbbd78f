package status

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

func TestC3AddressesOf(t *testing.T) {
	balancer := func(list ...corev1.LoadBalancerIngress) corev1.ServiceStatus {
		return corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: list}}
	}
	for name, test := range map[string]struct {
		service corev1.Service
		want    []address
	}{
		"a load balancer without addresses yet": {
			corev1.Service{Spec: corev1.ServiceSpec{Type: "LoadBalancer", ClusterIP: "10.96.0.1"}}, nil,
		},
		"a load balancer's addresses, sorted, with ports": {
			corev1.Service{
				Spec: corev1.ServiceSpec{Type: "LoadBalancer"},
				Status: balancer(corev1.LoadBalancerIngress{IP: "192.0.2.2"},
					corev1.LoadBalancerIngress{IP: "192.0.2.1", Ports: []corev1.PortStatus{{Port: 443, Protocol: "TCP", Error: new("x/y")}}}),
			},
			[]address{{IP: "192.0.2.1", Ports: []networkingv1.IngressPortStatus{{Port: 443, Protocol: "TCP", Error: new("x/y")}}}, {IP: "192.0.2.2"}},
		},
		"a load balancer with external IPs, each address once": {
			corev1.Service{
				Spec:   corev1.ServiceSpec{Type: "LoadBalancer", ExternalIPs: []string{"192.0.2.3", "192.0.2.1"}},
				Status: balancer(corev1.LoadBalancerIngress{IP: "192.0.2.1"}),
			},
			[]address{{IP: "192.0.2.1"}, {IP: "192.0.2.3"}},
		},
		"node ports with external IPs": {
			corev1.Service{Spec: corev1.ServiceSpec{Type: "NodePort", ClusterIP: "10.96.0.1", ExternalIPs: []string{"192.0.2.3"}}}, []address{{IP: "192.0.2.3"}},
		},
		"node ports": {
			corev1.Service{Spec: corev1.ServiceSpec{Type: "NodePort", ClusterIP: "10.96.0.1"}}, []address{{IP: "10.96.0.1"}},
		},
		"a cluster IP": {
			corev1.Service{Spec: corev1.ServiceSpec{Type: "ClusterIP", ClusterIP: "10.96.0.1"}}, []address{{IP: "10.96.0.1"}},
		},
		"headless": {
			corev1.Service{Spec: corev1.ServiceSpec{Type: "ClusterIP", ClusterIP: "None"}}, nil,
		},
		"an external name": {
			corev1.Service{Spec: corev1.ServiceSpec{Type: "ExternalName", ExternalName: "lb.example"}}, []address{{Hostname: "lb.example"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, addressesOf(&test.service)); diff != "" {
				t.Error("(-want +got)\n" + diff)
			}
		})
	}
}

func TestGiven(t *testing.T) {
	want := []address{{Hostname: "lb.example"}, {IP: "192.0.2.1"}, {IP: "2001:db8::1"}}
	if diff := cmp.Diff(want, given([]string{"2001:db8::1", " 192.0.2.1", "", "lb.example", "192.0.2.1"})); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

func TestAddressesAreKnownOnlyWithTheirService(t *testing.T) {
	w := &Writer{options: Options{PublishService: types.NamespacedName{Namespace: "ns", Name: "lb"}}}
	if _, known := w.addresses(&translate.Objects{}); known {
		t.Error("the addresses of a Service that is not there are known: they would be cleared")
	}
	w.options.PublishService.Name = ""
	if _, known := w.addresses(&translate.Objects{}); known {
		t.Error("addresses are known without a source")
	}
}

func TestOthersServe(t *testing.T) {
	w := &Writer{options: Options{PublishService: types.NamespacedName{Namespace: "ns", Name: "lb"}, PodName: "self"}}
	slices := func(service, pod string, ready *bool) *translate.Objects {
		return &translate.Objects{EndpointSlices: []*discoveryv1.EndpointSlice{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Labels: map[string]string{"kubernetes.io/service-name": service}},
			Endpoints:  []discoveryv1.Endpoint{{Conditions: discoveryv1.EndpointConditions{Ready: ready}, TargetRef: &corev1.ObjectReference{Name: pod}}},
		}}}
	}
	for name, test := range map[string]struct {
		objs *translate.Objects
		want bool
	}{
		"nobody":                 {&translate.Objects{}, false},
		"ourselves":              {slices("lb", "self", nil), false},
		"another":                {slices("lb", "other", nil), true},
		"another, not ready":     {slices("lb", "other", new(false)), false},
		"somebody else entirely": {slices("app", "other", nil), false},
	} {
		if got := w.othersServe(test.objs); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// Two writes of one thing are made at once, then the pause doubles up to a
// minute, until the thing is left alone.
func TestLedgerPauses(t *testing.T) {
	l, now := newLedger(), time.Now()
	write := func(version string) write { return write{key: "Ingress ns/a", version: version} }
	if p := l.pause(write("1"), now); p != 0 {
		t.Errorf("the first write waits %v", p)
	}
	l.wrote(write("1"), now, nil)
	if p := l.pause(write("1"), now); p != longest {
		t.Errorf("what was written and not observed yet waits %v", p)
	}
	var got []time.Duration
	for i := range 9 {
		v := write(strings.Repeat("x", i+2))
		pause := l.pause(v, now)
		got = append(got, pause)
		now = now.Add(pause)
		l.wrote(v, now, nil)
	}
	want := []time.Duration{0, 1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 60e9, 60e9}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	now = now.Add(4*longest + time.Second)
	l.wrote(write("calm"), now, nil)
	if p := l.pause(write("next"), now); p != 0 {
		t.Errorf("after a calm time the second write waits %v", p)
	}
	l.forget(now.Add(memory + time.Second))
	if len(l.entries) != 0 {
		t.Error("the ledger does not forget")
	}
}

func TestLedgerAfterErrors(t *testing.T) {
	now := time.Now()
	l, w := newLedger(), write{key: "Ingress ns/a", version: "1"}
	l.wrote(w, now, errors.New("connection refused"))
	if p := l.pause(w, now); p != shortest {
		t.Errorf("after an error the next try waits %v, want %v", p, shortest)
	}
	l = newLedger()
	l.wrote(w, now, apierrors.NewConflict(schema.GroupResource{}, "a", errors.New("changed")))
	if p := l.pause(w, now); p != longest {
		t.Errorf("after a conflict the outdated version waits %v, want %v", p, longest)
	}
	if p := l.pause(write{key: w.key, version: "2"}, now); p != shortest {
		t.Errorf("after a conflict the new version waits %v, want %v", p, shortest)
	}
}

// observe returns a pass over problems of Ingress ns/a and the Events it wants.
func eventsOf(l *ledger, now time.Time, messages ...string) []write {
	seen := &observation{objs: &translate.Objects{Ingresses: []*networkingv1.Ingress{{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a", UID: "u"}}}}}
	for _, m := range messages {
		seen.problems = append(seen.problems, model.Problem{
			Object: model.ObjectRef{Kind: "Ingress", Namespace: "ns", Name: "a"}, Reason: "InvalidValue", Message: m,
		})
	}
	due := (&Writer{}).eventWrites(seen, l, now)
	for _, w := range due {
		w.done()
	}
	return due
}

func TestEventsAreWrittenOnce(t *testing.T) {
	l, now := newLedger(), time.Now()
	for _, step := range []struct {
		what     string
		after    time.Duration
		messages []string
		want     int
	}{
		{"two Problems, one of them twice", 0, []string{"x", "y", "x"}, 2},
		{"the same", time.Second, []string{"x", "y"}, 0},
		{"one is gone", time.Second, []string{"y"}, 0},
		{"it is back", time.Second, []string{"x", "y"}, 1},
		{"another", time.Second, []string{"x", "y", "z"}, 1},
		{"after an hour all are told again", tellAgain + time.Second, []string{"x", "y", "z"}, 3},
		{"none is left", time.Second, nil, 0},
	} {
		now = now.Add(step.after)
		if got := len(eventsOf(l, now, step.messages...)); got != step.want {
			t.Errorf("%s: %d Events, want %d", step.what, got, step.want)
		}
	}
	if len(l.told) != 0 {
		t.Error("the ledger does not forget what was solved")
	}
}

func TestEventsOfAnObjectAreBounded(t *testing.T) {
	l, now := newLedger(), time.Now()
	var many []string
	for i := range 100 {
		many = append(many, strings.Repeat("x", i+1))
	}
	if got := len(eventsOf(l, now, many...)); got != perWindow {
		t.Errorf("%d Events at once, want %d", got, perWindow)
	}
	if got := len(eventsOf(l, now.Add(time.Second), "new")); got != 0 {
		t.Errorf("%d more Events in the same window", got)
	}
	if got := len(eventsOf(l, now.Add(budgetWindow+time.Second), "new")); got != 1 {
		t.Errorf("%d Events in the next window, want 1", got)
	}
}

// The name of an Event is made of its content alone, so that two leaders agree.
func TestEventNames(t *testing.T) {
	a := telling{kind: "Ingress", namespace: "ns", name: strings.Repeat("n", 253), uid: "u", reason: "r", message: "m"}
	name := strings.TrimPrefix(a.key(), "Event ")
	if len(name) > 253 || name != strings.TrimPrefix(a.key(), "Event ") {
		t.Errorf("name %q", name)
	}
	b := a
	b.message = "other"
	if a.key() == b.key() {
		t.Error("two messages have the same name")
	}
}

func TestTruncate(t *testing.T) {
	if got := truncate("short", 10); got != "short" {
		t.Errorf("got %q", got)
	}
	for n := range 8 {
		if got := truncate("aéé日x", n); len(got) > n || !utf8.ValidString(got) || len(got) < n-2 {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
}
