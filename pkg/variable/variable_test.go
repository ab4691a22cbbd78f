package variable

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// proxied is the exchange that most cases begin with: one over TLS with an attempt.
func proxied() *Context {
	ex := &message.Exchange{
		Remote:  netip.MustParseAddrPort("[::ffff:192.0.2.7]:5000"),
		Local:   netip.MustParseAddrPort("10.0.0.1:443"),
		Start:   time.Date(2026, 3, 14, 15, 9, 26, 600e6, time.UTC),
		Session: &message.Session{Number: 77},
		TLS: &tls.ConnectionState{
			Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, CurveID: tls.X25519MLKEM768,
			ServerName: "shop.example", NegotiatedProtocol: "http/1.1",
			PeerCertificates: []*x509.Certificate{{Raw: []byte("abc"), SerialNumber: big.NewInt(0x0abcde)}},
		},
	}
	r := &ex.Request
	r.MethodID, r.Method = message.GET, []byte("GET")
	r.Target, r.Path = []byte("/%63art?id=7&Color=%20red"), []byte("/%63art")
	r.Query, r.HasQuery = []byte("id=7&Color=%20red"), true
	r.Authority, r.Hostname = []byte("Shop.Example:443"), []byte("Shop.Example")
	r.Minor, r.Body = 1, 12
	r.Fields.Add(message.ContentType, []byte("text/plain"))
	r.Fields.Add(message.Cookie, []byte("a=1; SID=xyz"))
	r.Fields.AddName("X-Trace", []byte("t1"))
	r.Fields.Add(message.UserAgent, []byte("curl/8.5"))
	ex.Response.Status, ex.Response.Body = 200, 344
	ex.Response.Fields.AddName("Cache-Control", []byte("no-store"))
	t := &ex.Trace
	t.Status, t.Received, t.Sent, t.BodySent = 200, 135, 512, 344
	t.Complete, t.Ordinal = true, 3
	t.RequestID = []byte("8f14e45fceea167a5a36dedd4bea2543")
	a := t.NextAttempt(netip.MustParseAddrPort("10.0.0.4:8080"))
	a.Status, a.Length, a.Connect, a.Head, a.Total = 200, 344, 2*time.Millisecond, 30*time.Millisecond, 41*time.Millisecond
	return &Context{
		Exchange: ex, Path: []byte("/cart"), Elapsed: 742 * time.Millisecond, User: []byte("alice"),
		Route: &Route{
			Namespace: "default", Ingress: "shop", Service: "cart", Port: "http",
			Host: "*.example", Path: "/cart", Upstream: "default-cart-http",
		},
		Forwarded: Forwarded{Peer: netip.MustParseAddrPort("198.51.100.9:6000"), Proxied: true},
		Client:    &Client{Verify: "SUCCESS", Subject: "CN=alice", Issuer: "CN=ca", Certificate: "-----BEGIN%20"},
	}
}

// inUTC makes local time UTC for a test.
func inUTC(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
}

// usual are the values of all variables for proxied.
var usual = map[string]string{
	"args":                            "id=7&Color=%20red",
	"arg_NAME":                        "%20red", // of color
	"best_http_host":                  "Shop.Example:443",
	"content_length":                  "12",
	"content_type":                    "text/plain",
	"cookie_NAME":                     "xyz", // of sid
	"document_uri":                    "/cart",
	"escaped_request_uri":             "%2F%2563art%3Fid%3D7%26Color%3D%2520red",
	"host":                            "shop.example",
	"http2":                           "",
	"http_NAME":                       "t1", // of x_trace
	"http_host":                       "Shop.Example:443",
	"is_args":                         "?",
	"proxy_add_x_forwarded_for":       "192.0.2.7",
	"query_string":                    "id=7&Color=%20red",
	"remote_user":                     "alice",
	"req_id":                          "8f14e45fceea167a5a36dedd4bea2543",
	"request":                         "GET /%63art?id=7&Color=%20red HTTP/1.1",
	"request_id":                      "8f14e45fceea167a5a36dedd4bea2543",
	"request_length":                  "135",
	"request_method":                  "GET",
	"request_uri":                     "/%63art?id=7&Color=%20red",
	"server_protocol":                 "HTTP/1.1",
	"uri":                             "/cart",
	"connection":                      "77",
	"connection_requests":             "3",
	"gzip_ratio":                      "",
	"pipe":                            ".",
	"proxy_protocol_addr":             "198.51.100.9",
	"proxy_protocol_port":             "6000",
	"proxy_protocol_server_addr":      "10.0.0.1",
	"proxy_protocol_server_port":      "443",
	"realip_remote_addr":              "198.51.100.9",
	"realip_remote_port":              "6000",
	"request_completion":              "OK",
	"ssl_early_data":                  "",
	"ssl_session_id":                  "",
	"upstream_cache_status":           "",
	"binary_remote_addr":              "\xc0\x00\x02\x07",
	"https":                           "on",
	"pass_access_scheme":              "https",
	"pass_port":                       "443",
	"pass_server_port":                "443",
	"remote_addr":                     "192.0.2.7",
	"remote_port":                     "5000",
	"scheme":                          "https",
	"server_addr":                     "10.0.0.1",
	"server_port":                     "443",
	"the_real_ip":                     "192.0.2.7",
	"ssl_alpn_protocol":               "http/1.1",
	"ssl_cipher":                      "TLS_AES_128_GCM_SHA256",
	"ssl_client_escaped_cert":         "-----BEGIN%20",
	"ssl_client_fingerprint":          "a9993e364706816aba3e25717850c26c9cd0d89d", // FIPS 180, of "abc"
	"ssl_client_i_dn":                 "CN=ca",
	"ssl_client_s_dn":                 "CN=alice",
	"ssl_client_serial":               "0ABCDE",
	"ssl_client_verify":               "SUCCESS",
	"ssl_curve":                       "X25519MLKEM768",
	"ssl_protocol":                    "TLSv1.3",
	"ssl_server_name":                 "shop.example",
	"ssl_session_reused":              ".",
	"ingress_name":                    "shop",
	"location_path":                   "/cart",
	"namespace":                       "default",
	"proxy_alternative_upstream_name": "",
	"proxy_host":                      "default-cart-http",
	"proxy_upstream_name":             "default-cart-http",
	"server_name":                     "*.example",
	"service_name":                    "cart",
	"service_port":                    "http",
	"body_bytes_sent":                 "344",
	"bytes_sent":                      "512",
	"request_time":                    "0.742",
	"sent_http_NAME":                  "no-store", // of cache_control
	"sent_http_content_length":        "344",
	"status":                          "200",
	"upstream_addr":                   "10.0.0.4:8080",
	"upstream_connect_time":           "0.002",
	"upstream_header_time":            "0.030",
	"upstream_response_length":        "344",
	"upstream_response_time":          "0.041",
	"upstream_status":                 "200",
	"msec":                            "1773500967.342",
	"time_iso8601":                    "2026-03-14T15:09:27+00:00",
	"time_local":                      "14/Mar/2026:15:09:27 +0000",
	"pid":                             strconv.Itoa(os.Getpid()),
	"hostname":                        hostName,
}

// spelled is a name that a row of the Table stands for.
func spelled(name string) string {
	switch name {
	case "arg_NAME":
		return "arg_color"
	case "cookie_NAME":
		return "cookie_sid"
	case "http_NAME":
		return "http_x_trace"
	case "sent_http_NAME":
		return "sent_http_cache_control"
	}
	return name
}

func TestEachVariable(t *testing.T) {
	inUTC(t)
	c := proxied()
	if len(usual) != len(Table) {
		t.Errorf("%d values for %d variables", len(usual), len(Table))
	}
	for _, v := range Table {
		e, err := Compile("${"+spelled(v.Name)+"}", v.Known)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		want, there := usual[v.Name]
		if got := string(e.Append(nil, c)); got != want || !there {
			t.Errorf("$%s is %q, want %q", v.Name, got, want)
		}
		if v.Help == "" || !strings.HasSuffix(v.Help, ".") || v.Source == "" {
			t.Errorf("%s has no help", v.Name)
		}
	}
}

func TestValues(t *testing.T) {
	inUTC(t)
	basic := func(user string) []byte {
		return []byte("Basic " + base64.StdEncoding.EncodeToString([]byte(user)))
	}
	for _, c := range []struct {
		name   string
		change func(c *Context, ex *message.Exchange)
		text   string
		want   string // escaped by default
	}{
		{
			name: "text around variables", text: "<${scheme}://$host$request_uri>",
			want: "<https://shop.example/%63art?id=7&Color=%20red>",
		},
		{name: "names in any case", text: "$Host ${ARG_ID} $http_X_Trace", want: "shop.example 7 t1"},
		{
			name:   "nothing is known of an empty exchange",
			change: func(c *Context, ex *message.Exchange) { *c = Context{Exchange: new(message.Exchange)} },
			text: "$args $arg_a $host $http_host $http_a $cookie_a $remote_user $request_uri $escaped_request_uri $uri " +
				"$remote_addr $remote_port $binary_remote_addr $proxy_add_x_forwarded_for $ssl_protocol $namespace " +
				"$upstream_addr $upstream_status $sent_http_a $sent_http_content_length $content_length $req_id",
			want: strings.TrimSpace(strings.Repeat("- ", 22)),
		},
		{
			name:   "what is empty rather than absent",
			change: func(c *Context, ex *message.Exchange) { *c = Context{Exchange: new(message.Exchange)} },
			text:   "[$is_args$https$http2$proxy_alternative_upstream_name]", want: "[]",
		},
		{
			name:   "no status sent",
			change: func(c *Context, ex *message.Exchange) { ex.Trace.Status = 0 },
			text:   "$status $sent_http_cache_control $sent_http_content_length", want: "499 - -",
		},

		// Queries.
		{
			name:   "an empty query is none, as in nginx",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Query = nil },
			text:   "$args[$is_args]", want: "-[]",
		},
		{
			name:   "arguments: the first of a name that has a value, in any case, not decoded",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Query = []byte("xa=0&a&A=%31&a=2&b=&c=x=y&&") },
			text:   "$arg_a $arg_xa [$arg_b] $arg_c $arg_d", want: "%31 0 [] x=y -",
		},

		// Fields.
		{
			name: "repeated fields",
			change: func(c *Context, ex *message.Exchange) {
				f := &ex.Request.Fields
				f.AddName("x-tRACE", []byte("t2"))
				f.Add(message.Cookie, []byte("b=2"))
				f.Add(message.XForwardedFor, []byte("192.0.2.1"))
				f.Add(message.XForwardedFor, []byte("192.0.2.2"))
			},
			text: "$http_x_trace|$http_cookie|$http_x_forwarded_for|$proxy_add_x_forwarded_for",
			want: "t1, t2|a=1; SID=xyz; b=2|192.0.2.1, 192.0.2.2|192.0.2.1, 192.0.2.2, 192.0.2.7",
		},
		{
			name: "an underscore in a field name is not a hyphen",
			change: func(c *Context, ex *message.Exchange) {
				ex.Request.Fields.DelName("X-Trace")
				ex.Request.Fields.AddName("X_Trace", []byte("forged"))
			},
			text: "$http_x_trace", want: "-",
		},
		{
			name:   "empty and absent fields",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Fields.Set(message.UserAgent, nil) },
			text:   `"$http_user_agent" "$http_referer"`, want: `"" "-"`,
		},
		{
			name: "odd bytes",
			change: func(c *Context, ex *message.Exchange) {
				ex.Request.Fields.Set(message.UserAgent, []byte("a\"\\\x00\x1f\x7f\xff\u00e9~ "))
			},
			text: `"$http_user_agent"`, want: `"a\x22\x5C\x00\x1F\x7F\xFF\xC3\xA9~ "`,
		},
		{
			name:   "content_length as received",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Fields.Add(message.ContentLength, []byte("0012")) },
			text:   "$content_length", want: "0012",
		},
		{
			name:   "a body in chunks has no length",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Body = message.Chunked },
			text:   "$content_length", want: "-",
		},

		// Cookies.
		{
			name: "cookies: the first of a name, over several fields, quotes kept",
			change: func(c *Context, ex *message.Exchange) {
				f := &ex.Request.Fields
				f.Set(message.Cookie, []byte(`xa=0; a ; A="1;2" ;a=3;b=`))
				f.Add(message.Cookie, []byte("c=x=y,d=4"))
			},
			text: "$cookie_a $cookie_xa [$cookie_b] $cookie_c $cookie_d", want: `\x221 0 [] x=y,d=4 -`,
		},

		// Hosts.
		{
			name:   "host without the root's dot, IPv6 in brackets",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Hostname = []byte("SHOP.example.") },
			text:   "$host", want: "shop.example",
		},
		{
			name:   "IPv6 in brackets",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Hostname = []byte("[2001:DB8::1]") },
			text:   "$host", want: "[2001:db8::1]",
		},
		{
			name: "a long host",
			change: func(c *Context, ex *message.Exchange) {
				ex.Request.Hostname = []byte(strings.Repeat("Label.", 40) + "Example")
			},
			text: "$host", want: strings.Repeat("label.", 40) + "example",
		},
		{
			name:   "no host",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Hostname, ex.Request.Authority = nil, nil },
			text:   "$host $http_host", want: "*.example -",
		},
		{
			name: "a trusted proxy in front",
			change: func(c *Context, ex *message.Exchange) {
				c.Forwarded = Forwarded{Scheme: []byte("http"), Host: []byte("front.example"), Port: []byte("80")}
			},
			text: "$pass_access_scheme $best_http_host $pass_port $scheme $http_host $server_port",
			want: "http front.example 80 https Shop.Example:443 443",
		},

		// Addresses and versions.
		{
			name: "IPv6",
			change: func(c *Context, ex *message.Exchange) {
				ex.Remote = netip.MustParseAddrPort("[2001:db8::1%eth0]:5000")
				ex.Trace.Attempts[0].Addr = netip.MustParseAddrPort("[2001:db8::2]:8080")
			},
			text: "$remote_addr $binary_remote_addr $upstream_addr",
			want: `2001:db8::1  \x01\x0D\xB8` + strings.Repeat(`\x00`, 11) + `\x01 [2001:db8::2]:8080`,
		},
		{
			name:   "HTTP/1.0 without TLS",
			change: func(c *Context, ex *message.Exchange) { ex.Request.Minor, ex.TLS = 0, nil },
			text:   "$server_protocol $scheme [$https] $ssl_protocol $ssl_client_verify $ssl_session_reused",
			want:   "HTTP/1.0 http [] - - -",
		},
		{
			name:   "HTTP/2",
			change: func(c *Context, ex *message.Exchange) { ex.Request.HTTP2 = true },
			text:   "$server_protocol $http2 $request", want: "HTTP/2.0 h2 GET /%63art?id=7&Color=%20red HTTP/2.0",
		},
		{
			name:   "HTTP/2 without TLS",
			change: func(c *Context, ex *message.Exchange) { ex.Request.HTTP2, ex.TLS = true, nil },
			text:   "$http2", want: "h2c",
		},
		{
			name: "TLS 1.2, resumed",
			change: func(c *Context, ex *message.Exchange) {
				ex.TLS.Version, ex.TLS.CipherSuite = tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
				ex.TLS.CurveID, ex.TLS.DidResume = tls.CurveP256, true
			},
			text: "$ssl_protocol $ssl_cipher $ssl_curve $ssl_session_reused",
			want: "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 prime256v1 r",
		},
		{
			name:   "no certificate of the client",
			change: func(c *Context, ex *message.Exchange) { ex.TLS.PeerCertificates, c.Client = nil, nil },
			text:   "$ssl_client_verify $ssl_client_s_dn $ssl_client_serial $ssl_client_fingerprint", want: "NONE - - -",
		},
		{
			name:   "a certificate that nobody looked at is not said to be good",
			change: func(c *Context, ex *message.Exchange) { c.Client = nil },
			text:   "$ssl_client_verify $ssl_client_s_dn", want: "- -",
		},
		{
			name: "a serial number without end",
			change: func(c *Context, ex *message.Exchange) {
				ex.TLS.PeerCertificates[0].SerialNumber = new(big.Int).Lsh(big.NewInt(1), 5000)
			},
			text: "$ssl_client_serial", want: "-",
		},

		// Users.
		{
			name: "user of Basic credentials",
			change: func(c *Context, ex *message.Exchange) {
				c.User = nil
				ex.Request.Fields.Add(message.Authorization, basic("b\nob:secret:er"))
			},
			text: "$remote_user", want: `b\x0Aob`,
		},
		{
			name: "no user",
			change: func(c *Context, ex *message.Exchange) {
				c.User = nil
				ex.Request.Fields.Add(message.Authorization, basic(":secret"))
			},
			text: "$remote_user", want: "-",
		},
		{
			name: "a user that is too long",
			change: func(c *Context, ex *message.Exchange) {
				c.User = nil
				ex.Request.Fields.Add(message.Authorization, basic(strings.Repeat("b", 255)+":secret"))
			},
			text: "$remote_user", want: "-",
		},
		{
			name: "no Basic credentials",
			change: func(c *Context, ex *message.Exchange) {
				c.User = nil
				ex.Request.Fields.Add(message.Authorization, []byte("Bearer YWxpY2U6c2VjcmV0"))
			},
			text: "$remote_user", want: "-",
		},

		// Responses and attempts.
		{
			name: "several attempts",
			change: func(c *Context, ex *message.Exchange) {
				first := ex.Trace.Attempts[0]
				ex.Trace.Tried = 0
				ex.Trace.NextAttempt(netip.MustParseAddrPort("10.0.0.5:8080")).Total = 5 * time.Second // no connection
				a := ex.Trace.NextAttempt(netip.MustParseAddrPort("10.0.0.6:8080"))
				a.Reused, a.Head, a.Total = true, time.Second, time.Second // no answer
				*ex.Trace.NextAttempt(first.Addr) = first
			},
			text: "$upstream_addr|$upstream_status|$upstream_connect_time|$upstream_header_time|$upstream_response_time|$upstream_response_length",
			want: "10.0.0.5:8080, 10.0.0.6:8080, 10.0.0.4:8080|-, -, 200|-, 0.000, 0.002|-, -, 0.030|5.000, 1.000, 0.041|0, 0, 344",
		},
		{
			name: "more attempts than are recorded",
			change: func(c *Context, ex *message.Exchange) {
				for range 5 {
					ex.Trace.NextAttempt(netip.MustParseAddrPort("10.0.0.9:8080"))
				}
			},
			text: "$upstream_addr", want: "10.0.0.4:8080, 10.0.0.9:8080, 10.0.0.9:8080",
		},
		{
			name:   "a response in chunks has no length",
			change: func(c *Context, ex *message.Exchange) { ex.Response.Body = message.Chunked },
			text:   "$sent_http_content_length", want: "-",
		},
		{
			name: "the length that HEAD is told",
			change: func(c *Context, ex *message.Exchange) {
				ex.Request.MethodID, ex.Response.Body, ex.Response.Length = message.HEAD, message.None, 99
			},
			text: "$sent_http_content_length", want: "99",
		},
		{
			name: "HEAD without a length",
			change: func(c *Context, ex *message.Exchange) {
				ex.Request.MethodID, ex.Response.Body, ex.Response.Length = message.HEAD, message.None, -1
			},
			text: "$sent_http_content_length", want: "-",
		},
		{
			name:   "a clock that was set back",
			change: func(c *Context, ex *message.Exchange) { c.Elapsed = -time.Second },
			text:   "$request_time", want: "0.000",
		},
		{
			name:   "an upstream in place of the route's",
			change: func(c *Context, ex *message.Exchange) { c.Alternative = "default-canary-80" },
			text:   "[$proxy_upstream_name] [$proxy_alternative_upstream_name]", want: "[default-cart-http] [default-canary-80]",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Compile(c.text, Log)
			if err != nil {
				t.Fatal(err)
			}
			ctx := proxied()
			if c.change != nil {
				c.change(ctx, ctx.Exchange)
			}
			if got := string(e.AppendEscaped(nil, ctx, EscapeDefault, noBound)); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
			}
		})
	}
}

// RC4 and 3DES are never on, and have no name.
func TestCipherNames(t *testing.T) {
	seen := map[string]bool{"": true}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if strings.Contains(s.Name, "RC4") || strings.Contains(s.Name, "3DES") {
			continue
		}
		name := cipher(s.ID)
		if seen[name] {
			t.Errorf("%s is called %q", s.Name, name)
		}
		seen[name] = true
		isTLS13 := slices.Equal(s.SupportedVersions, []uint16{tls.VersionTLS13})
		if isTLS13 && name != s.Name || !isTLS13 && strings.HasPrefix(name, "TLS") {
			t.Errorf("%s is called %q", s.Name, name)
		}
	}
}
