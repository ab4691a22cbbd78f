//go:build apiserver

package main

import (
	"fmt"
	"net/netip"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/internal/kubetest"
	"github.com/shockwave-ingress/shockwave/test/conformance/ingress"
)

// cluster is a site that reads an API server.
type cluster struct {
	*program
	server *kubetest.Server
}

func (c cluster) HTTP() string  { return c.http }
func (c cluster) HTTPS() string { return c.https }

func (c cluster) Endpoint(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(inCluster, a.Port())
}

func (c cluster) Apply(t *testing.T, yaml string) {
	t.Helper()
	c.server.Apply(t, "default", yaml)
}

// CheckNoStatus waits until the Ingress "ours" beside it has its status: the
// other one would have it by then.
func (c cluster) CheckNoStatus(t *testing.T, name string) {
	t.Helper()
	status := func(name string) (int, error) {
		var ing networkingv1.Ingress
		err := c.server.Client.Get(t.Context(), types.NamespacedName{Namespace: "default", Name: name}, &ing)
		return len(ing.Status.LoadBalancer.Ingress), err
	}
	kubetest.Eventually(t, func() error {
		n, err := status("ours")
		if err == nil && n == 0 {
			err = fmt.Errorf("the Ingress of our class has no status")
		}
		return err
	})
	if n, err := status(name); err != nil || n != 0 {
		t.Errorf("Ingress %s has %d addresses in its status, %v", name, n, err)
	}
}

func TestConformance(t *testing.T) {
	server, kubeconfig := startServer(t)
	site := cluster{server: server, program: controllerOn(t, "", "--manifests=", "--kubeconfig="+kubeconfig,
		"--publish-status-address=192.0.2.9", "--election-ttl=3s")}
	for _, s := range ingress.Scenarios {
		t.Run(s.Feature+"/"+s.Name, func(t *testing.T) { ingress.Run(t, site, s) })
	}
}
