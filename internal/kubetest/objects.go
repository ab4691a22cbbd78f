package kubetest

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Namespace makes a namespace of the test's own and returns its name.
func (s *Server) Namespace(t testing.TB) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := s.Client.Create(t.Context(), ns); err != nil {
		t.Fatalf("create namespace: %v", err)
	}
	return ns.Name
}

// Create creates an object and removes it after the test.
func (s *Server) Create(t testing.TB, obj client.Object) {
	t.Helper()
	if err := s.Client.Create(t.Context(), obj); err != nil {
		t.Fatalf("create %T %s: %v", obj, client.ObjectKeyFromObject(obj), err)
	}
	t.Cleanup(func() { s.remove(t, obj) })
}

// remove deletes an object. A namespace stays: there is no controller that would
// empty it, so one that was deleted could never be made again.
func (s *Server) remove(t testing.TB, obj client.Object) {
	t.Helper()
	if obj.GetObjectKind().GroupVersionKind().Kind == "Namespace" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Client.Delete(ctx, obj); err != nil && !apierrors.IsNotFound(err) {
		t.Errorf("delete %T %s: %v", obj, client.ObjectKeyFromObject(obj), err)
	}
}

// Delete deletes an object.
func (s *Server) Delete(t testing.TB, obj client.Object) {
	t.Helper()
	if err := s.Client.Delete(t.Context(), obj); err != nil {
		t.Fatalf("delete %T %s: %v", obj, client.ObjectKeyFromObject(obj), err)
	}
}

// Apply creates or changes the objects of a YAML text by server-side apply, as
// `kubectl apply --server-side -n namespace` would, and removes them after the
// test.
func (s *Server) Apply(t testing.TB, namespace, text string) {
	t.Helper()
	for doc := range strings.SplitSeq("\n"+text, "\n---") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), obj); err != nil {
			t.Fatalf("apply: %v\n%s", err, doc)
		}
		namespaced, err := s.Client.IsObjectNamespaced(obj)
		if err != nil {
			t.Fatalf("apply %s %s: %v", obj.GetKind(), obj.GetName(), err)
		}
		if namespaced && obj.GetNamespace() == "" {
			obj.SetNamespace(namespace)
		}
		err = s.Client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner("kubetest"), client.ForceOwnership)
		if err != nil {
			t.Fatalf("apply %s %s: %v", obj.GetKind(), obj.GetName(), err)
		}
		t.Cleanup(func() { s.remove(t, obj) })
	}
}

// Endpoints makes, or changes, the EndpointSlice of one port of a Service, as
// the endpoint slice controller would. The API server refuses loopback
// addresses.
func (s *Server) Endpoints(t testing.TB, namespace, service, portName string, port int32, addresses ...string) {
	t.Helper()
	byFamily := map[discoveryv1.AddressType][]string{discoveryv1.AddressTypeIPv4: nil, discoveryv1.AddressTypeIPv6: nil}
	for _, text := range addresses {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			t.Fatalf("endpoints of %s: %v", service, err)
		}
		family := discoveryv1.AddressTypeIPv4
		if addr.Is6() {
			family = discoveryv1.AddressTypeIPv6
		}
		byFamily[family] = append(byFamily[family], text)
	}
	for family, list := range byFamily {
		var b strings.Builder
		fmt.Fprintf(&b, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: %s\n", family)
		fmt.Fprintf(&b, "metadata: {name: %s-%s-%d, labels: {kubernetes.io/service-name: %s}}\n",
			service, strings.ToLower(string(family)), port, service)
		fmt.Fprintf(&b, "ports: [{name: %q, port: %d, protocol: TCP}]\nendpoints:\n", portName, port)
		for i, address := range list {
			fmt.Fprintf(&b, "- {addresses: [%q], conditions: {ready: true}, targetRef: {kind: Pod, name: %s-%d, namespace: %s}}\n", address, service, i, namespace)
		}
		if len(list) == 0 {
			if family == discoveryv1.AddressTypeIPv6 {
				continue
			}
			b.WriteString("  []\n")
		}
		s.Apply(t, namespace, b.String())
	}
}

// ServiceAccount makes a ServiceAccount and returns a config that reaches the
// API server as that account, with a token of its own.
func (s *Server) ServiceAccount(t testing.TB, namespace, name string) *rest.Config {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	s.Create(t, account)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(3600))}}
	if err := s.Client.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatalf("token of %s: %v", name, err)
	}
	config := rest.AnonymousClientConfig(s.Config)
	config.BearerToken = request.Status.Token
	return config
}

// Eventually waits until check returns nil and fails with its last error after
// a time that is long even on a busy machine.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
