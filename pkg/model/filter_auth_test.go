package model

import "testing"

func TestAuthority(t *testing.T) {
	for url, want := range map[string]struct {
		authority  string
		host, port bool
	}{
		"http://auth.example:80/$host":  {"auth.example:80", false, false},
		"https://$host/auth":            {"$host", true, false},
		"https://${HOST}:8443?a":        {"${HOST}:8443", true, false},
		"$scheme://$http_host/auth":     {"$http_host", true, true},
		"https://auth.${http_host}":     {"auth.${http_host}", true, true},
		"https://auth.$namespace.svc#a": {"auth.$namespace.svc", false, false},
		"":                              {},
	} {
		a := ExternalAuth{URL: url}
		host, port := a.OfRequest()
		if a.Authority() != want.authority || host != want.host || port != want.port {
			t.Errorf("%q: %q, %t, %t, want %+v", url, a.Authority(), host, port, want)
		}
	}
}

func TestTidyExternalAuth(t *testing.T) {
	for _, test := range [][2]ExternalAuth{
		{{Method: "GET", CacheKey: "$host", Unverified: true}, {}},
		{{URL: "http://a", Unverified: true, RedirectParam: "next", CacheDurations: "200=1s"}, {URL: "http://a"}},
		{{URL: "https://a", Unverified: true, CacheKey: "$host"}, {URL: "https://a", Unverified: true, CacheKey: "$host", CacheDurations: DefaultCacheDurations}},
		{{URL: "$scheme://a", Unverified: true, SignIn: "/", RedirectParam: "next"}, {URL: "$scheme://a", Unverified: true, SignIn: "/", RedirectParam: "next"}},
	} {
		got := test[0]
		if got.Tidy(); got != test[1] {
			t.Errorf("%+v is %+v, want %+v", test[0], got, test[1])
		}
	}
}
