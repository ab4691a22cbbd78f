package model_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestJSON(t *testing.T) {
	cart := model.UpstreamKey{Namespace: "default", Service: "cart", Port: "80"}
	cfg := &model.Config{
		Hosts: []model.Host{{
			Name:        "shop.example",
			Certificate: "default/shop",
			Secured:     true,
			Aliases:     []model.Alias{{Name: "a.example", Certificate: "default/shop", Secured: true}},
			Routes: []model.Route{
				{Path: "/cart", Upstream: cart, Options: model.DefaultOptions(),
					Ingress: model.ObjectRef{Kind: "Ingress", Namespace: "default", Name: "shop", File: "shop.yaml", Line: 3}},
				{Path: "/pay", Match: model.Exact, Denied: "because"},
			},
			Fallback: &model.Route{Upstream: cart},
		}},
		Upstreams:    []model.Upstream{{Key: cart, Policy: model.DefaultPolicy()}},
		Certificates: []model.Certificate{{Name: "default/shop", Cert: []byte("public"), Key: []byte("very-private")}},
		Listener:     model.DefaultListener(),
	}
	out, err := json.Marshal(map[string]any{
		"config":    cfg,
		"endpoints": model.Endpoints{cart: {{Addr: netip.MustParseAddrPort("10.0.0.1:8080"), Pod: "cart-0"}}},
		"problems":  []model.Problem{{Object: model.ObjectRef{Kind: "Ingress", Name: "a"}, Reason: "R", Message: "M."}},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := string(out)
	for _, want := range []string{
		`"name":"shop.example","certificate":"default/shop","secured":true,"aliases":[{"name":"a.example","certificate":"default/shop","secured":true}]`,
		`{"path":"/cart","match":"prefix","upstream":"default/cart:80","ingress":{"kind":"Ingress","namespace":"default","name":"shop","file":"shop.yaml","line":3}`,
		`"proxy-read-timeout":"1m0s"`,
		`{"path":"/pay","match":"exact",`,
		`"denied":"because"`,
		`"fallback":{"upstream":"default/cart:80"`,
		`{"key":"default/cart:80","settings":{"backend-protocol":"HTTP"`,
		`"keep-alive":"1m15s"`,
		`"options":{"profile":"kubernetes","allocation-mode":"standard","allocation-mode-from":"default",`,
		`"listener":{"profile":"kubernetes","allocation-mode":"standard","allocation-mode-from":"default",`,
		`{"name":"default/shop","sha256":"`,
		`"endpoints":{"default/cart:80":[{"address":"10.0.0.1:8080","pod":"cart-0"}]}`,
		`"problems":[{"object":{"kind":"Ingress","name":"a"},"reason":"R","message":"M."}]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "private") || strings.Contains(text, "dmVyeS1wcml2YXRl") {
		t.Error("the private key is written")
	}
}

func TestJSONOfAnEmptyConfigHasLists(t *testing.T) {
	out, err := json.Marshal(&model.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(out), `{"hosts":[],"upstreams":[],"certificates":[],`) {
		t.Errorf("%s", out)
	}
}
