package annotation

import (
	neturl "net/url"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// A URL that decides about access is read whole or not at all: whoever can write a
// part of its host says who is asked.
func TestParseAuthURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://oauth2-proxy.auth.svc.cluster.local:4180/oauth2/auth": "",
		"https://$host/oauth2/auth":                                   "",
		"HTTPS://${host}/oauth2/auth":                                 "https://${host}/oauth2/auth",
		"$scheme://$http_host/auth?uri=$escaped_request_uri":          "",
		"http://auth.$namespace.svc:$service_port/auth":               "",
		"http://[::1]:9000/auth":                                      "",
		"http://auth":                                                 "",
		"http://auth$request_uri":                                     "-",
		"http://$arg_who/auth":                                        "-",
		"http://$best_http_host/auth":                                 "-",
		"http://auth.example:$arg_port/":                              "-",
		"http://user:secret@auth.example/":                            "-",
		"http://auth.example/#part":                                   "-",
		"http:///auth":                                                "-",
		"http://auth.example:port/":                                   "-",
		"http://auth example/":                                        "-",
		"//auth.example/":                                             "-",
		"/auth":                                                       "-",
		"ftp://auth.example/":                                         "-",
		"$arg_scheme://auth.example/":                                 "-",
		"auth.example":                                                "-",
		"":                                                            "-",
		"http://a/\n":                                                 "-",
		"http://a/" + strings.Repeat("$host", 17):                     "-",
		"http://a/" + strings.Repeat("a", 2048):                       "-",
	} {
		got, err := parseAuthURL(text, place{})
		switch {
		case want == "-" && err == nil:
			t.Errorf("%q is taken as %q", text, got)
		case want == "-":
		case want == "" && (got != text || err != nil), want != "" && got != want:
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestParseSignIn(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://$host/oauth2/start?rd=$escaped_request_uri": true,
		"$scheme://login.example":                            true,
		"/oauth2/start":                                      true,
		"//login.example/":                                   false,
		"javascript:alert(1)":                                false,
		"https://":                                           false,
		"https://a/\"":                                       false,
		"$arg_to":                                            false,
		"":                                                   false,
	} {
		if _, err := parseSignIn(text, place{}); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseAuthFields(t *testing.T) {
	for text, want := range map[string]string{
		"X-User, X-Email":       "X-User,X-Email",
		" X-User ,, x-user":     "X-User",
		"":                      "",
		"Authorization":         "Authorization",
		"X-User,Content-Length": "X-User", // partly
		"X User":                "-",
		"X-User\r\nX: y":        "-",
	} {
		got, err := parseAuthFields(text, nginx)
		if want == "-" {
			if err == nil {
				t.Errorf("%q is taken as %q", text, got)
			}
		} else if got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestParseCacheDurations(t *testing.T) {
	for text, want := range map[string]string{
		"200 202 401 5m":       model.DefaultCacheDurations,
		"401 30s, 200 1h 30m,": "200=1h30m0s,401=30s",
		"10m":                  "200=10m0s",
		"any 1s":               "any=1s",
		"":                     "",
		"200":                  "-",
		"200 5":                "-",
		"200 5x":               "-",
		"200 5m 401":           "-",
		"2000 5m":              "-",
		"200 -5m":              "-",
		"200 1y":               "-",
		"200 20h 20h":          "-",
		"200 99999999999999h":  "-",
	} {
		got, err := parseCacheDurations(text, nginx)
		if want == "-" {
			if err == nil {
				t.Errorf("%q is taken as %q", text, got)
			}
		} else if got != want || err != nil {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

// Global authentication holds as a whole or not at all.
func TestGlobalAuth(t *testing.T) {
	r := NewReader("", nil)
	base := Defaults(model.ProfileNginx)
	denied, problems := r.ConfigMap(model.ObjectRef{Kind: "ConfigMap"}, map[string]string{
		"global-auth-url": "http://global.example/", "global-auth-method": "POST", "global-auth-signin": "https://login.example/",
	}, &base)
	if denied != "" || len(problems) > 0 {
		t.Fatal(denied, problems)
	}
	of := func(annotations map[string]string) model.ExternalAuth {
		v := base
		r.Ingress(shop, annotations, &v)
		options, _ := v.Final()
		return options.Filters.Filters().ExternalAuth
	}
	if a := of(nil); a.URL != "http://global.example/" || a.Method != "POST" || a.SignIn == "" {
		t.Errorf("without annotations %+v", a)
	}
	if a := of(map[string]string{"nginx.ingress.kubernetes.io/auth-url": "http://own.example/"}); a != (model.ExternalAuth{URL: "http://own.example/"}) {
		t.Errorf("with its own %+v", a)
	}
	if a := of(map[string]string{"nginx.ingress.kubernetes.io/enable-global-auth": "false"}); a != (model.ExternalAuth{}) {
		t.Errorf("without the global one %+v", a)
	}
}

// FuzzAuthURL: whatever clients put into the variables of a URL that is taken, the
// host that is asked is the one that the Ingress says.
func FuzzAuthURL(f *testing.F) {
	for _, text := range []string{
		"http://auth.example/$request_uri", "https://$host/?a=$arg_a", "$scheme://$http_host", "http://a$arg_b", "http://[::1]/$arg_a", "http://a?$arg_a", "http://a:${service_port}/",
	} {
		f.Add(text, "@evil.example/")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		url, err := parseAuthURL(text, place{})
		if err != nil {
			return
		}
		authority := model.ExternalAuth{URL: url}.Authority()
		var b strings.Builder
		for rest := url; rest != ""; {
			before, after, found := strings.Cut(rest, "$")
			b.WriteString(before)
			if !found {
				break
			}
			inner, braced := strings.CutPrefix(after, "{")
			n := 0
			for n < len(inner) && consistsOf(inner[n:n+1], letters+digits+"_") {
				n++
			}
			rest = inner[n:]
			if braced {
				rest = strings.TrimPrefix(rest, "}")
			}
			switch strings.ToLower(inner[:n]) {
			case "scheme", "pass_access_scheme":
				b.WriteString("http")
			case "host", "http_host", "ingress_name", "namespace", "server_name", "service_name", "service_port":
				b.WriteString("1")
			default:
				b.WriteString(value)
			}
		}
		plain, err := withoutVariables(authority)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		u, err := neturl.Parse(b.String())
		if err == nil && (u.Host != plain || u.User != nil) {
			t.Errorf("%q with %q asks %q, want %q", text, value, u.Host, plain)
		}
	})
}
