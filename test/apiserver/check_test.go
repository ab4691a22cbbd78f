//go:build apiserver

package apiserver

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/internal/kubetest"
	"github.com/shockwave-ingress/shockwave/pkg/check"
	"github.com/shockwave-ingress/shockwave/pkg/reconcile"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// List reads with the controller's rights what a Build needs, and says which Secrets
// somebody with fewer rights could not read.
func TestListOnce(t *testing.T) {
	s := kubetest.Cluster(t)
	ns, settings := s.Namespace(t), class(t, s)
	settings.WatchNamespace = ns
	pair := keypair.New(t, "a.example")
	s.Create(t, tlsSecret(ns, "cert", pair))
	s.Apply(t, ns, shopService+"---\n"+shop(settings.IngressClass, "a", "a.example")+"  tls: [{hosts: [a.example], secretName: cert}]\n")

	how := check.Options{Complete: true, ClassGiven: true}
	want := func(objs *translate.Objects) translate.Settings { return check.Settings(objs, settings, how) }
	objs, unread, err := reconcile.List(t.Context(), controllerAccount(t, s), settings, want)
	must(t, err)
	if len(unread) > 0 {
		t.Errorf("not read: %v", unread)
	}
	report := check.Objects(objs, settings, how)
	if report.Totals.Works != 1 || len(report.Config.Certificates) != 1 || len(report.Ingresses[0].Findings) > 0 {
		t.Errorf("%+v\n%+v", report.Totals, report.Ingresses)
	}

	// An account that may list in one namespace, and read no Secrets.
	s.Apply(t, ns, `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: lister}
rules:
- {apiGroups: [networking.k8s.io, shockwave.dev], resources: [ingressclasses, listenerconfigs], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lister}
rules:
- {apiGroups: ["", networking.k8s.io, discovery.k8s.io], resources: [services, ingresses, endpointslices], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lister}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lister}
subjects: [{kind: ServiceAccount, name: lister, namespace: `+ns+`}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: lister}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: lister}
subjects: [{kind: ServiceAccount, name: lister, namespace: `+ns+`}]
`)
	account := s.ServiceAccount(t, ns, "lister")
	objs, unread, err = reconcile.List(t.Context(), account, settings, want)
	must(t, err)
	if len(unread) != 1 || !strings.Contains(unread[0].Error(), "forbidden") {
		t.Errorf("not read: %v", unread)
	}
	how.Unread = true
	report = check.Objects(objs, settings, how)
	if in := report.Ingresses[0]; in.Verdict != "works" || !slices.Equal(in.Missing, []string{"Secret " + ns + "/cert"}) {
		t.Errorf("%+v", in)
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := reconcile.List(ended, account, settings, want); err == nil {
		t.Error("a list of nothing is no list")
	}
}
