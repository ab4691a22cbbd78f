package filter

import (
	"bytes"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// FuzzFilters lets clients send anything to routes with most filters: nothing that these
// make of it ends a line, or is a target with what a request line must not have.
func FuzzFilters(f *testing.F) {
	for _, head := range []string{
		"GET /a/b%0d%0aX:1?x=%0d%0a&y=http://evil HTTP/1.1\r\nHost: app.example:8080\r\nX-A: a#b c\r\nCookie: a=b; a=c\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: app.example\r\nOrigin: https://a.example\r\n\r\n",
		"GET //evil.example/..;/a%2f%2e%2e%2f HTTP/1.0\r\n\r\n",
		"GET http://app.example?x HTTP/1.1\r\nHost: app.example\r\nAuthorization: Basic YTpi\r\n\r\n",
		"GET /%2e%2e/%5c%c3%28 HTTP/1.1\r\nHost: [::1]:80\r\nReferer: \xff\r\nConnection: x, close\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	const texts = "$arg_x$cookie_a$http_x_a$http_host$uri$request_uri$args$remote_user$escaped_request_uri"
	fields := model.Filters{
		CORS:            model.CORS{On: true, Origins: "https://*.example", Methods: "GET", Headers: "X-A"},
		Rewrite:         model.Rewrite{Target: "/x/$2$1/$arg_x$http_x_a", Prefix: "/p"},
		RequestFields:   model.RequestFields{Host: "$arg_x.example", Set: "X-Out: " + texts + "\nX-B: $http_x_a"},
		ResponseFields:  model.ResponseFields{Set: "X-Out: " + texts, Server: true},
		ResponseRewrite: model.ResponseRewrite{RedirectFrom: "/", RedirectTo: "/" + texts, CookiePath: "/ /p"},
	}
	var chains []Chain
	for _, filters := range []model.Filters{
		fields,
		{Rewrite: model.Rewrite{Target: "https://app.example/$1$arg_x"}},
		{AppRoot: model.AppRoot{Path: "/start"}},
		{Redirect: model.Redirect{Host: "www.app.example", Code: 308}},
		{Redirect: model.Redirect{AddSlash: true, Port: true, Code: 301}},
		{Redirect: model.Redirect{AddSlash: true, Relative: true, Code: 301}},
		{HTTPS: model.HTTPSRedirect{On: true, Force: true}},
	} {
		path := "/(.*)b(.*)"
		if filters.AppRoot.Path != "" {
			path = "/"
		}
		c, err := Compile(&Settings{Filters: filters, Host: "app.example", Path: path, Pattern: path != "/", Shared: new(Shared)})
		if err != nil {
			f.Fatal(err)
		}
		chains = append(chains, c)
	}
	signIn, err := variable.Compile("https://login.example/?a="+texts, variable.Request)
	if err != nil {
		f.Fatal(err)
	}
	ask := &externalAuth{signIn: signIn, sets: &authFields{[]authField{{"X-Out", signIn}}}}
	limits := http11.DefaultLimits()
	f.Fuzz(func(t *testing.T, head []byte) {
		for i := range chains {
			ex := &message.Exchange{Session: new(message.Session), Start: time.Now(), Mem: alloc.Take(alloc.Standard)}
			if http11.ParseRequest(&ex.Request, bytes.Clone(head), &limits) != nil {
				return
			}
			path, err := http11.NormalizePath(nil, ex.Request.Path)
			if err != nil {
				return
			}
			s := State{Path: path}
			c := &chains[i]
			if Run(c.Early, ex, &s) {
				Run(c.Late, ex, &s)
			}
			// What gets a slash is a path of an Ingress: only that leads to the filter.
			elsewhere := bytes.HasPrefix(s.Reply.Location, []byte("//")) && !bytes.HasPrefix(path, []byte("//")) && len(path) > 1
			if l := s.Reply.Location; !http11.ValidFieldValue(l) || elsewhere {
				t.Errorf("Location: %q", l)
			}
			if s.Host != nil && !isHost(s.Host) {
				t.Errorf("Host: %q", s.Host)
			}
			if p := s.Target.Path; p != nil && (len(p) == 0 || p[0] != '/' || bytes.ContainsAny(p, " \r\n\x00#?") || dotted(p)) {
				t.Errorf("target %q", p)
			}
			for _, line := range bytes.SplitAfter(s.Lines, []byte("\r\n")) {
				if !http11.ValidFieldValue(bytes.TrimSuffix(line, []byte("\r\n"))) {
					t.Errorf("line %q", line)
				}
			}
			ex.Response.Fields.Add(message.Location, []byte("/b"))
			ex.Response.Fields.Add(message.SetCookie, []byte("a=b; Path=/"))
			c.Response(ex, &s)
			for k := range ex.Response.Fields.Len() {
				if _, name, value, ok := ex.Response.Fields.At(k); ok && !http11.ValidFieldValue(value) {
					t.Errorf("%s: %q", name, value)
				}
			}
			if i == 0 {
				if ask.sendsTo(ex, &s) && !http11.ValidFieldValue(s.Reply.Location) {
					t.Errorf("sign-in at %q", s.Reply.Location)
				}
				h, err := ask.fields(ex, &s)
				if err == nil && !http11.ValidFieldValue([]byte(h.Get("X-Out"))) {
					t.Errorf("asked with %q", h)
				}
			}
			ex.Mem.Release()
		}
	})
}
