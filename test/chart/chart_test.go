package chart

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// object is one rendered manifest.
type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	raw []byte
}

// rendered reads a file of manifests.
func rendered(t *testing.T, path string) []object {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []object
	for r := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content))); ; {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var o object
		if err := sigsyaml.Unmarshal(doc, &o); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if o.Kind != "" {
			o.raw = doc
			objects = append(objects, o)
		}
	}
}

// find decodes the only object of a kind and name; an empty name is any.
func find[T any](t *testing.T, objects []object, kind, name string) T {
	t.Helper()
	var found []object
	for _, o := range objects {
		if o.Kind == kind && (name == "" || o.Metadata.Name == name) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects %s %q, want 1", len(found), kind, name)
	}
	var v T
	if err := sigsyaml.UnmarshalStrict(found[0].raw, &v); err != nil {
		t.Fatalf("%s %s: %v", kind, name, err)
	}
	return v
}

// pods gives the pod template of each golden file.
func pods(t *testing.T) map[string]corev1.PodTemplateSpec {
	t.Helper()
	files, err := filepath.Glob("golden/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	templates := map[string]corev1.PodTemplateSpec{}
	for _, file := range files {
		objects := rendered(t, file)
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if slices.ContainsFunc(objects, func(o object) bool { return o.Kind == "DaemonSet" }) {
			templates[name] = find[appsv1.DaemonSet](t, objects, "DaemonSet", "").Spec.Template
		} else {
			templates[name] = find[appsv1.Deployment](t, objects, "Deployment", "").Spec.Template
		}
	}
	return templates
}

// Whatever the values, the container has no more power than it needs.
func TestContainerIsConfined(t *testing.T) {
	for name, pod := range pods(t) {
		t.Run(name, func(t *testing.T) {
			c := pod.Spec.Containers[0].SecurityContext
			if c == nil {
				t.Fatal("no security context")
			}
			if c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation {
				t.Error("privileges may be escalated")
			}
			if c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem {
				t.Error("the root file system is writable")
			}
			if c.SeccompProfile == nil || c.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Error("no seccomp profile")
			}
			want := &corev1.Capabilities{Add: []corev1.Capability{"NET_BIND_SERVICE"}, Drop: []corev1.Capability{"ALL"}}
			if diff := cmp.Diff(want, c.Capabilities); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
			// Only who asked for root in the node's network gets it.
			if root := *c.RunAsUser == 0; root != (name == "daemonset") || *c.RunAsNonRoot == root {
				t.Errorf("runAsUser %d, runAsNonRoot %t", *c.RunAsUser, *c.RunAsNonRoot)
			}
		})
	}
}

// An ordinary user may listen on the ports, in every value set.
func TestPortsCanBeBound(t *testing.T) {
	for name, pod := range pods(t) {
		low := slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort < 1024 })
		opened := pod.Spec.SecurityContext != nil && slices.Contains(pod.Spec.SecurityContext.Sysctls,
			corev1.Sysctl{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"})
		root := *pod.Spec.Containers[0].SecurityContext.RunAsUser == 0
		if low && !opened && !root {
			t.Errorf("%s: ports below 1024, and nothing opens them", name)
		}
		if opened && pod.Spec.HostNetwork {
			t.Errorf("%s: the kubelet refuses network sysctls with hostNetwork", name)
		}
	}
}

// Traffic comes when the first snapshot is served, and not before.
func TestProbes(t *testing.T) {
	for name, pod := range pods(t) {
		c := pod.Spec.Containers[0]
		port := slices.IndexFunc(c.Args, func(arg string) bool { return strings.HasPrefix(arg, "--healthz-port=") })
		if port < 0 {
			t.Fatalf("%s: no --healthz-port in %q", name, c.Args)
		}
		want := strings.TrimPrefix(c.Args[port], "--healthz-port=")
		for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.String() != want {
				t.Errorf("%s: probe %+v, want GET %s on %s", name, probe, path, want)
			}
		}
	}
}

// An upgrade of an ingress-nginx release patches its objects in place: names
// and selectors, which cannot change, are the old ones.
func TestUpgradeFromIngressNginx(t *testing.T) {
	objects := rendered(t, "golden/reuse-ingress-nginx.yaml")
	selector := map[string]string{
		"app.kubernetes.io/name":      "ingress-nginx",
		"app.kubernetes.io/instance":  "ingress-nginx",
		"app.kubernetes.io/component": "controller",
	}
	deployment := find[appsv1.Deployment](t, objects, "Deployment", "ingress-nginx-controller")
	if diff := cmp.Diff(selector, deployment.Spec.Selector.MatchLabels); diff != "" {
		t.Errorf("Deployment selector (-want +got):\n%s", diff)
	}
	service := find[corev1.Service](t, objects, "Service", "ingress-nginx-controller")
	if diff := cmp.Diff(selector, service.Spec.Selector); diff != "" {
		t.Errorf("Service selector (-want +got):\n%s", diff)
	}
	class := find[networkingv1.IngressClass](t, objects, "IngressClass", "nginx")
	if class.Spec.Controller != "k8s.io/ingress-nginx" {
		t.Errorf("IngressClass of controller %s", class.Spec.Controller)
	}
	c := deployment.Spec.Template.Spec.Containers[0]
	if strings.Contains(c.Image, "nginx") {
		t.Errorf("image %s is still ingress-nginx's", c.Image)
	}
	if c.Lifecycle != nil {
		t.Errorf("hook %+v runs a program that the image does not have", c.Lifecycle)
	}
	for _, want := range []string{
		"--controller-class=k8s.io/ingress-nginx",
		"--ingress-class=nginx",
		"--publish-service=$(POD_NAMESPACE)/ingress-nginx-controller",
		"--configmap=$(POD_NAMESPACE)/ingress-nginx-controller",
		"--default-ssl-certificate=certificates/wildcard",
	} {
		if !slices.Contains(c.Args, want) {
			t.Errorf("%s is missing in %q", want, c.Args)
		}
	}
}

// Nobody but status and events is written, and no Secret can be.
func TestLeastPrivilege(t *testing.T) {
	objects := rendered(t, "golden/default.yaml")
	writable := map[string]bool{
		"ingresses/status": true, "listenerconfigs/status": true, "events": true, "leases": true,
	}
	rules := find[rbacv1.ClusterRole](t, objects, "ClusterRole", "").Rules
	rules = append(rules, find[rbacv1.Role](t, objects, "Role", "").Rules...)
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			for _, resource := range rule.Resources {
				switch verb {
				case "get", "list", "watch":
				case "create", "update", "patch":
					if !writable[resource] {
						t.Errorf("%s may be written with %s", resource, verb)
					}
				default:
					t.Errorf("verb %q on %s", verb, resource)
				}
			}
		}
	}
}

// The chart grants what config/rbac grants, and the tests against a real API
// server run with the latter.
func TestRulesAreThoseOfConfig(t *testing.T) {
	chart, config := rendered(t, "golden/default.yaml"), rendered(t, "../../config/rbac/role.yaml")
	want := find[rbacv1.ClusterRole](t, config, "ClusterRole", "").Rules
	got := find[rbacv1.ClusterRole](t, chart, "ClusterRole", "").Rules
	if diff := cmp.Diff(permissions(want), permissions(got)); diff != "" {
		t.Errorf("ClusterRole (-config/rbac +chart):\n%s", diff)
	}
	// The Lease's name differs: the chart's follows the release.
	wantRole := find[rbacv1.Role](t, config, "Role", "").Rules
	gotRole := find[rbacv1.Role](t, chart, "Role", "").Rules
	for _, rules := range [][]rbacv1.PolicyRule{wantRole, gotRole} {
		for i := range rules {
			if len(rules[i].ResourceNames) > 0 {
				rules[i].ResourceNames = []string{"the Lease"}
			}
		}
	}
	if diff := cmp.Diff(permissions(wantRole), permissions(gotRole)); diff != "" {
		t.Errorf("Role (-config/rbac +chart):\n%s", diff)
	}
}

// permissions spells rules out, one line for each verb on each resource.
func permissions(rules []rbacv1.PolicyRule) []string {
	var lines []string
	for _, rule := range rules {
		names := strings.Join(rule.ResourceNames, ",")
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					lines = append(lines, strings.TrimSpace(verb+" "+group+"/"+resource+" "+names))
				}
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// The schema of the values accepts each allocation mode, and no word for the
// program's default.
func TestAllocationModesOfTheSchema(t *testing.T) {
	text, err := os.ReadFile("../../charts/shockwave/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Controller struct {
				Properties struct {
					AllocationMode struct{ Enum []string }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	want := append([]string{""}, alloc.Names()...)
	if got := schema.Properties.Controller.Properties.AllocationMode.Enum; !slices.Equal(got, want) {
		t.Errorf("controller.allocationMode is one of %q, want %q", got, want)
	}
}

// The chart carries the CRDs that config/crd has.
func TestCRDsAreThoseOfConfig(t *testing.T) {
	files, err := filepath.Glob("../../config/crd/shockwave.dev_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs in config/crd: %v", err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../charts/shockwave/files/crds", filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs in the chart; make crd copies it:\n%s", filepath.Base(file), diff)
		}
	}
}

// The plain manifests run the very pod that the chart runs by default.
func TestPodIsThatOfConfig(t *testing.T) {
	chart := find[appsv1.Deployment](t, rendered(t, "golden/default.yaml"), "Deployment", "").Spec
	config := find[appsv1.Deployment](t, rendered(t, "../../config/controller/deployment.yaml"), "Deployment", "").Spec
	// Overlays and kustomize's images set the tag.
	chart.Template.Spec.Containers[0].Image, _, _ = strings.Cut(chart.Template.Spec.Containers[0].Image, ":")
	if diff := cmp.Diff(config.Template.Spec, chart.Template.Spec); diff != "" {
		t.Errorf("pod (-config +chart):\n%s", diff)
	}
	if diff := cmp.Diff(config.Strategy, chart.Strategy); diff != "" {
		t.Errorf("strategy (-config +chart):\n%s", diff)
	}
}
