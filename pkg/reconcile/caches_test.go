package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// server is an API server of Secrets.
type server struct {
	client.Reader
	secrets map[string]*corev1.Secret
	err     error
	gets    []string
}

func (s *server) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	s.gets = append(s.gets, key.Name)
	if s.err != nil {
		return s.err
	}
	secret, ok := s.secrets[key.Name]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	secret.DeepCopyInto(obj.(*corev1.Secret))
	return nil
}

func secret(name, version string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, ResourceVersion: version, Annotations: map[string]string{"a": "b"}},
		Data:       map[string][]byte{corev1.TLSCertKey: []byte(version)},
	}
}

func version(name, v string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, ResourceVersion: v}}
}

func TestReferenced(t *testing.T) {
	s := &server{secrets: map[string]*corev1.Secret{"a": secret("a", "1"), "b": secret("b", "1")}}
	changed := make(names)
	r := &referenced[*corev1.Secret]{
		kind: "Secret", reader: s, new: func() *corev1.Secret { return new(corev1.Secret) },
		versions: newStore(versionChanged(func(n types.NamespacedName) { changed[n] = struct{}{} })),
	}
	a, b := types.NamespacedName{Namespace: "ns", Name: "a"}, types.NamespacedName{Namespace: "ns", Name: "b"}
	step := func(what string, wanted []types.NamespacedName, gets int, wantErr bool, want ...string) {
		t.Helper()
		s.gets = nil
		objs, err := r.update(t.Context(), wanted)
		if (err != nil) != wantErr {
			t.Errorf("%s: error %v", what, err)
		}
		var got []string
		for _, o := range objs {
			got = append(got, o.Name+string(o.Data[corev1.TLSCertKey]))
			if o.Annotations != nil {
				t.Errorf("%s: %s keeps its annotations", what, o.Name)
			}
		}
		if !slices.Equal(got, want) { // in the order asked for
			t.Errorf("%s: holds %v, want %v", what, got, want)
		}
		if len(s.gets) != gets {
			t.Errorf("%s: fetched %v, want %d", what, s.gets, gets)
		}
	}
	step("one that is not known to exist", []types.NamespacedName{a}, 0, false)
	r.versions.OnAdd(version("a", "1"), true)
	r.versions.OnAdd(version("b", "1"), true)
	if _, ok := changed[a]; !ok {
		t.Error("a new Secret was not told")
	}
	step("one that is there", []types.NamespacedName{a}, 1, false, "a1")
	step("the same again", []types.NamespacedName{a}, 0, false, "a1")
	step("another one", []types.NamespacedName{a, b}, 1, false, "a1", "b1")

	s.secrets["a"] = secret("a", "2")
	r.versions.OnUpdate(nil, version("a", "2"))
	s.err = errors.New("connection refused")
	step("a new version that cannot be fetched", []types.NamespacedName{a, b}, 1, true, "a1", "b1")
	s.err = nil
	step("and can again", []types.NamespacedName{a, b}, 1, false, "a2", "b1")

	step("one that is not wanted any more", []types.NamespacedName{b}, 0, false, "b1")
	delete(s.secrets, "b")
	r.versions.OnUpdate(nil, version("b", "2"))
	step("one that went while we asked", []types.NamespacedName{b}, 1, false)
	r.versions.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: version("b", "2")})
	step("one that is gone", []types.NamespacedName{b}, 0, false)
}

func TestReferencedBoundsItsError(t *testing.T) {
	s := &server{err: errors.New("connection refused")}
	r := &referenced[*corev1.Secret]{
		kind: "Secret", reader: &locked{server: s}, new: func() *corev1.Secret { return new(corev1.Secret) },
		versions: newStore(versionChanged(func(types.NamespacedName) {})),
	}
	var wanted []types.NamespacedName
	for i := range 1000 {
		name := fmt.Sprintf("s%d", i)
		r.versions.OnAdd(version(name, "1"), true)
		wanted = append(wanted, types.NamespacedName{Namespace: "ns", Name: name})
	}
	if _, err := r.update(t.Context(), wanted); err == nil || len(err.Error()) > 1000 || !strings.Contains(err.Error(), "and 997 more") {
		t.Errorf("got %v", err)
	}
}

// locked answers without touching the server's record, for concurrent calls.
type locked struct {
	client.Reader
	server *server
}

func (l *locked) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return l.server.err
}

func TestQueueMergesABurst(t *testing.T) {
	q := newQueue()
	name := types.NamespacedName{Namespace: "ns", Name: "s"}
	for range 1000 {
		q.routes()
		q.service(name)
		q.secret(name)
	}
	<-q.signal
	c := q.take()
	if !c.routes || c.status || len(c.services) != 1 || len(c.secrets) != 1 || len(c.configMaps) != 0 {
		t.Errorf("took %+v", c)
	}
	select {
	case <-q.signal:
		t.Error("a burst woke twice")
	default:
	}
	if c := q.take(); c.routes || len(c.services) > 0 {
		t.Errorf("took %+v again", c)
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		waited := func() time.Duration {
			start := time.Now()
			if !p.wait(t.Context()) {
				t.Error("the context has not ended")
			}
			return time.Since(start)
		}
		if w := waited(); w != settle {
			t.Errorf("the first pass waited %v, want %v", w, settle)
		}
		start := time.Now()
		time.Sleep(80 * time.Millisecond) // the pass
		p.passed(start)
		if w := waited(); w != 80*time.Millisecond {
			t.Errorf("after a pass of 80 ms the next waited %v", w)
		}
		start = time.Now()
		time.Sleep(time.Minute)
		p.passed(start)
		if w := waited(); w != maxHold {
			t.Errorf("after a pass of a minute the next waited %v, want %v", w, maxHold)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if p.wait(ctx) {
			t.Error("a pass began after the end")
		}
	})
}

// What is not read must not be kept: it is most of a large cluster's objects.
func TestStrip(t *testing.T) {
	full := metav1.ObjectMeta{
		Namespace: "ns", Name: "n", UID: "u", ResourceVersion: "1", Generation: 2, CreationTimestamp: metav1.Unix(1, 0),
		Labels:        map[string]string{"app": "x", discoveryv1.LabelServiceName: "s"},
		Annotations:   map[string]string{lastApplied: "{}", "shockwave.dev/x": "y"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}},
		Finalizers:    []string{"f"}, OwnerReferences: []metav1.OwnerReference{{Name: "o"}},
	}
	ingress := mustStrip(t, &networkingv1.Ingress{ObjectMeta: *full.DeepCopy(), Spec: networkingv1.IngressSpec{IngressClassName: new("c")}})
	if ingress.Annotations["shockwave.dev/x"] != "y" || ingress.Annotations[lastApplied] != "" || ingress.ManagedFields != nil || ingress.Labels != nil ||
		ingress.UID != "u" || ingress.Generation != 2 || ingress.ResourceVersion != "1" || ingress.CreationTimestamp != full.CreationTimestamp || *ingress.Spec.IngressClassName != "c" {
		t.Errorf("Ingress %+v", ingress)
	}
	service := mustStrip(t, &corev1.Service{ObjectMeta: *full.DeepCopy(), Spec: corev1.ServiceSpec{
		Type: "LoadBalancer", Ports: []corev1.ServicePort{{Port: 80}}, Selector: map[string]string{"a": "b"}, ExternalIPs: []string{"192.0.2.1"},
	}})
	if service.Annotations != nil || service.Spec.Selector != nil || len(service.Spec.Ports) != 1 || len(service.Spec.ExternalIPs) != 1 || service.Spec.Type != "LoadBalancer" {
		t.Errorf("Service %+v", service)
	}
	slice := mustStrip(t, &discoveryv1.EndpointSlice{ObjectMeta: *full.DeepCopy(), AddressType: "IPv4", Endpoints: []discoveryv1.Endpoint{{
		Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)}, NodeName: new("node"), Zone: new("z"),
		TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "p", UID: "u"},
	}}})
	e := slice.Endpoints[0]
	if len(slice.Labels) != 1 || slice.Labels[discoveryv1.LabelServiceName] != "s" || e.NodeName != nil || e.Zone != nil ||
		e.TargetRef.Name != "p" || e.TargetRef.UID != "" || !*e.Conditions.Ready || e.Addresses[0] != "10.0.0.1" {
		t.Errorf("EndpointSlice %+v", slice)
	}
	m := mustStrip(t, &metav1.PartialObjectMetadata{ObjectMeta: *full.DeepCopy()})
	if m.Annotations != nil || m.Labels != nil || m.Name != "n" || m.Namespace != "ns" || m.ResourceVersion != "1" {
		t.Errorf("metadata %+v", m)
	}
}

func mustStrip[T any](t *testing.T, obj T) T {
	t.Helper()
	out, err := strip(obj)
	if err != nil {
		t.Fatal(err)
	}
	return out.(T)
}

// Which change asks for what.
func TestChanges(t *testing.T) {
	service := types.NamespacedName{Namespace: "ns", Name: "s"}
	slice := func(edit func(*discoveryv1.EndpointSlice)) *discoveryv1.EndpointSlice {
		s := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s-1", Labels: map[string]string{discoveryv1.LabelServiceName: "s"}},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}},
		}
		edit(s)
		return s
	}
	same := slice(func(*discoveryv1.EndpointSlice) {})
	for name, test := range map[string]struct {
		change func(*Cluster)
		want   changes
	}{
		"an Ingress's spec": {
			func(c *Cluster) { c.ingressChanged(new(ingress(1, "")), new(ingress(2, ""))) }, changes{routes: true},
		},
		"an Ingress's annotation": {
			func(c *Cluster) { c.ingressChanged(new(ingress(1, "")), new(ingress(1, "x"))) }, changes{routes: true},
		},
		"an Ingress's status": {
			func(c *Cluster) { c.ingressChanged(new(ingress(1, "")), new(ingress(1, ""))) }, changes{status: true},
		},
		"a Service's ports": {
			func(c *Cluster) {
				c.serviceChanged(new(&corev1.Service{}), new(&corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}}}))
			}, changes{routes: true},
		},
		"a Service's address": {
			func(c *Cluster) {
				with := &corev1.Service{}
				with.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
				c.serviceChanged(new(&corev1.Service{}), new(with))
			}, changes{status: true},
		},
		"nothing of a Service that is read": {
			func(c *Cluster) { c.serviceChanged(new(&corev1.Service{}), new(&corev1.Service{})) }, changes{},
		},
		"an endpoint": {
			func(c *Cluster) {
				c.endpointSliceChanged(&same, new(slice(func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses[0] = "10.0.0.2" })))
			}, changes{services: names{service: {}}},
		},
		"nothing of an EndpointSlice that is read": {
			func(c *Cluster) { c.endpointSliceChanged(&same, new(slice(func(*discoveryv1.EndpointSlice) {}))) }, changes{},
		},
		"a slice that goes": {
			func(c *Cluster) { c.endpointSliceChanged(&same, nil) }, changes{services: names{service: {}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Cluster{queue: newQueue()}
			test.change(c)
			got := c.queue.take()
			if got.routes != test.want.routes || got.status != test.want.status || len(got.services) != len(test.want.services) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func ingress(generation int64, annotation string) *networkingv1.Ingress {
	ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "i", Generation: generation}}
	if annotation != "" {
		ing.Annotations = map[string]string{annotation: ""}
	}
	return ing
}
