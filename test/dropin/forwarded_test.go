package dropin

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// configured serves app.example with keys of the ConfigMap, lines "key: value".
func configured(t *testing.T, profile, keys string) *site {
	t.Helper()
	return serve(t, profile, map[string]http.Handler{"app": nil},
		configMap(keys)+ingress("app", "app.example", "", "/ prefix app"), withConfigMap)
}

// got checks fields that the backend got, lines "Name: value"; an empty value is that
// of a field that it did not get.
func (s *site) got(a answer, fields string) {
	s.t.Helper()
	for line := range strings.Lines(fields) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		if got := strings.Join(a.echo.Fields.Values(name), "|"); got != strings.TrimSpace(value) {
			s.t.Errorf("the backend got %s: %s, want%s", name, got, value)
		}
	}
}

// port is that of an address.
func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

const forged = `
X-Forwarded-For: 203.0.113.9, 192.0.2.1
X-Forwarded-Host: told.example
X-Forwarded-Port: 8443
X-Forwarded-Proto: https
X-Forwarded-Scheme: wss
X-Scheme: wss
X-Real-IP: 203.0.113.1
`

// H1: without use-forwarded-headers what the client tells is overwritten, and kept
// under other names.
func TestH1ForgedFieldsAreOverwritten(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "")
		for url, scheme := range map[string]string{"http://app.example/": "http", "https://app.example/": "https"} {
			a := s.do(request{url: url, fields: forged})
			s.wants(a, 200)
			own := s.HTTP
			if scheme == "https" {
				own = s.HTTPS
			}
			s.got(a, strings.NewReplacer("SCHEME", scheme, "PORT", port(own)).Replace(`
				X-Forwarded-For: 127.0.0.1
				X-Forwarded-Host: app.example
				X-Forwarded-Port: PORT
				X-Forwarded-Proto: SCHEME
				X-Forwarded-Scheme: SCHEME
				X-Scheme: SCHEME
				X-Real-IP: 127.0.0.1
				X-Original-Forwarded-For: 203.0.113.9, 192.0.2.1
				X-Original-Forwarded-Host: told.example
				X-Original-URI:`))
			if a.echo.Host != "app.example" {
				t.Errorf("Host is %s", a.echo.Host)
			}
		}
	})
}

// H2: with it they are believed, the address recursively.
func TestH2TrustedProxiesAreBelieved(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "use-forwarded-headers: true\nproxy-real-ip-cidr: 127.0.0.0/8,192.0.2.0/24\nproxy-add-original-uri-header: true")
		a := s.do(request{url: "http://app.example/a/../b?c", fields: forged + "X-Original-URI: /forged"})
		s.wants(a, 200)
		s.got(a, `
			X-Forwarded-For: 203.0.113.9
			X-Real-IP: 203.0.113.9
			X-Forwarded-Host: told.example
			X-Forwarded-Port: 8443
			X-Forwarded-Proto: https
			X-Forwarded-Scheme: https
			X-Scheme: https
			X-Original-Forwarded-For: 203.0.113.9, 192.0.2.1
			X-Original-URI: /a/../b?c`)
		if a.echo.Host != "told.example" {
			t.Errorf("Host is %s", a.echo.Host)
		}
		// What is malformed is not believed.
		a = s.do(request{url: "http://app.example/", fields: "X-Forwarded-For: 1.2.3.4, 5.6.7.8.9\nX-Forwarded-Proto: gopher\nX-Forwarded-Host: a b\nX-Forwarded-Port: 0\n"})
		s.got(a, "X-Forwarded-For: 127.0.0.1\nX-Forwarded-Proto: http\nX-Forwarded-Host: app.example\nX-Forwarded-Port: "+port(s.HTTP))
	})
}

// By default everybody is believed, as in ingress-nginx: the leftmost address holds.
func TestH2EverybodyIsBelievedByDefault(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "use-forwarded-headers: true")
		a := s.do(request{url: "http://app.example/", fields: "X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.7\n"})
		s.got(a, "X-Forwarded-For: 203.0.113.9\nX-Real-IP: 203.0.113.9")
	})
}

// A peer outside of proxy-real-ip-cidr is not believed, neither its address nor scheme,
// port and host, which ingress-nginx would believe of anybody.
func TestH2OthersAreNotBelieved(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "use-forwarded-headers: true\ncompute-full-forwarded-for: true\nproxy-real-ip-cidr: 10.0.0.0/8")
		a := s.do(request{url: "http://app.example/", fields: forged})
		s.got(a, `
			X-Forwarded-For: 127.0.0.1
			X-Real-IP: 127.0.0.1
			X-Forwarded-Host: app.example
			X-Forwarded-Proto: http
			X-Original-Forwarded-For: 203.0.113.9, 192.0.2.1`)
	})
}

// enable-real-ip believes the address alone, in the field that is named.
func TestH2RealIPAlone(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "enable-real-ip: true\nforwarded-for-header: CF-Connecting-IP")
		a := s.do(request{url: "http://app.example/", fields: forged + "CF-Connecting-IP: 198.51.100.4\n"})
		s.got(a, `
			X-Forwarded-For: 198.51.100.4
			X-Real-IP: 198.51.100.4
			X-Forwarded-Proto: http
			X-Forwarded-Host: app.example`)
	})
}

// H3: compute-full-forwarded-for appends the peer.
func TestH3FullForwardedFor(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "use-forwarded-headers: true\ncompute-full-forwarded-for: true")
		a := s.do(request{url: "http://app.example/", fields: forged + "X-Forwarded-For: 10.0.0.7\n"})
		s.got(a, "X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.7, 127.0.0.1\nX-Real-IP: 203.0.113.9")
		s.got(s.get("http://app.example/"), "X-Forwarded-For: 127.0.0.1\nX-Original-Forwarded-For:")
	})
}

// H4: the PROXY header tells the client, and its port 443 means https.
func TestH4ProxyProtocol(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "use-proxy-protocol: true\nforce-ssl-redirect: false\nssl-redirect: false\n"+
			"log-format-upstream: $proxy_protocol_addr $proxy_protocol_server_port $remote_addr $scheme $pass_access_scheme")
		for port, scheme := range map[string]string{"443": "https", "80": "http", "8443": "http"} {
			a := s.raw("PROXY TCP4 198.51.100.4 198.51.100.9 5000 "+port+"\r\n", "GET / HTTP/1.1\r\nHost: app.example\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: close\r\n\r\n")
			s.wants(a, 200)
			s.got(a, strings.NewReplacer("SCHEME", scheme, "PORT", port).Replace(`
				X-Forwarded-For: 198.51.100.4
				X-Real-IP: 198.51.100.4
				X-Forwarded-Port: PORT
				X-Forwarded-Proto: SCHEME
				X-Original-Forwarded-For: 1.2.3.4`))
			s.logs("^198.51.100.4 " + port + " 198.51.100.4 http " + scheme + "$")
		}
	})
}

// H5: a request id is passed on, or made, and is in the log.
func TestH5RequestID(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "")
		s.got(s.do(request{url: "http://app.example/", fields: "X-Request-ID: abc-1\n"}), "X-Request-ID: abc-1")
		s.logs(` abc-1$`)
		id := s.get("http://app.example/").echo.Fields.Get("X-Request-ID")
		if !regexp.MustCompile("^[0-9a-f]{32}$").MatchString(id) {
			t.Errorf("the id made is %q", id)
		}
		s.logs(" " + id + "$")
	})
}

func TestH5NoRequestIDIsMade(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "generate-request-id: false")
		s.got(s.get("http://app.example/"), "X-Request-ID:")
		s.logs(` -$`)
		s.got(s.do(request{url: "http://app.example/", fields: "X-Request-ID: abc-1\n"}), "X-Request-ID: abc-1")
	})
}

// U2: a head may have 32 KiB and a first line of 8, or what the ConfigMap says.
func TestU2HeaderBuffers(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		long := "http://app.example/" + strings.Repeat("a", 12<<10)
		s := configured(t, profile, "")
		s.wants(s.get(long), 414)
		s.wants(s.do(request{url: "http://app.example/", fields: "X-A: " + strings.Repeat("a", 40<<10) + "\n"}), 431)
		s = configured(t, profile, "large-client-header-buffers: 4 16k")
		s.wants(s.get(long), 200)
		s.wants(s.do(request{url: "http://app.example/", fields: "X-A: " + strings.Repeat("a", 40<<10) + "\n"}), 200)
	})
}

// A proxy in front that ends TLS says so, and the client is not sent to https again: by
// a field, or by port 443 in a PROXY header.
func TestH2AndH4NoRedirectForClientsOfHTTPS(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		force := ingress("app", "app.example", "force-ssl-redirect: true", "/ prefix app")
		serving := func(keys string) *site {
			return serve(t, profile, map[string]http.Handler{"app": nil}, configMap(keys)+force, withConfigMap)
		}
		s := serving("use-forwarded-headers: true")
		s.wants(s.get("http://app.example/a"), 308, "Location: https://app.example/a")
		s.wants(s.do(request{url: "http://app.example/a", fields: "X-Forwarded-Proto: https\n"}), 200)
		s = serving("use-forwarded-headers: true\nproxy-real-ip-cidr: 10.0.0.0/8")
		s.wants(s.do(request{url: "http://app.example/a", fields: "X-Forwarded-Proto: https\n"}), 308)
		s = serving("use-proxy-protocol: true")
		const asked = "GET /a HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n"
		s.wants(s.raw("PROXY TCP4 198.51.100.4 198.51.100.9 5000 443\r\n", asked), 200)
		s.wants(s.raw("PROXY TCP4 198.51.100.4 198.51.100.9 5000 80\r\n", asked), 308)
	})
}
