package snapshot

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/golden"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// explanations is the form of the files in testdata: like those of package
// translate, with a question on each line of questions, a method, a URL, and
// fields that are set apart by two spaces.
var explanations = golden.Format{
	Inputs:          []string{"objects.yaml", "questions"},
	OptionalInputs:  []string{"settings"},
	Results:         []string{"text"},
	OptionalResults: []string{"json"},
}

func TestExplanations(t *testing.T) {
	explanations.Run(t, "testdata", func(t *testing.T, inputs map[string]string) map[string]string {
		st := newState()
		config, endpoints := build(t, inputs["objects.yaml"], inputs["settings"])
		st.reg.SetEndpoints(endpoints)
		s := st.compile(t, config, nil)
		var text, form strings.Builder
		for line := range strings.Lines(inputs["questions"]) {
			e := s.Explain(ask(t, strings.TrimSpace(line)))
			if text.Len() > 0 {
				text.WriteString("\n")
			}
			if err := e.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if err := e.WriteJSON(&form); err != nil {
				t.Fatal(err)
			}
		}
		return map[string]string{"text": text.String(), "json": form.String()}
	})
}

// ask reads a line of questions.
func ask(t *testing.T, line string) Question {
	t.Helper()
	words := strings.Split(line, "  ")
	method, url, _ := strings.Cut(words[0], " ")
	q, err := NewQuestion(method, url, words[1:])
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return q
}

func TestQuestions(t *testing.T) {
	for _, c := range []struct {
		method, url string
		fields      []string
		head, err   string
	}{
		{"GET", "http://shop.example/a?b=c#d", nil, "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\n\r\n", ""},
		{"POST", "HTTPS://shop.example:8443", nil, "POST / HTTP/1.1\r\nHost: shop.example:8443\r\n\r\n", ""},
		{"GET", "shop.example?b", nil, "GET /?b HTTP/1.1\r\nHost: shop.example\r\n\r\n", ""},
		{"GET", "shop.example/a?next=http://x/", nil, "GET /a?next=http://x/ HTTP/1.1\r\nHost: shop.example\r\n\r\n", ""},
		{"GET", "/a", []string{"host:  shop.example "}, "GET /a HTTP/1.1\r\nhost: shop.example\r\n\r\n", ""},
		{"GET", "http://127.0.0.1/", []string{"Host: shop.example", "X-A: 1"}, "GET / HTTP/1.1\r\nHost: shop.example\r\nX-A: 1\r\n\r\n", ""},
		{"OPTIONS", "*", []string{"Host: a"}, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"", "http://a/", nil, "", `"" is no method: write one such as GET`},
		{"GET /x", "http://a/", nil, "", `"GET /x" is no method: write one such as GET`},
		{"GET", "/a", nil, "", `URL "/a" has no host: write http://HOST/PATH, or say it with -H 'Host: NAME'`},
		{"GET", "", nil, "", `URL "" has no host: write http://HOST/PATH, or say it with -H 'Host: NAME'`},
		{"GET", "ftp://a/", nil, "", `URL "ftp://a/" is neither http nor https`},
		{"GET", "http://user@a/", nil, "", "a URL with a user name: leave it out, as clients do"},
		{"GET", "http://a/ b", nil, "", `URL "http://a/ b" has a space or a control character: encode it, as in %20`},
		{"GET", "http://a/\r\nX: y", nil, "", `URL "http://a/\r\nX: y" has a space or a control character: encode it, as in %20`},
		{"GET", "http://a/", []string{"nonsense"}, "", `"nonsense" is no field: write -H 'Name: value'`},
		{"GET", "http://a/", []string{"A: b\nC: d"}, "", `"A: b\nC: d" is no field: write -H 'Name: value'`},
		{"GET", "http://a/" + strings.Repeat("a", longestURL), nil, "", "the URL is longer than 8192 bytes"},
		{"GET", "http://a/", make([]string, 65), "", "that is too much: at most 64 fields, and 16384 bytes in all"},
		{"GET", "http://a/", []string{"A: " + strings.Repeat("a", longest)}, "", "that is too much: at most 64 fields, and 16384 bytes in all"},
	} {
		q, err := NewQuestion(c.method, c.url, c.fields)
		if string(q.head) != c.head || c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("%s %.60q %.60q: %q, %v, want %q, %s", c.method, c.url, c.fields, q.head, err, c.head, c.err)
		}
	}
}

// TestExplanationIsBounded: how many routes, hosts and endpoints there are is up to
// others.
func TestExplanationIsBounded(t *testing.T) {
	var hosts []model.Host
	for i := range 1000 {
		hosts = append(hosts, model.Host{Name: fmt.Sprintf("h%03d.example", i)})
	}
	for i := range 1000 {
		hosts[0].Routes = append(hosts[0].Routes, path(model.Prefix, fmt.Sprintf("/p%03d", i), "web"))
	}
	st := newState()
	endpoints := model.Endpoints{}
	for i := range 1000 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)
		endpoints[key("web")] = append(endpoints[key("web")], model.Endpoint{Addr: addr})
	}
	st.reg.SetEndpoints(endpoints)
	s := st.compile(t, config(hosts...), nil)
	for _, url := range []string{"http://h000.example/p007", "http://nobody.example/"} {
		e := s.Explain(ask(t, "GET "+url))
		var text, form strings.Builder
		if err := e.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if err := e.WriteJSON(&form); err != nil {
			t.Fatal(err)
		}
		if text.Len() > 8<<10 || form.Len() > 32<<10 {
			t.Errorf("%s: %d bytes of text and %d of JSON", url, text.Len(), form.Len())
		}
		if n := len(e.OtherHosts) + e.MoreHosts; e.Served == nil && n != 1000 || e.Served != nil && n != 999 {
			t.Errorf("%s: %d other hosts", url, n)
		}
		if e.Route != nil && len(e.OtherRoutes)+e.MoreRoutes != 999 {
			t.Errorf("%s: %d other routes and %d more", url, len(e.OtherRoutes), e.MoreRoutes)
		}
	}
}

// What Explain says is what Route does.
func TestExplanationsAgreeWithRoutes(t *testing.T) {
	st := newState()
	home, wild := path(model.Prefix, "", "home"), path(model.Prefix, "/", "wild")
	s := st.compile(t, config(
		model.Host{Name: "", Routes: []model.Route{path(model.Prefix, "/any", "any")}},
		model.Host{Name: "*.a", Routes: []model.Route{wild}},
		model.Host{Name: "a", Fallback: &home, Routes: []model.Route{
			path(model.Prefix, "/", "root"), path(model.Exact, "/x", "exact"), path(model.Prefix, "/x", "x"), path(model.Prefix, "/x/y", "xy")}},
		model.Host{Name: "b", Fallback: &home, Routes: []model.Route{path(model.Exact, "/x", "exact")}},
	), nil)
	for _, host := range []string{"a", "b", "c", "x.a", "x.y.a"} {
		for _, p := range []string{"/", "/x", "/x/", "/xx", "/x/y", "/x/y/z", "/any", "/anyone"} {
			e := s.Explain(ask(t, "GET http://"+host+p))
			r := s.Route([]byte(host), []byte(p))
			switch {
			case r == nil && (e.Route != nil || e.Answer == nil || e.Answer.Status != 404):
				t.Errorf("%s%s: nothing serves it, and the explanation is %+v", host, p, e)
			case r != nil && (e.Route == nil || e.Route.Upstream.Service != r.Service):
				t.Errorf("%s%s goes to %s, and the explanation is %+v", host, p, r.Service, e)
			}
			for _, lost := range e.OtherRoutes {
				if lost.Why == "" || lost.Route == e.Route {
					t.Errorf("%s%s: %+v lost because %q", host, p, *lost.Route, lost.Why)
				}
			}
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add("GET", "http://shop.example/a/../b", "Host: x", "Content-Length: 5")
	f.Add("OPTIONS", "*", "Host: a", "")
	f.Add("TRACE", "a/%zz", "Connection: close, x", "Transfer-Encoding: chunked")
	deny := path(model.Prefix, "/denied", "cart")
	deny.Denied = "why"
	st := newState()
	st.reg.SetEndpoints(model.Endpoints{key("b"): {{Addr: netip.MustParseAddrPort("10.0.0.1:80")}}})
	s := st.compile(f, config(
		model.Host{Name: "*.example", Routes: []model.Route{path(model.Exact, "/a", "a")}},
		model.Host{Name: "shop.example", Routes: []model.Route{path(model.Prefix, "/b", "b"), deny}},
	), nil)
	f.Fuzz(func(t *testing.T, method, url, field, another string) {
		q, err := NewQuestion(method, url, []string{field, another})
		if err != nil {
			return
		}
		e := s.Explain(q)
		if e.Answer == nil && (e.Route == nil || e.Upstream == nil || len(e.Upstream.Endpoints) == 0) {
			t.Errorf("%q is forwarded nowhere: %+v", q.head, e)
		}
		if text, err := json.Marshal(e); err != nil || !json.Valid(text) {
			t.Errorf("%q: %v", q.head, err)
		}
	})
}
