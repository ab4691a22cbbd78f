//go:build apiserver

package apiserver

import (
	"fmt"
	"os"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/internal/kubetest"
)

// controllerAccount makes the ServiceAccount of config/rbac with its rights and
// returns how it reaches the API server.
func controllerAccount(t *testing.T, s *kubetest.Server) *rest.Config {
	t.Helper()
	s.Apply(t, "", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shockwave}\n")
	for _, name := range []string{"role.yaml", "bindings.yaml"} {
		text, err := os.ReadFile("../../config/rbac/" + name)
		must(t, err)
		s.Apply(t, "shockwave", string(text))
	}
	return s.ServiceAccount(t, "shockwave", "shockwave")
}

// The whole control plane works with the rights of config/rbac: it publishes,
// leads, and writes addresses, Events and conditions.
func TestRightsAreEnough(t *testing.T) {
	s := kubetest.Cluster(t)
	account := controllerAccount(t, s)
	ns, settings := s.Namespace(t), class(t, s)
	settings.ConfigMap = types.NamespacedName{Namespace: "shockwave", Name: "controller"}
	s.Apply(t, "shockwave", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: controller}\ndata: {proxy-read-timeout: '7'}\n")
	listeners := settings.IngressClass + "-listeners"
	s.Apply(t, ns, fmt.Sprintf("apiVersion: shockwave.dev/v1alpha1\nkind: ListenerConfig\nmetadata: {name: %s}\n---\n"+
		"apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: %s}\nspec: {controller: %s, parameters: {apiGroup: shockwave.dev, kind: ListenerConfig, name: %s}}\n",
		listeners, settings.IngressClass+"-two", settings.ControllerClass, listeners))
	settings.IngressClass += "-two"
	pair := keypair.New(t, "a.example")
	s.Create(t, tlsSecret(ns, "cert", pair))
	s.Apply(t, ns, shop(settings.IngressClass, "a", "a.example")+"  tls: [{hosts: [a.example], secretName: cert}]\n")

	r := run(t, setup{config: account, settings: settings, status: election("shockwave", "pod-a", "192.0.2.1")})
	kubetest.Eventually(t, r.hasCertificate(ns+"/cert", pair.Cert))
	must(t, r.state(func() error {
		if got := r.host("a.example").Routes[0].Options.ReadTimeout.Seconds(); got != 7 {
			return fmt.Errorf("the ConfigMap's timeout is %v s", got)
		}
		return nil
	}))
	kubetest.Eventually(t, shows(t, s, ns, "a", "192.0.2.1"))
	kubetest.Eventually(t, func() error {
		var events corev1.EventList
		must(t, s.Client.List(t.Context(), &events, client.InNamespace(ns)))
		if len(events.Items) == 0 {
			return fmt.Errorf("no Event about the missing Service")
		}
		return nil
	})
	kubetest.Eventually(t, func() error {
		var config v1alpha1.ListenerConfig
		must(t, s.Client.Get(t.Context(), types.NamespacedName{Name: listeners}, &config))
		if !meta.IsStatusConditionTrue(config.Status.Conditions, v1alpha1.ConditionProgrammed) {
			return fmt.Errorf("conditions %+v", config.Status.Conditions)
		}
		return nil
	})
	r.stop()
	// a second term finds its Lease and its Events
	r = run(t, setup{config: account, settings: settings, status: election("shockwave", "pod-b", "192.0.2.2")})
	kubetest.Eventually(t, shows(t, s, ns, "a", "192.0.2.2"))
}

// Nothing beyond reading and the writing of status and Events is allowed.
func TestRightsAreLeast(t *testing.T) {
	s := kubetest.Cluster(t)
	account, err := client.New(controllerAccount(t, s), client.Options{})
	must(t, err)
	may := func(verb, group, resource, namespace string) bool {
		resource, subresource, _ := strings.Cut(resource, "/")
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Subresource: subresource, Namespace: namespace},
		}}
		must(t, account.Create(t.Context(), review))
		return review.Status.Allowed
	}
	allowed := map[string]bool{
		"patch networking.k8s.io ingresses/status":   true,
		"patch shockwave.dev listenerconfigs/status": true,
		"create  events": true,
		"patch  events":  true,
		"create coordination.k8s.io leases in shockwave": true,
	}
	for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection", "impersonate", "escalate", "bind"} {
		for _, r := range [][2]string{
			{"", "secrets"}, {"", "configmaps"}, {"", "services"}, {"", "services/status"}, {"", "events"},
			{"", "pods"}, {"", "pods/exec"}, {"", "nodes"}, {"", "serviceaccounts/token"}, {"", "namespaces"}, {"", "users"},
			{"networking.k8s.io", "ingresses"}, {"networking.k8s.io", "ingresses/status"}, {"networking.k8s.io", "ingressclasses"},
			{"discovery.k8s.io", "endpointslices"}, {"shockwave.dev", "listenerconfigs"}, {"shockwave.dev", "listenerconfigs/status"},
			{"rbac.authorization.k8s.io", "clusterroles"}, {"rbac.authorization.k8s.io", "rolebindings"}, {"coordination.k8s.io", "leases"},
			{"apps", "deployments"}, {"admissionregistration.k8s.io", "validatingwebhookconfigurations"},
		} {
			for _, namespace := range []string{"", "shockwave", "default"} {
				what := verb + " " + r[0] + " " + r[1]
				if want := allowed[what] || allowed[what+" in "+namespace]; may(verb, r[0], r[1], namespace) != want {
					t.Errorf("%s in %q: allowed %v, want %v", what, namespace, !want, want)
				}
			}
		}
	}
	// the node that a replica runs on tells its zone
	if !may("get", "", "nodes", "") {
		t.Error("get nodes is needed")
	}
	for _, resource := range []string{"pods", "nodes", "namespaces", "serviceaccounts"} {
		for _, verb := range []string{"get", "list", "watch"} {
			if resource+verb != "nodesget" && may(verb, "", resource, "default") {
				t.Errorf("%s %s is allowed and not needed", verb, resource)
			}
		}
	}
	// and what a review says holds
	err = account.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "x"}})
	if err == nil {
		t.Error("a Secret could be written")
	}
}
