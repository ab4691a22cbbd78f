package filter

import (
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestResponseFields(t *testing.T) {
	const theirs = "Server: theirs\nX-Powered-By: it\nX-Frame-Options: DENY\nx-frame-options: SAMEORIGIN\nETag: a\n"
	for _, c := range []struct {
		name string
		set  model.ResponseFields
		own  bool
		want string
	}{
		{"none", model.ResponseFields{}, false, theirs},
		{"hidden", model.ResponseFields{Hide: "etag,x-frame-options,x-powered-by", HideServer: true}, false, ""},
		{"of our own", model.ResponseFields{Hide: "etag", HideServer: true}, true, theirs},
		{"server of ours", model.ResponseFields{HideServer: true, Server: true, Hide: "etag,x-frame-options,x-powered-by"}, false, "Server: shockwave\n"},
		{"server of theirs", model.ResponseFields{Server: true}, false, theirs},
		{"set", model.ResponseFields{Set: "X-Frame-Options: ALLOW\nETag: \nX-Agent: <$http_user_agent>\nX-None: $http_none"}, false,
			"Server: theirs\nX-Powered-By: it\nX-Frame-Options: ALLOW\nX-Agent: <curl>\n"},
		{"set and hidden", model.ResponseFields{Set: "Server: mine", Hide: "etag,x-frame-options,x-powered-by", HideServer: true}, false, "Server: mine\n"},
	} {
		ex := newExchange(t, "GET", "User-Agent: curl\n", theirs)
		s := State{Own: c.own}
		compile(t, model.Filters{ResponseFields: c.set}).Response(ex, &s)
		if got := lines(&ex.Response.Fields); got != c.want {
			t.Errorf("%s:\n%swant\n%s", c.name, got, c.want)
		}
	}
}

func TestRequestFields(t *testing.T) {
	for _, c := range []struct {
		set, lines, host string
		replaced         []string
	}{
		{"X-A: 1\nX-Real-IP: \nHost: fixed.example", "X-A: 1\r\n", "fixed.example", []string{"x-a", "x-real-ip"}},
		{"X-A: $http_x_b\nX-B: $http_x_a\nX-C: $http_x_c\nHost: $http_x_a", "X-A: b\r\nX-B: a\r\n", "a", []string{"X-C"}},
		{"X-A: $http_none$http_none\nX-B: c", "X-B: c\r\n", "", []string{"X-A"}},
	} {
		ex := newExchange(t, "GET", "X-A: a\nX-B: b\n", "")
		var s State
		if !Run(compile(t, model.Filters{RequestFields: model.RequestFields{Set: c.set}}).Late, ex, &s) {
			t.Fatal("the exchange ends")
		}
		if string(s.Lines) != c.lines || string(s.Host) != c.host {
			t.Errorf("%q: lines %q, host %q", c.set, s.Lines, s.Host)
		}
		for _, name := range c.replaced {
			if !s.Replaced.Has(message.LookupName([]byte(name)), []byte(name)) {
				t.Errorf("%q: %s is not replaced", c.set, name)
			}
		}
		if s.Replaced.Has(message.Unknown, []byte("X-Other")) || s.Replaced.Has(message.Host, []byte("Host")) {
			t.Errorf("%q: too much is replaced", c.set)
		}
	}
}

// A request for which variables make no host is refused, as with upstream-vhost.
func TestHostOfRequestFields(t *testing.T) {
	chain := compile(t, model.Filters{RequestFields: model.RequestFields{Set: "Host: $http_x_a"}}).Late
	for value, want := range map[string]int{
		"a.example:80": 0, "": 0, "a b": 400, "a/b": 400, "a@b": 400, "a,b": 400, strings.Repeat("a", mostHost+1): 400,
	} {
		ex := newExchange(t, "GET", "", "")
		ex.Request.Fields.AddName("X-A", []byte(value))
		var s State
		if ok := Run(chain, ex, &s); ok != (want == 0) || s.Reply.Status != want {
			t.Errorf("%.40q: %v, status %d", value, ok, s.Reply.Status)
		}
		if !strings.HasPrefix(value, string(s.Host)) {
			t.Errorf("%.40q: host %q", value, s.Host)
		}
	}
	if _, err := Compile(&Settings{Filters: model.Filters{RequestFields: model.RequestFields{Set: "Host: a b"}}, Shared: new(Shared)}); err == nil {
		t.Error("a b is a host")
	}
}

// A variable can hold any bytes, and a field must not.
func TestValuesAreChecked(t *testing.T) {
	list, err := compileLines("X-A: $http_x_a")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"a":                                "a",
		"a\r\nX-Evil: b":                   "",
		"a\x00b":                           "",
		strings.Repeat("x", longestPart+1): strings.Repeat("x", longestPart),
		" \tpadded\t":                      "padded",
	} {
		ex := newExchange(t, "GET", "", "")
		ex.Request.Fields.AddName("X-A", []byte(value))
		var s State
		context := s.Context(ex)
		if got := list[0].evaluate(ex, &context); string(got) != want {
			t.Errorf("%.40q gives %.40q", value, got)
		}
	}
	for _, set := range []string{"X-A", "X A: b", "X-A: b\rc", "X-A: $nosuch"} {
		if _, err := compileLines(set); err == nil {
			t.Errorf("%q is accepted", set)
		}
	}
}

func TestFieldsDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	chain := compile(t, model.Filters{
		RequestFields:  model.RequestFields{Set: "Host: $host\nX-A: $remote_addr-$http_user_agent\nX-B: b", Connection: "close"},
		ResponseFields: model.ResponseFields{Set: "X-A: $request_uri\nX-B: b", Hide: "etag,server", HideServer: true, Server: true},
	})
	ex := newExchange(t, "GET", "User-Agent: curl\n", "")
	etag := []byte("e")
	var s State
	if n := testing.AllocsPerRun(100, func() {
		ex.Mem = alloc.Take(alloc.Standard)
		ex.Response.Fields.Reset(nil)
		ex.Response.Fields.AddName("ETag", etag)
		s.Reset()
		Run(chain.Late, ex, &s)
		chain.Response(ex, &s)
		ex.Mem.Release()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
