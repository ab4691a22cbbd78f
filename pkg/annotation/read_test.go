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
	v := Defaults()
	result := NewReader("").Ingress(shop, map[string]string{
		"nginx.ingress.kubernetes.io/proxy-read-timeout": "10",
		"nginx.ingress.kubernetes.io/proxy-send-timeout": " 20\n",
		"shockwave.dev/proxy-read-timeout":               "1m",
		"shockwave.dev/upstream-keepalive-connections":   "7",
		"example.com/proxy-connect-timeout":              "1",
		"proxy-connect-timeout":                          "1",
	}, &v)
	want := Defaults()
	want.Options.ReadTimeout, want.Options.SendTimeout, want.Pool.IdleConnections = time.Minute, 20*time.Second, 7
	if v != want || len(result.Problems) > 0 || result.Set != Path|Upstream || result.Denied != "" {
		t.Errorf("values %+v and %+v, want %+v", v, result, want)
	}
}

func TestReaderWithOnePrefixForBoth(t *testing.T) {
	v := Defaults()
	result := NewReader(Prefix+"/").Ingress(shop, map[string]string{
		"shockwave.dev/proxy-read-timeout": "1m",
		"shockwave.dev/auth-url":           "https://auth.example",
	}, &v)
	if v.Options.ReadTimeout != time.Minute || result.Denied == "" || len(result.Problems) != 1 {
		t.Errorf("values %+v and %+v", v, result)
	}
}

// TestProblemsAreBounded: their number and length are up to the author of an
// Ingress.
func TestProblemsAreBounded(t *testing.T) {
	annotations := map[string]string{"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}
	for i := range 10_000 {
		annotations[fmt.Sprintf("nginx.ingress.kubernetes.io/unknown-%d", i)] = "x"
	}
	annotations["shockwave.dev/proxy-read-timeout"] = strings.Repeat("é", 100_000)
	annotations["shockwave.dev/"+strings.Repeat("é", 100_000)] = ""
	v := Defaults()
	result := NewReader("").Ingress(shop, annotations, &v)
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
	v := Defaults()
	if err := Set(&v, "keep-alive", "30s"); err != nil || v.Listener.KeepAliveTimeout != 30*time.Second {
		t.Errorf("keep-alive is %v (%v)", v.Listener.KeepAliveTimeout, err)
	}
	before := v
	for _, text := range [][2]string{{"keep-alive", "x"}, {"no-such", "1"}, {"allocation-mode", "arena"}} {
		if err := Set(&v, text[0], text[1]); err == nil || v != before {
			t.Errorf("Set(%q, %q) = %v, values %+v", text[0], text[1], err, v)
		}
	}
}
