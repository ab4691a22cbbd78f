package annotation

import (
	"slices"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestInEffect(t *testing.T) {
	const nginx, other = DefaultNginxPrefix + "/", "example.com/"
	got := NewReader("", nil).InEffect(model.ObjectRef{Kind: ingressKind, Namespace: "default", Name: "a"}, map[string]string{
		nginx + "proxy-body-size":       "8m",
		nginx + "proxy-read-timeout":    " 30 ",
		nginx + "proxy-send-timeout":    "soon",
		nginx + "load-balance":          "ewma", // ours wins
		Prefix + "/load-balance":        "random",
		nginx + "request-timeout":       "5", // not of ingress-nginx
		nginx + "keep-alive":            "5",
		Prefix + "/keep-alive":          "5", // of listeners
		nginx + "unheard-of":            "1",
		other + "proxy-buffering":       "on",
		Prefix + "/session-cookie-name": "a;b",
	})
	want := []Given{{nginx + "proxy-body-size", "8m"}, {nginx + "proxy-read-timeout", " 30 "}, {Prefix + "/load-balance", "random"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// On a canary counts what says which requests it gets, and what is about its endpoints.
func TestInEffectOnACanary(t *testing.T) {
	const nginx = DefaultNginxPrefix + "/"
	annotations := map[string]string{
		nginx + "canary":           "true",
		nginx + "canary-weight":    "10",
		nginx + "canary-by-cookie": "a;b",
		nginx + "load-balance":     "ewma",
		nginx + "proxy-body-size":  "8m",
		nginx + "affinity":         "cookie",
	}
	ref := model.ObjectRef{Kind: ingressKind, Namespace: "default", Name: "a"}
	got := NewReader("", nil).InEffect(ref, annotations)
	want := []Given{{nginx + "canary", "true"}, {nginx + "canary-weight", "10"}, {nginx + "load-balance", "ewma"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	annotations[nginx+"canary"] = "false"
	got = NewReader("", nil).InEffect(ref, annotations)
	want = []Given{{nginx + "affinity", "cookie"}, {nginx + "load-balance", "ewma"}, {nginx + "proxy-body-size", "8m"}}
	if !slices.Equal(got, want) {
		t.Errorf("no canary: got %v, want %v", got, want)
	}
}
