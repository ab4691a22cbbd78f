//go:build apiserver

package apiserver

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/internal/kubetest"
	"github.com/shockwave-ingress/shockwave/pkg/status"
)

// election has a short Lease, so that its end can be waited for.
func election(namespace, pod string, addresses ...string) status.Options {
	return status.Options{
		UpdateStatus: true, Addresses: addresses,
		Election: "shockwave-leader", Namespace: namespace, ElectionTTL: 2 * time.Second, PodName: pod,
	}
}

// shows is a check that an Ingress has these addresses, as "ip", "hostname" or
// with ports "ip:80".
func shows(t *testing.T, s *kubetest.Server, namespace, name string, want ...string) func() error {
	return func() error {
		var ing networkingv1.Ingress
		must(t, s.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, &ing))
		var got []string
		for _, a := range ing.Status.LoadBalancer.Ingress {
			text := a.IP + a.Hostname
			for _, p := range a.Ports {
				text += fmt.Sprintf(":%d", p.Port)
			}
			got = append(got, text)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("Ingress %s shows %q, want %q", name, got, want)
		}
		return nil
	}
}

func TestC3AddressesAsGiven(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	s.Apply(t, ns, shop(settings.IngressClass, "ours", "a.example"))
	s.Apply(t, ns, shop("of-nobody", "others", "b.example"))
	r := run(t, setup{config: s.Config, settings: settings, status: election(ns, "a", "lb.example", "192.0.2.1", "2001:db8::1")})
	kubetest.Eventually(t, shows(t, s, ns, "ours", "lb.example", "192.0.2.1", "2001:db8::1"))

	// one that comes later; one that another class takes over is cleared
	s.Apply(t, ns, shop(settings.IngressClass, "later", "c.example"))
	kubetest.Eventually(t, shows(t, s, ns, "later", "lb.example", "192.0.2.1", "2001:db8::1"))
	s.Apply(t, ns, shop("of-nobody", "later", "c.example"))
	kubetest.Eventually(t, shows(t, s, ns, "later"))
	must(t, shows(t, s, ns, "others")())

	// what is right already is not written again
	version := func() string {
		var ing networkingv1.Ingress
		must(t, s.Client.Get(t.Context(), types.NamespacedName{Namespace: ns, Name: "ours"}, &ing))
		return ing.ResourceVersion
	}
	before := version()
	s.Apply(t, ns, shopService)
	time.Sleep(200 * time.Millisecond)
	if version() != before {
		t.Error("an Ingress was written although nothing had changed")
	}
	// given addresses are the operator's: they stay
	r.stop()
	must(t, shows(t, s, ns, "ours", "lb.example", "192.0.2.1", "2001:db8::1")())
}

// records are the DNS records that external-dns makes of an Ingress (its source
// "ingress"): for each host of the rules and of tls, an A or AAAA record for each IP
// of status.loadBalancer and a CNAME for each hostname.
func records(ing *networkingv1.Ingress) []string {
	var hosts, all []string
	for _, rule := range ing.Spec.Rules {
		hosts = append(hosts, rule.Host)
	}
	for _, block := range ing.Spec.TLS {
		hosts = append(hosts, block.Hosts...)
	}
	for _, host := range hosts {
		for _, a := range ing.Status.LoadBalancer.Ingress {
			switch ip, err := netip.ParseAddr(a.IP); {
			case err == nil && ip.Is4():
				all = append(all, host+" A "+a.IP)
			case err == nil:
				all = append(all, host+" AAAA "+a.IP)
			}
			if a.Hostname != "" {
				all = append(all, host+" CNAME "+a.Hostname)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// What external-dns makes of the status is what the operator or the load balancer
// has said, and it goes when the Ingress goes to another class.
func TestC3ExternalDNSFindsItsTargets(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	manifest := shop(settings.IngressClass, "a", "a.example") + "  tls: [{hosts: [a.example, b.example], secretName: none}]\n"
	s.Apply(t, ns, manifest)
	finds := func(want ...string) func() error {
		return func() error {
			var ing networkingv1.Ingress
			must(t, s.Client.Get(t.Context(), types.NamespacedName{Namespace: ns, Name: "a"}, &ing))
			if got := records(&ing); !slices.Equal(got, want) {
				return fmt.Errorf("records %q, want %q", got, want)
			}
			return nil
		}
	}
	must(t, finds()())
	run(t, setup{config: s.Config, settings: settings, status: election(ns, "pod-a", "192.0.2.1", "2001:db8::1", "lb.example")})
	kubetest.Eventually(t, finds("a.example A 192.0.2.1", "a.example AAAA 2001:db8::1", "a.example CNAME lb.example",
		"b.example A 192.0.2.1", "b.example AAAA 2001:db8::1", "b.example CNAME lb.example"))
	s.Apply(t, ns, strings.Replace(manifest, settings.IngressClass, "of-nobody", 1))
	kubetest.Eventually(t, finds())
}

func TestC3AddressesOfTheService(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	publish := func(kind, more string) {
		s.Apply(t, ns, "apiVersion: v1\nkind: Service\nmetadata: {name: lb}\nspec: {type: "+kind+", ports: [{port: 80, targetPort: 8080}]"+more+"}\n")
	}
	publish("LoadBalancer", "")
	s.Apply(t, ns, shop(settings.IngressClass, "a", "a.example"))
	options := election(ns, "pod-a")
	options.PublishService = types.NamespacedName{Namespace: ns, Name: "lb"}
	options.ClearOnShutdown = true
	r := run(t, setup{config: s.Config, settings: settings, status: options})
	r.ready()
	must(t, shows(t, s, ns, "a")())

	balancer := func(list ...corev1.LoadBalancerIngress) {
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "lb"}}
		before := service.DeepCopy()
		service.Status.LoadBalancer.Ingress = list
		must(t, s.Client.Status().Patch(t.Context(), service, client.MergeFrom(before)))
	}
	balancer(corev1.LoadBalancerIngress{IP: "192.0.2.1", Ports: []corev1.PortStatus{{Port: 80, Protocol: "TCP"}}}, corev1.LoadBalancerIngress{Hostname: "lb.example"})
	kubetest.Eventually(t, shows(t, s, ns, "a", "lb.example", "192.0.2.1:80"))

	publish("LoadBalancer", ", externalIPs: [192.0.2.1, 192.0.2.7]")
	kubetest.Eventually(t, shows(t, s, ns, "a", "lb.example", "192.0.2.1:80", "192.0.2.7"))

	// while another replica is ready, the addresses outlive this one
	s.Apply(t, ns, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {name: lb, labels: {kubernetes.io/service-name: lb}}\n"+
		"endpoints:\n- {addresses: [10.0.0.1], targetRef: {kind: Pod, name: pod-a}}\n- {addresses: [10.0.0.2], targetRef: {kind: Pod, name: pod-b}}\n")
	kubetest.Eventually(t, func() error {
		return r.state(func() error {
			for _, slice := range r.observed.EndpointSlices {
				if slice.Name == "lb" && slice.Namespace == ns {
					return nil
				}
			}
			return errors.New("the slice has not been observed")
		})
	})
	r.stop()
	must(t, shows(t, s, ns, "a", "lb.example", "192.0.2.1:80", "192.0.2.7")())

	// the last one takes them along
	s.Apply(t, ns, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {name: lb, labels: {kubernetes.io/service-name: lb}}\n"+
		"endpoints:\n- {addresses: [10.0.0.1], targetRef: {kind: Pod, name: pod-a}}\n")
	r = run(t, setup{config: s.Config, settings: settings, status: options})
	r.ready()
	kubetest.Eventually(t, leads(r))
	r.stop()
	must(t, shows(t, s, ns, "a")())
}

func leads(r *replica) func() error {
	return func() error {
		if !r.status.Leading() {
			return errors.New("the replica does not lead")
		}
		return nil
	}
}

// Of two replicas both publish and one writes. When it ends the other takes
// over at once and rewrites what is out of date.
func TestC4LeaderHandOver(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	s.Apply(t, ns, shop(settings.IngressClass, "a", "a.example"))
	first := run(t, setup{config: s.Config, settings: settings, status: election(ns, "first", "192.0.2.1")})
	kubetest.Eventually(t, leads(first))
	second := run(t, setup{config: s.Config, settings: settings, status: election(ns, "second", "192.0.2.2")})
	second.ready()
	kubetest.Eventually(t, shows(t, s, ns, "a", "192.0.2.1"))
	s.Apply(t, ns, shop(settings.IngressClass, "b", "b.example"))
	kubetest.Eventually(t, second.hasHost("b.example", true))
	kubetest.Eventually(t, shows(t, s, ns, "b", "192.0.2.1"))
	if second.status.Leading() {
		t.Fatal("both lead")
	}

	first.stop()
	start := time.Now()
	kubetest.Eventually(t, shows(t, s, ns, "a", "192.0.2.2"))
	kubetest.Eventually(t, shows(t, s, ns, "b", "192.0.2.2"))
	if waited := time.Since(start); waited > 1900*time.Millisecond {
		t.Errorf("the hand-over took %v: the Lease was not given up", waited)
	}
}

// A leader that is cut off stops writing before its Lease can be taken, goes on
// serving, and takes part again afterwards.
func TestLeaderIsCutOff(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	s.Apply(t, ns, shop(settings.IngressClass, "a", "a.example"))
	config, line := kubetest.Cuttable(s.Config)
	first := run(t, setup{config: config, settings: settings, status: election(ns, "first", "192.0.2.1")})
	kubetest.Eventually(t, shows(t, s, ns, "a", "192.0.2.1"))
	second := run(t, setup{config: s.Config, settings: settings, status: election(ns, "second", "192.0.2.2")})
	second.ready()

	line.Cut()
	kubetest.Eventually(t, shows(t, s, ns, "a", "192.0.2.2"))
	if first.status.Leading() {
		t.Error("both lead")
	}
	must(t, first.hasHost("a.example", true)())
	line.Restore()
	second.stop()
	kubetest.Eventually(t, shows(t, s, ns, "a", "192.0.2.1"))
}

// Problems become Events, once each, also when the leader changes.
func TestC8Events(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	// an Ingress without its Service
	s.Apply(t, ns, shop(settings.IngressClass, "a", "a.example"))
	var ing networkingv1.Ingress
	must(t, s.Client.Get(t.Context(), types.NamespacedName{Namespace: ns, Name: "a"}, &ing))
	events := func() []corev1.Event {
		var list corev1.EventList
		must(t, s.Client.List(t.Context(), &list, client.InNamespace(ns)))
		return slices.DeleteFunc(list.Items, func(e corev1.Event) bool { return e.InvolvedObject.Name != "a" || e.InvolvedObject.Kind != "Ingress" })
	}
	has := func(reason string) func() error {
		return func() error {
			for _, e := range events() {
				if e.Reason == reason {
					return nil
				}
			}
			return fmt.Errorf("no Event %s among %d", reason, len(events()))
		}
	}
	first := run(t, setup{config: s.Config, settings: settings, status: election(ns, "first")})
	kubetest.Eventually(t, has("ServiceNotFound"))
	for _, e := range events() {
		if e.Type != corev1.EventTypeWarning || e.InvolvedObject.UID != ing.UID || e.Message == "" || e.Source.Component != "shockwave" {
			t.Errorf("Event %+v", e)
		}
	}
	count := len(events())

	// another change of the Ingress says nothing new
	s.Apply(t, ns, shop(settings.IngressClass, "a", "b.example"))
	kubetest.Eventually(t, first.hasHost("b.example", true))
	first.stop()
	second := run(t, setup{config: s.Config, settings: settings, status: election(ns, "second")})
	kubetest.Eventually(t, leads(second))
	time.Sleep(300 * time.Millisecond)
	if got := len(events()); got != count {
		t.Errorf("%d Events, want %d as before", got, count)
	}

	// a new mistake is a new Event
	s.Apply(t, ns, strings.Replace(shop(settings.IngressClass, "a", "b.example"), "{name: a}", "{name: a, annotations: {shockwave.dev/proxy-read-timeout: soon}}", 1))
	kubetest.Eventually(t, has("InvalidValue"))
}

// An author who makes another mistake every moment costs a bounded number of
// Events.
func TestEventsAreBounded(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	r := run(t, setup{config: s.Config, settings: settings, status: election(ns, "first")})
	kubetest.Eventually(t, leads(r))
	for i := range 40 {
		host := fmt.Sprintf("h%d.example", i)
		s.Apply(t, ns, strings.Replace(shop(settings.IngressClass, "a", host), "{name: a}",
			fmt.Sprintf("{name: a, annotations: {shockwave.dev/proxy-read-timeout: soon%d}}", i), 1))
		kubetest.Eventually(t, r.hasHost(host, true))
	}
	time.Sleep(300 * time.Millisecond)
	var list corev1.EventList
	must(t, s.Client.List(t.Context(), &list, client.InNamespace(ns)))
	if n := len(list.Items); n < 10 || n > 25 {
		t.Errorf("%d Events, want at most 25, and enough to see the bound", n)
	}
}

func TestListenerConfigConditions(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	config := &v1alpha1.ListenerConfig{ObjectMeta: metav1.ObjectMeta{GenerateName: "listeners-"}}
	config.Spec.KeepAliveRequests = new(int32(7))
	s.Create(t, config)
	refer := func(name string) {
		s.Apply(t, "", fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: %s}\n"+
			"spec: {controller: %s, parameters: {apiGroup: shockwave.dev, kind: ListenerConfig, name: %s}}\n", name, settings.ControllerClass, config.Name))
	}
	options := election(ns, "first")
	options.Connections = func() int { return 42 }
	r := run(t, setup{config: s.Config, settings: settings, status: options})
	r.ready()

	is := func(accepted, programmed metav1.ConditionStatus, reason string) func() error {
		return func() error {
			must(t, s.Client.Get(t.Context(), client.ObjectKeyFromObject(config), config))
			a := meta.FindStatusCondition(config.Status.Conditions, v1alpha1.ConditionAccepted)
			p := meta.FindStatusCondition(config.Status.Conditions, v1alpha1.ConditionProgrammed)
			if a == nil || p == nil || a.Status != accepted || p.Status != programmed || p.Reason != reason || p.ObservedGeneration != config.Generation {
				return fmt.Errorf("conditions %+v", config.Status.Conditions)
			}
			return nil
		}
	}
	other := settings.IngressClass + "-other"
	refer(other)
	kubetest.Eventually(t, is(metav1.ConditionFalse, metav1.ConditionFalse, "Ignored"))

	class := &networkingv1.IngressClass{}
	must(t, s.Client.Get(t.Context(), types.NamespacedName{Name: settings.IngressClass}, class))
	class.Spec.Parameters = &networkingv1.IngressClassParametersReference{
		APIGroup: new("shockwave.dev"), Kind: "ListenerConfig", Name: config.Name, Scope: new("Cluster"),
	}
	must(t, s.Client.Update(t.Context(), class))
	kubetest.Eventually(t, is(metav1.ConditionTrue, metav1.ConditionTrue, "Programmed"))
	if config.Status.Connections == nil || *config.Status.Connections != 42 {
		t.Errorf("connections %v, want 42", config.Status.Connections)
	}
	must(t, r.state(func() error {
		if got := r.config.Listener.KeepAliveRequests; got != 7 {
			return fmt.Errorf("keep-alive requests %d, want 7", got)
		}
		return nil
	}))
}

// The API server refuses a ListenerConfig whose values make no sense.
func TestListenerConfigValidation(t *testing.T) {
	s := kubetest.Cluster(t)
	for spec, want := range map[string]string{
		"{allocationMode: fast}":       "Unsupported value",
		"{keepAliveTimeout: 1d}":       "should match",
		"{keepAliveTimeout: 25h}":      "between 0s",
		"{headerTimeout: 1ms}":         "between 100ms and 1h",
		"{bodyTimeout: 2h}":            "between 100ms and 1h",
		"{maxHeaderBytes: 10}":         "greater than or equal to 1024",
		"{keepAliveRequests: 0}":       "greater than or equal to 1",
		"{maxConnections: -1}":         "greater than or equal to 0",
		"{keepAliveTimeout: 0s}":       "",
		"{headerTimeout: 1m30s}":       "",
		"{allocationMode: standard}":   "",
		"{maxHeaderBytes: 65536}":      "",
		"{unknown: x}":                 "",
		"{keepAliveTimeout: 99999h9h}": "between 0s",
	} {
		config := &unstructured.Unstructured{}
		must(t, yaml.Unmarshal([]byte("apiVersion: shockwave.dev/v1alpha1\nkind: ListenerConfig\nmetadata: {generateName: listeners-}\nspec: "+spec), config))
		err := s.Client.Create(t.Context(), config, client.DryRunAll)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: refused: %v", spec, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", spec, err, want)
		}
	}
}

// The Lease names the replica that writes, and is given up at the end.
func TestC4Lease(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	r := run(t, setup{config: s.Config, settings: settings, status: election(ns, "pod-a")})
	kubetest.Eventually(t, leads(r))
	holder := func() string {
		var lease coordinationv1.Lease
		must(t, s.Client.Get(t.Context(), types.NamespacedName{Namespace: ns, Name: "shockwave-leader"}, &lease))
		if lease.Spec.HolderIdentity == nil {
			return ""
		}
		return *lease.Spec.HolderIdentity
	}
	if got := holder(); !strings.HasPrefix(got, "pod-a_") {
		t.Errorf("the Lease is held by %q", got)
	}
	r.stop()
	if got := holder(); got != "" {
		t.Errorf("after the end the Lease is held by %q", got)
	}
}
