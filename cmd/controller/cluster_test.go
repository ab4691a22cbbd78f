//go:build apiserver

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/shockwave-ingress/shockwave/internal/kubetest"
)

// startServer starts an API server and returns it with a kubeconfig for it.
func startServer(t *testing.T) (*kubetest.Server, string) {
	t.Helper()
	server, err := kubetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, server.Kubeconfig(), 0o600); err != nil {
		t.Fatal(err)
	}
	return server, kubeconfig
}

// The program against a real API server, from start to a clean end.
func TestAgainstAnAPIServer(t *testing.T) {
	server, kubeconfig := startServer(t)
	namespace := server.Namespace(t)
	certificate, key, err := selfSigned("shop.example")
	if err != nil {
		t.Fatal(err)
	}
	server.Apply(t, namespace, string(secretManifest("shop-tls", certificate, key)))
	server.Apply(t, namespace, `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shockwave}
spec: {controller: shockwave.dev/ingress-controller}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations: {shockwave.dev/proxy-read-timeot: "5"}
spec:
  ingressClassName: shockwave
  tls: [{hosts: [shop.example], secretName: shop-tls}]
  rules:
  - host: shop.example
    http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}
`)
	p := controllerOn(t, "", "--manifests=", "--kubeconfig="+kubeconfig, "--publish-status-address=192.0.2.9,lb.example",
		"--election-ttl=3s")

	for path, want := range map[string]int{"/cart": 503, "/": 404} {
		if status, _ := p.get("shop.example", path); status != want {
			t.Errorf("%s is %d, want %d", path, status, want)
		}
	}
	if cn := p.shown("shop.example").Subject.CommonName; cn != "shop.example" {
		t.Errorf("the certificate of %s is shown", cn)
	}
	if status, _ := p.page("/readyz"); status != 200 {
		t.Errorf("/readyz is %d", status)
	}

	out, err := shockwave(t, "", "check", "--kubeconfig="+kubeconfig)
	if err == nil || err.Error() != "there is 1 problem" || !strings.Contains(out, "Ingress "+namespace+"/shop  class shockwave  CHANGES\n  path       shop.example/cart  prefix  "+namespace+"/cart:80\n") {
		t.Errorf("check: %v\n%s", err, out)
	}

	shop := types.NamespacedName{Namespace: namespace, Name: "shop"}
	kubetest.Eventually(t, func() error {
		var ing networkingv1.Ingress
		if err := server.Client.Get(t.Context(), shop, &ing); err != nil {
			return err
		}
		if lb := ing.Status.LoadBalancer.Ingress; len(lb) != 2 {
			return fmt.Errorf("status has %v", lb)
		}
		return nil
	})
	kubetest.Eventually(t, func() error {
		var events corev1.EventList
		if err := server.Client.List(t.Context(), &events, client.InNamespace(namespace)); err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.InvolvedObject.Name == "shop" && e.Reason == "UnknownAnnotation" {
				return nil
			}
		}
		return fmt.Errorf("%d events, none about the annotation", len(events.Items))
	})
	if _, page := p.page("/metrics"); !strings.Contains(page, `name="shockwave-leader"} 1`) {
		t.Error("the leader does not say that it leads")
	}

	// A change is served.
	var ing networkingv1.Ingress
	if err := server.Client.Get(t.Context(), shop, &ing); err != nil {
		t.Fatal(err)
	}
	ing.Spec.Rules[0].HTTP.Paths[0].Path = "/basket"
	if err := server.Client.Update(t.Context(), &ing); err != nil {
		t.Fatal(err)
	}
	took := p.eventually("/basket is served", 10*time.Second, func() bool {
		status, _ := p.get("shop.example", "/basket")
		return status == 503
	})
	t.Logf("from update to served: %v", took)
	if status, _ := p.get("shop.example", "/cart"); status != 404 {
		t.Errorf("/cart is still there: %d", status)
	}

	p.signal(syscall.SIGTERM)
	if status := p.wait(20 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
	kubetest.Eventually(t, func() error {
		lease := coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shockwave-leader"}}
		if err := server.Client.Get(t.Context(), client.ObjectKeyFromObject(&lease), &lease); err != nil {
			return err
		}
		if lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "" {
			return errors.New("the lease is still held by " + *lease.Spec.HolderIdentity)
		}
		return nil
	})
}
