package annotation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var shop = model.ObjectRef{Kind: "Ingress", Namespace: "default", Name: "shop"}

func TestIngressReadsBothPrefixes(t *testing.T) {
	v := Defaults(model.ProfileKubernetes)
	result := NewReader("", nil).Ingress(shop, map[string]string{
		"nginx.ingress.kubernetes.io/proxy-read-timeout": "10",
		"nginx.ingress.kubernetes.io/proxy-send-timeout": " 20\n",
		"shockwave.dev/proxy-read-timeout":               "1m",
		"shockwave.dev/upstream-keepalive-connections":   "7",
		"example.com/proxy-connect-timeout":              "1",
		"proxy-connect-timeout":                          "1",
	}, &v)
	want := Defaults(model.ProfileKubernetes)
	want.Options.ReadTimeout, want.Options.SendTimeout, want.Policy.Pool.IdleConnections = time.Minute, 20*time.Second, 7
	if v != want || len(result.Problems) > 0 || result.Set != Path|Upstream || result.Denied != "" {
		t.Errorf("values %+v and %+v, want %+v", v, result, want)
	}
}

func TestReaderWithOnePrefixForBoth(t *testing.T) {
	v := Defaults(model.ProfileKubernetes)
	result := NewReader(Prefix+"/", nil).Ingress(shop, map[string]string{
		"shockwave.dev/proxy-read-timeout": "1m",
		"shockwave.dev/auth-snippet":       "deny all;",
	}, &v)
	if v.Options.ReadTimeout != time.Minute || result.Denied == "" || len(result.Problems) != 1 {
		t.Errorf("values %+v and %+v", v, result)
	}
}

// TestProblemsAreBounded: their number and length are up to the author of an
// Ingress.
func TestProblemsAreBounded(t *testing.T) {
	annotations := map[string]string{"nginx.ingress.kubernetes.io/whitelist-source-range": "everywhere"}
	for i := range 10_000 {
		annotations[fmt.Sprintf("nginx.ingress.kubernetes.io/unknown-%d", i)] = "x"
	}
	annotations["shockwave.dev/proxy-read-timeout"] = strings.Repeat("é", 100_000)
	annotations["shockwave.dev/"+strings.Repeat("é", 100_000)] = ""
	v := Defaults(model.ProfileKubernetes)
	result := NewReader("", nil).Ingress(shop, annotations, &v)
	if len(result.Problems) != mostProblems+1 {
		t.Errorf("%d Problems, want %d", len(result.Problems), mostProblems+1)
	}
	if result.Denied == "" {
		t.Error("the protecting annotation among them denies nothing")
	}
	for _, p := range result.Problems {
		if len(p.Message) > 500 {
			t.Errorf("a message of %d bytes", len(p.Message))
		}
	}
}

func TestSet(t *testing.T) {
	v := Defaults(model.ProfileKubernetes)
	flag := Source{What: "--flag"}
	if err := Set(&v, "keep-alive", "30s", flag); err != nil || v.Listener.KeepAliveTimeout != 30*time.Second {
		t.Errorf("keep-alive is %v (%v)", v.Listener.KeepAliveTimeout, err)
	}
	before := v
	for _, text := range [][2]string{{"keep-alive", "x"}, {"no-such", "1"}, {"allocation-mode", "heap"}} {
		if err := Set(&v, text[0], text[1], flag); err == nil || v != before {
			t.Errorf("Set(%q, %q) = %v, values %+v", text[0], text[1], err, v)
		}
	}
}

// TestSourceOfTheMode sets the mode from each kind of place.
func TestSourceOfTheMode(t *testing.T) {
	class := model.ObjectRef{Kind: "IngressClass", Name: "edge", File: "class.yaml", Line: 3}
	config := model.ObjectRef{Kind: "ConfigMap", Namespace: "system", Name: "controller"}
	annotations := map[string]string{"shockwave.dev/allocation-mode": "arena"}
	r := NewReader("", nil)
	for _, test := range []struct {
		set  func(v *Values)
		want string
	}{
		{func(*Values) {}, "default"},
		{func(v *Values) { _ = Set(v, "allocation-mode", "arena", Source{What: "--allocation-mode"}) }, "--allocation-mode"},
		{func(v *Values) { r.ConfigMap(config, map[string]string{"allocation-mode": "arena"}, v) }, "key allocation-mode of ConfigMap system/controller"},
		{func(v *Values) { r.Class(class, annotations, v) }, "annotation shockwave.dev/allocation-mode of IngressClass edge"},
		{func(v *Values) { r.Ingress(shop, annotations, v) }, "annotation shockwave.dev/allocation-mode of Ingress default/shop"},
		{func(v *Values) { r.Ingress(shop, map[string]string{"shockwave.dev/allocation-mode": "heap"}, v) }, "default"},
		{func(v *Values) { r.Ingress(shop, map[string]string{"shockwave.dev/proxy-read-timeout": "5"}, v) }, "default"},
	} {
		v := Defaults(model.ProfileKubernetes)
		test.set(&v)
		if v.Options.AllocationModeFrom != test.want || v.Listener.AllocationModeFrom != test.want {
			t.Errorf("from %q and %q, want %q", v.Options.AllocationModeFrom, v.Listener.AllocationModeFrom, test.want)
		}
	}
}
