package filter

import (
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func corsOf(origins string) model.Filters {
	return model.Filters{CORS: model.CORS{On: true, Origins: origins, Methods: "GET", Headers: "X-One", Expose: "X-Two", MaxAge: 5}}
}

func TestOriginsAreCompared(t *testing.T) {
	const list = "https://shop.example,https://*.example.com:8443,null"
	for _, c := range []struct {
		origins, fields string
		want            string // value of Access-Control-Allow-Origin
	}{
		{list, "Origin: https://shop.example", "https://shop.example"},
		{list, "Origin: HTTPS://Shop.example", "HTTPS://Shop.example"},
		{list, "Origin: http://shop.example", ""},
		{list, "Origin: https://shop.example.evil", ""},
		{list, "Origin: evilhttps://shop.example", ""},
		{list, "Origin: https://a-1.example.com:8443", "https://a-1.example.com:8443"},
		{list, "Origin: https://a.b.example.com:8443", ""},
		{list, "Origin: https://.example.com:8443", ""},
		{list, "Origin: https://example.com:8443", ""},
		{list, "Origin: https://a@b.example.com:8443", ""},
		{list, "Origin: null", "null"},
		{list, "Origin: https://null", ""},
		{list, "Origin: https://shop.example\nOrigin: https://shop.example", ""},
		{list, "", ""},
		{"*", "Origin: https://any.example", "*"},
		{"*", "", "*"},
		{"", "Origin: https://any.example", ""},
	} {
		ex := newExchange(t, "GET", c.fields, "")
		var s State
		compile(t, corsOf(c.origins)).Response(ex, &s)
		got, _ := ex.Response.Fields.Lookup(allowOrigin)
		if string(got) != c.want {
			t.Errorf("%q, %q: %q is allowed, want %q", c.origins, c.fields, got, c.want)
		}
	}
}

func TestCORSReplacesFieldsOfTheEndpoint(t *testing.T) {
	const theirs = "Access-Control-Allow-Origin: https://other\naccess-control-allow-methods: A\nX-Own: b\nVary: Accept\n"
	for _, c := range []struct{ name, request, want string }{
		{"allowed", "Origin: https://a", "X-Own: b\nVary: Accept\nVary: Origin\nAccess-Control-Allow-Origin: https://a\n" +
			"Access-Control-Allow-Credentials: true\nAccess-Control-Allow-Methods: GET\nAccess-Control-Allow-Headers: X-One\nAccess-Control-Expose-Headers: X-Two\n"},
		{"not allowed", "Origin: https://b", theirs + "Vary: Origin\n"},
	} {
		ex := newExchange(t, "GET", c.request, theirs)
		var s State
		compile(t, corsOf("https://a")).Response(ex, &s)
		if got := lines(&ex.Response.Fields); got != c.want {
			t.Errorf("%s:\n%swant\n%s", c.name, got, c.want)
		}
	}
}

// What is hidden is the endpoint's, whatever others add under that name.
func TestCORSIsNotHidden(t *testing.T) {
	filters := corsOf("*")
	filters.ResponseFields.Hide = "access-control-allow-origin"
	ex := newExchange(t, "GET", "", "Access-Control-Allow-Origin: https://theirs\n")
	var s State
	compile(t, filters).Response(ex, &s)
	if value, _ := ex.Response.Fields.Lookup(allowOrigin); string(value) != "*" {
		t.Errorf("%s is %q", allowOrigin, value)
	}
}

func TestVaryIsNotRepeated(t *testing.T) {
	for _, theirs := range []string{"Vary: origin\n", "Vary: Accept\nVary: *\n"} {
		ex := newExchange(t, "GET", "", theirs)
		var s State
		compile(t, corsOf("https://a")).Response(ex, &s)
		if got := lines(&ex.Response.Fields); got != theirs {
			t.Errorf("%q became %q", theirs, got)
		}
	}
}

func TestPreflight(t *testing.T) {
	for _, c := range []struct {
		origins, method, request string
		answered                 bool
	}{
		{"https://a", "OPTIONS", "Origin: https://a", true},
		{"https://a", "OPTIONS", "Origin: https://b", false},
		{"https://a", "OPTIONS", "", false},
		{"https://a", "GET", "Origin: https://a", false},
		{"*", "OPTIONS", "", true},
	} {
		ex := newExchange(t, c.method, c.request, "")
		var s State
		chain := compile(t, corsOf(c.origins))
		if passed := Run(chain.Early, ex, &s); passed == c.answered {
			t.Errorf("%+v: passed %v", c, passed)
		}
		chain.Response(ex, &s)
		age, _ := ex.Response.Fields.Lookup("Access-Control-Max-Age")
		if c.answered != (s.Reply.Status == 204 && string(age) == "5") || c.answered == (len(age) == 0) {
			t.Errorf("%+v: status %d, max age %q", c, s.Reply.Status, age)
		}
	}
}

func TestCORSDoesNotAllocate(t *testing.T) {
	chain := compile(t, corsOf("https://a,https://*.b"))
	ex := newExchange(t, "OPTIONS", "Origin: https://x.b", "")
	var s State
	if n := testing.AllocsPerRun(100, func() {
		ex.Response.Fields.Reset(nil)
		s.Reset()
		Run(chain.Early, ex, &s)
		chain.Response(ex, &s)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
