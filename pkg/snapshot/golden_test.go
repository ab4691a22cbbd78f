package snapshot

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// TestPagesCompile compiles what translation makes of each of its pages (see
// pkg/translate/testdata/README.md): Compile cannot fail on what Build accepts.
// Each is compiled after the one before it, and so with a predecessor that has
// little to do with it.
func TestPagesCompile(t *testing.T) {
	pages, err := filepath.Glob("../translate/testdata/*.txt")
	if err != nil || len(pages) < 50 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	st := newState()
	var prev *Snapshot
	for _, page := range pages {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".txt"), func(t *testing.T) {
			built := buildPage(t, page)
			next := st.compile(t, built, prev)
			checkServed(t, next)
			st.reg.Retain(next.Wants)
			prev = next
		})
	}
}

// checkServed looks up each route of the model under its own host and path.
func checkServed(t *testing.T, s *Snapshot) {
	t.Helper()
	for i := range s.Config.Hosts {
		h := &s.Config.Hosts[i]
		for j := range h.Routes {
			r := &h.Routes[j]
			if r.Match == model.Pattern {
				continue // it stands for other paths than itself
			}
			name := strings.Replace(h.Name, "*", "any", 1)
			got := s.Route([]byte(name), []byte(r.Path))
			if got == nil {
				t.Errorf("%s%s is not served", h.Name, r.Path)
				continue
			}
			if r.Match == model.Exact && (got.Path != r.Path || got.Service != r.Upstream.Service || got.Denied != (r.Denied != "")) {
				t.Errorf("%s%s is served by %+v", h.Name, r.Path, *got)
			}
			if (got.Upstream == nil) != (got.Denied || got.Service == "") {
				t.Errorf("%s%s: upstream %v of %+v", h.Name, r.Path, got.Upstream, *got)
			}
		}
	}
}

func buildPage(t *testing.T, page string) *model.Config {
	t.Helper()
	archive, err := txtar.ParseFile(page)
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, f := range archive.Files {
		sections[f.Name] = string(f.Data)
	}
	config, _ := build(t, sections["objects.yaml"], sections["settings"])
	return config
}

// build translates the objects of a page, with the settings that it has.
func build(t *testing.T, objects, differing string) (*model.Config, model.Endpoints) {
	t.Helper()
	objs := new(translate.Objects)
	settings := translate.Settings{
		ControllerClass:          "shockwave.dev/ingress-controller",
		IngressClass:             "shockwave",
		WatchIngressWithoutClass: true,
		AnnotationsPrefix:        "nginx.ingress.kubernetes.io",
	}
	read(t, differing, &settings)
	for document := range strings.SplitSeq(objects, "\n---\n") {
		addObject(t, objs, document)
	}
	config, _ := translate.Build(objs, settings)
	return config, translate.EndpointsOf(objs, config)
}

// addObject reads one document. Kinds that traffic does not depend on are left
// out.
func addObject(t *testing.T, objs *translate.Objects, document string) {
	t.Helper()
	var head struct{ Kind string }
	if err := yaml.Unmarshal([]byte(document), &head); err != nil {
		t.Fatal(err)
	}
	switch head.Kind {
	case "Ingress":
		o := read(t, document, new(networkingv1.Ingress))
		o.Namespace = inDefault(o.Namespace)
		objs.Ingresses = append(objs.Ingresses, o)
	case "IngressClass":
		objs.IngressClasses = append(objs.IngressClasses, read(t, document, new(networkingv1.IngressClass)))
	case "Service":
		o := read(t, document, new(corev1.Service))
		o.Namespace = inDefault(o.Namespace)
		objs.Services = append(objs.Services, o)
	case "EndpointSlice":
		o := read(t, document, new(discoveryv1.EndpointSlice))
		o.Namespace = inDefault(o.Namespace)
		objs.EndpointSlices = append(objs.EndpointSlices, o)
	case "ConfigMap":
		o := read(t, document, new(corev1.ConfigMap))
		o.Namespace = inDefault(o.Namespace)
		objs.ConfigMaps = append(objs.ConfigMaps, o)
	case "ListenerConfig":
		objs.ListenerConfigs = append(objs.ListenerConfigs, read(t, document, new(v1alpha1.ListenerConfig)))
	case "Secret":
		o := read(t, document, new(corev1.Secret))
		o.Namespace = inDefault(o.Namespace)
		fillSecret(t, o)
		objs.Secrets = append(objs.Secrets, o)
	}
}

func read[T any](t *testing.T, document string, into T) T {
	t.Helper()
	if err := yaml.Unmarshal([]byte(document), into); err != nil {
		t.Fatal(err)
	}
	return into
}

func inDefault(namespace string) string {
	if namespace == "" {
		return "default"
	}
	return namespace
}

// fillSecret gives a Secret the key pair that it asks for, for the names that it
// lists; other words, about its validity, do not matter here.
func fillSecret(t *testing.T, s *corev1.Secret) {
	t.Helper()
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	for k, v := range s.StringData {
		if k != "certificate" {
			s.Data[k] = []byte(v)
			continue
		}
		var names []string
		for _, word := range strings.Fields(v) {
			if !strings.Contains(word, "=") {
				names = append(names, word)
			}
		}
		pair := certificate(t, s.Name, names...)
		s.Data["tls.crt"], s.Data["tls.key"] = pair.Cert, pair.Key
	}
}
