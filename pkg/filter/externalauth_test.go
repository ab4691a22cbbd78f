package filter

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/authrequest"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// exchangeOf is an exchange with this head, whose lines end in "\n".
func exchangeOf(t *testing.T, head string) *message.Exchange {
	t.Helper()
	ex := &message.Exchange{Session: new(message.Session), Start: time.Now()}
	limits := http11.DefaultLimits()
	if err := http11.ParseRequest(&ex.Request, []byte(strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"), &limits); err != nil {
		t.Fatal(err)
	}
	return ex
}

// fieldsOf are the fields of a request, in order.
func fieldsOf(f *message.Fields) string {
	var b strings.Builder
	for i := range f.Len() {
		if _, name, value, ok := f.At(i); ok {
			b.WriteString(string(name) + ": " + string(value) + "\n")
		}
	}
	return b.String()
}

// chainOf compiles the chain of a route.
func chainOf(t *testing.T, filters model.Filters, shared *Shared) Chain {
	t.Helper()
	filters.Tidy()
	if shared == nil {
		shared = &Shared{Auth: authrequest.Client{Local: true}}
		t.Cleanup(shared.Auth.Close)
	}
	c, err := Compile(&Settings{
		Filters: filters, Host: "app.example", Path: "/", Shared: shared, ConnectTimeout: time.Second, ReadTimeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSignInText(t *testing.T) {
	const from = "$pass_access_scheme://$http_host$escaped_request_uri"
	for _, test := range [][3]string{
		{"https://a/start", "", "https://a/start?rd=" + from},
		{"https://a/start", "next", "https://a/start?next=" + from},
		{"https://a/start?a=b", "", "https://a/start?a=b&rd=" + from},
		{"https://a/start?", "", "https://a/start?rd=" + from},
		{"https://a/start?a&", "", "https://a/start?a&rd=" + from},
		{"https://a/start?rd=$escaped_request_uri", "", "https://a/start?rd=$escaped_request_uri"},
		{"https://a/start?rd=", "", "https://a/start?rd=&rd=" + from},
		{"https://a/start?xrd=a", "", "https://a/start?xrd=a&rd=" + from},
		{"https://a/start?rd=a", "next", "https://a/start?rd=a&next=" + from},
		{"/start", "", "/start?rd=" + from},
	} {
		if got := signInText(test[0], test[1]); got != test[2] {
			t.Errorf("%q with %q is %q, want %q", test[0], test[1], got, test[2])
		}
	}
}

// stub is a gate with a verdict.
type stub struct {
	says  verdict
	reply Reply
}

func (g stub) check(_ *message.Exchange, s *State) verdict {
	s.Reply = g.reply
	return g.says
}

// What another condition lets pass (satisfy any) is not asked about, and still cannot
// say who it is.
func TestAnyTakesForgedFields(t *testing.T) {
	f, err := newExternalAuth(&Settings{Filters: model.Filters{ExternalAuth: model.ExternalAuth{URL: "http://127.0.0.1:1/"}}, Shared: new(Shared)})
	if err != nil {
		t.Fatal(err)
	}
	applied, _, err := newAuthAnswer(&Settings{Filters: model.Filters{ExternalAuth: model.ExternalAuth{URL: "http://127.0.0.1:1/", ResponseFields: "X-User,X-Groups"}}})
	if err != nil {
		t.Fatal(err)
	}
	ex := exchangeOf(t, "GET / HTTP/1.1\nHost: app.example\nx-user: root\nX-GROUPS: wheel\nX-User: root\nX-Users: kept")
	var s State
	either := &access{gates: []gate{stub{says: passes}, f}, any: true}
	if !either.Request(ex, &s) || !applied.Request(ex, &s) {
		t.Fatalf("refused with %+v", s.Reply)
	}
	if got := fieldsOf(&ex.Request.Fields); got != "Host: app.example\nX-Users: kept\n" {
		t.Errorf("the endpoint gets\n%s", got)
	}
	// The fields of an answer that refuses are worth nothing.
	s = State{Auth: &authrequest.Answer{Status: 401, Fields: []string{"ann", ""}}}
	ex = exchangeOf(t, "GET / HTTP/1.1\nHost: app.example\nX-User: root")
	applied.Request(ex, &s)
	if got := fieldsOf(&ex.Request.Fields); got != "Host: app.example\n" {
		t.Errorf("after a refusal the endpoint gets\n%s", got)
	}
}

// Any of both: a service that refuses leaves the last word to others.
func TestAnyOfServiceAndOthers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }))
	defer server.Close()
	shared := &Shared{Auth: authrequest.Client{Local: true}}
	defer shared.Auth.Close()
	f, err := newExternalAuth(&Settings{
		Filters: model.Filters{ExternalAuth: model.ExternalAuth{URL: server.URL}}, Shared: shared, ConnectTimeout: time.Second, ReadTimeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		gates []gate
		any   bool
		want  int
	}{
		{[]gate{f, stub{says: passes}}, true, 0},
		{[]gate{stub{refuses, Reply{Status: 403}}, f}, true, 401},
		{[]gate{stub{says: passes}, f}, false, 401},
		{[]gate{stub{refuses, Reply{Status: 403}}, f}, false, 403},
	} {
		var s State
		passed := (&access{gates: test.gates, any: test.any}).Request(exchangeOf(t, "GET / HTTP/1.1\nHost: app.example"), &s)
		if passed != (test.want == 0) || s.Reply.Status != test.want {
			t.Errorf("any %t: %t with %+v, want %d", test.any, passed, s.Reply, test.want)
		}
	}
}

func TestCookiesOfTheService(t *testing.T) {
	answer := &authrequest.Answer{Status: 200, Cookies: []string{"a=1", "b=2"}}
	for _, always := range []bool{false, true} {
		_, response, err := newAuthAnswer(&Settings{Filters: model.Filters{ExternalAuth: model.ExternalAuth{URL: "http://a/", AlwaysSetCookie: always}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range []int{200, 201, 202, 204, 206, 301, 302, 303, 304, 305, 307, 308, 400, 401, 404, 500, 503} {
			var ex message.Exchange
			ex.Response.Status = status
			ex.Response.Fields.Reset(nil)
			ex.Response.Fields.Add(message.SetCookie, []byte("own=1"))
			response.Response(&ex, &State{Auth: answer})
			want := "Set-Cookie: own=1\nSet-Cookie: a=1\nSet-Cookie: b=2\n"
			if !always && (status >= 400 || status == 202 || status == 305) {
				want = "Set-Cookie: own=1\n"
			}
			if got := fieldsOf(&ex.Response.Fields); got != want {
				t.Errorf("always %t, status %d: %q", always, status, got)
			}
		}
	}
}

// leaving is a client that leaves at once.
type leaving struct{ dropped bool }

func (*leaving) Hold(cancel context.CancelFunc) { cancel() }
func (l *leaving) Drop()                        { l.dropped = true }

func TestAuthEndsWithTheClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	c := chainOf(t, model.Filters{ExternalAuth: model.ExternalAuth{URL: server.URL}}, nil)
	l := new(leaving)
	s := State{Leaving: l}
	if Run(c.Late, exchangeOf(t, "GET / HTTP/1.1\nHost: app.example"), &s) || s.Reply.Status != 0 || !l.dropped {
		t.Errorf("%+v, dropped %t", s.Reply, l.dropped)
	}
}

// A client of the connection's own fields may not name those that others rely on.
func TestAuthRefusesNominations(t *testing.T) {
	var asked atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer server.Close()
	c := chainOf(t, model.Filters{ExternalAuth: model.ExternalAuth{URL: server.URL}}, nil)
	var s State
	if Run(c.Late, exchangeOf(t, "GET / HTTP/1.1\nHost: app.example\nConnection: host"), &s) || s.Reply.Status != 400 || asked.Load() {
		t.Errorf("%+v, asked %t", s.Reply, asked.Load())
	}
}

// A text that is too long is not cut: two tokens with one beginning are two tokens.
func TestAuthCutsNothing(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	long := strings.Repeat("a", longestAuthText)
	for _, a := range []model.ExternalAuth{
		{URL: server.URL + "/$http_x"},
		{URL: server.URL, SetFields: "X-A: $http_x"},
	} {
		c := chainOf(t, model.Filters{ExternalAuth: a}, nil)
		var s State
		if Run(c.Late, exchangeOf(t, "GET / HTTP/1.1\nHost: app.example\nX: "+long+"b"), &s) || s.Reply.Status != 500 || asked.Load() != 0 {
			t.Errorf("%+v: %+v, asked %d times", a, s.Reply, asked.Load())
		}
	}
	c := chainOf(t, model.Filters{ExternalAuth: model.ExternalAuth{URL: server.URL, CacheKey: "$http_x"}}, nil)
	for _, end := range []string{"b", "c", "b"} {
		var s State
		if !Run(c.Late, exchangeOf(t, "GET / HTTP/1.1\nHost: app.example\nX: "+long+end), &s) {
			t.Errorf("%+v", s.Reply)
		}
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times about what is too long to be remembered", n)
	}
}

// A value ends neither the URL nor the line that it stands in: what follows it there may be
// what the service decides by.
func TestAuthURLIsWhole(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RequestURI }))
	defer server.Close()
	c := chainOf(t, model.Filters{ExternalAuth: model.ExternalAuth{URL: server.URL + "/?user=$http_x&need=admin"}}, nil)
	for value, want := range map[string]string{"ann#": "ann%23", "ann HTTP/1.1": "ann%20HTTP/1.1", "a%23b": "a%23b"} {
		var s State
		if got = ""; !Run(c.Late, exchangeOf(t, "GET / HTTP/1.1\nHost: app.example\nX: "+value), &s) || got != "/?user="+want+"&need=admin" {
			t.Errorf("%q: asked for %q, %+v", value, got, s.Reply)
		}
	}
}

// What is asked is bounded for a route.
func TestAuthIsBounded(t *testing.T) {
	g, err := newExternalAuth(&Settings{Filters: model.Filters{ExternalAuth: model.ExternalAuth{URL: "http://127.0.0.1:1/"}}, Shared: new(Shared)})
	if err != nil {
		t.Fatal(err)
	}
	f := g.(*externalAuth)
	f.asking.Store(mostAskingOfRoute)
	var s State
	if f.check(exchangeOf(t, "GET / HTTP/1.1\nHost: app.example"), &s) != refuses || s.Reply.Status != 500 || s.Reply.Reason != authBusy {
		t.Errorf("%+v", s.Reply)
	}
	if n := f.asking.Load(); n != mostAskingOfRoute {
		t.Errorf("%d are counted", n)
	}
}

// Settings that translation should have refused fail.
func TestAuthSettings(t *testing.T) {
	for _, a := range []model.ExternalAuth{
		{URL: "http://a/$nothing"},
		{URL: "http://a/", SignIn: "http://a/$nothing"},
		{URL: "http://a/", CacheKey: "$nothing"},
		{URL: "http://a/", CacheKey: "$host", CacheDurations: "soon"},
		{URL: "http://a/", SetFields: "no field"},
		{URL: "http://a/", SetFields: "X-A: $nothing"},
		{URL: "http://a/", Redirect: "$nothing"},
	} {
		if _, err := Compile(&Settings{Filters: model.Filters{ExternalAuth: a}, Shared: new(Shared)}); err == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}

// What is done with an answer costs nothing; only asking does.
func TestAuthAnswerAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	f, r, err := newAuthAnswer(&Settings{Filters: model.Filters{ExternalAuth: model.ExternalAuth{URL: "http://a/", ResponseFields: "X-User,X-Groups"}}})
	if err != nil {
		t.Fatal(err)
	}
	ex := exchangeOf(t, "GET / HTTP/1.1\nHost: app.example\nX-User: root")
	ex.Response.Status = 200
	s := State{Auth: &authrequest.Answer{Status: 200, Fields: []string{"ann", "staff"}, Cookies: []string{"a=1"}}}
	n := testing.AllocsPerRun(1000, func() {
		f.Request(ex, &s)
		ex.Request.Fields.Tidy()
		ex.Request.Fields.Shrink()
		ex.Response.Fields.Reset(nil)
		r.Response(ex, &s)
	})
	if n >= 1 { // Tidy makes room now and then
		t.Errorf("%v allocations", n)
	}
}
