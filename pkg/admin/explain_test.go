package admin_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/admin"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// explaining are the pages of a snapshot with one route, which has no Service.
func explaining(t *testing.T) string {
	t.Helper()
	config := &model.Config{
		Hosts: []model.Host{{Name: "shop.example", Routes: []model.Route{{
			Path: "/cart", Options: model.DefaultOptions(),
			Ingress: model.ObjectRef{Kind: "Ingress", Namespace: "default", Name: "shop", File: "shop.yaml", Line: 7},
		}}}},
		Listener: model.DefaultListener(),
	}
	s, err := snapshot.Compile(config, nil, upstream.NewRegistry(upstream.Config{}), metrics.New(metrics.Labels{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, admin.Config{Explain: s.Explain})
}

func TestExplain(t *testing.T) {
	at := explaining(t) + "/explain?"
	status, text := get(t, at+"method=GET&url=http://shop.example/cart/7")
	for _, want := range []string{
		"GET http://shop.example/cart/7\n", "is answered 503: there is no such Service or port\n",
		"route  /cart  prefix\n", "Ingress default/shop  shop.yaml:7\n", "connection  standard  (default)\n",
	} {
		if status != 200 || !strings.Contains(text, want) {
			t.Errorf("%d, %q is not in\n%s", status, want, text)
		}
	}
	query := url.Values{"method": {"GET"}, "url": {"/cart"}, "field": {"Host: SHOP.example", "X: y"}, "format": {"json"}}
	status, body := get(t, at+query.Encode())
	var form struct {
		Host   string
		Answer struct{ Status int }
	}
	if err := json.Unmarshal([]byte(body), &form); err != nil || status != 200 {
		t.Fatalf("%d %v\n%s", status, err, body)
	}
	if form.Host != "shop.example" || form.Answer.Status != 503 {
		t.Errorf("%+v", form)
	}
}

func TestExplainMistakes(t *testing.T) {
	at := explaining(t)
	const usage = "ask with /explain?method=GET&url=http://HOST/PATH"
	for query, want := range map[string]string{
		"":                                    `"" is no method`,
		"method=GET":                          `URL "" has no host`,
		"method=GET&url=/cart":                `URL "/cart" has no host`,
		"method=GET&url=http://a/&x=y":        `there is no parameter "x"`,
		"method=GET&method=PUT&url=http://a/": "method stands twice",
		"method=GET&url=http://a/&field=Host": `"Host" is no field`,
		"method=GET&url=%zz":                  "the query does not parse",
	} {
		if status, body := get(t, at+"/explain?"+query); status != 400 || !strings.HasPrefix(body, want) || !strings.Contains(body, usage) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	if status, body := get(t, at+"/explain?method=GET&url=http://a/&format=xml"); status != 400 || body != "format is text or json, not \"xml\"\n" {
		t.Errorf("%d %s", status, body)
	}
	none := start(t, admin.Config{})
	if status, body := get(t, none+"/explain?method=GET&url=http://a/"); status != 503 || body != "no configuration is served yet\n" {
		t.Errorf("%d %s", status, body)
	}
	res, err := http.Post(at+"/explain?method=GET&url=http://a/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST is %d", res.StatusCode)
	}
	res, err = http.Get(at + "/explain?method=GET&url=http://a/" + strings.Repeat("a", 1<<20))
	if err == nil {
		res.Body.Close()
		if res.StatusCode < 400 {
			t.Errorf("a question of 1 MB is %d", res.StatusCode)
		}
	}
}
