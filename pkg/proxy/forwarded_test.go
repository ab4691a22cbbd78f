package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// snapshotOf serves nothing, with these settings of listeners.
func snapshotOf(t testing.TB, set func(l *model.Listener)) *snapshot.Snapshot {
	t.Helper()
	config := &model.Config{Listener: model.DefaultListener()}
	set(&config.Listener)
	s, err := snapshot.Compile(config, nil, upstream.NewRegistry(upstream.Config{}), metrics.New(metrics.Labels{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// from is an exchange whose peer is 10.0.0.1, with these field lines.
func from(lines string) *exchange {
	x := &exchange{Exchange: &message.Exchange{
		Remote: netip.MustParseAddrPort("10.0.0.1:5000"), Local: netip.MustParseAddrPort("10.9.9.9:80"),
	}}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		x.Request.Fields.AddName(name, []byte(value))
	}
	return x
}

func TestClientAddress(t *testing.T) {
	for _, c := range []struct{ name, trusted, field, lines, want string }{
		{"none told", "10.0.0.0/8", "", "", "10.0.0.1"},
		{"one", "10.0.0.0/8", "", "X-Forwarded-For: 192.0.2.1", "192.0.2.1"},
		{"through two that are trusted", "10.0.0.0/8", "", "X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"},
		{"all are trusted: the leftmost", "0.0.0.0/0,::/0", "", "X-Forwarded-For: 203.0.113.9, 192.0.2.1", "203.0.113.9"},
		{"two fields", "10.0.0.0/8", "", "X-Forwarded-For: 203.0.113.9\nX-Forwarded-For: 192.0.2.1, 10.0.0.2", "192.0.2.1"},
		{"peer is not trusted", "172.16.0.0/12", "", "X-Forwarded-For: 192.0.2.1", "10.0.0.1"},
		{"nobody is trusted", "", "", "X-Forwarded-For: 192.0.2.1", "10.0.0.1"},
		{"malformed: stop there", "0.0.0.0/0", "", "X-Forwarded-For: 203.0.113.9, x, 192.0.2.1", "192.0.2.1"},
		{"malformed from the start", "0.0.0.0/0", "", "X-Forwarded-For: 203.0.113.9, unknown", "10.0.0.1"},
		{"empty element", "0.0.0.0/0", "", "X-Forwarded-For: 203.0.113.9,", "10.0.0.1"},
		{"empty field", "0.0.0.0/0", "", "X-Forwarded-For: ", "10.0.0.1"},
		{"ports", "0.0.0.0/0,::/0", "", "X-Forwarded-For: [2001:db8::1]:80, 192.0.2.1:81", "2001:db8::1"},
		{"IPv6", "0.0.0.0/0", "", "X-Forwarded-For: 2001:db8::1", "2001:db8::1"},
		{"mapped", "10.0.0.0/8", "", "X-Forwarded-For: 192.0.2.1, ::ffff:10.1.1.1", "192.0.2.1"},
		{"IPv6 in brackets", "0.0.0.0/0", "", "X-Forwarded-For: [2001:db8::1]", "2001:db8::1"},
		{"IPv4 in brackets", "0.0.0.0/0", "", "X-Forwarded-For: [192.0.2.1]", "10.0.0.1"},
		{"brackets", "0.0.0.0/0", "", "X-Forwarded-For: [", "10.0.0.1"},
		{"empty brackets", "0.0.0.0/0", "", "X-Forwarded-For: []", "10.0.0.1"},
		{"port without address", "0.0.0.0/0", "", "X-Forwarded-For: :80", "10.0.0.1"},
		{"zone", "0.0.0.0/0,::/0", "", "X-Forwarded-For: fe80::1%eth0", "10.0.0.1"},
		{"other known field", "10.0.0.0/8", "X-Real-IP", "X-Real-IP: 192.0.2.1\nX-Forwarded-For: 203.0.113.9", "192.0.2.1"},
		{"other field in any case", "10.0.0.0/8", "CF-Connecting-IP", "cf-connecting-ip: 192.0.2.1", "192.0.2.1"},
	} {
		s := snapshotOf(t, func(l *model.Listener) {
			l.TrustedProxies, l.Forwarded.Address = c.trusted, true
			if c.field != "" {
				l.Forwarded.AddressField = c.field
			}
		})
		x := from(c.lines)
		x.believe(&s.Forwarding)
		if got := x.Remote.Addr().String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if x.filters.Forwarded.Scheme != nil || x.filters.Forwarded.Host != nil {
			t.Errorf("%s: more was believed than the address", c.name)
		}
	}
}

func TestWhatIsBelieved(t *testing.T) {
	for _, c := range []struct{ name, lines, scheme, host, port string }{
		{"nothing told", "", "", "", ""},
		{"all", "X-Forwarded-Proto: https\nX-Forwarded-Host: shop.example:8443\nX-Forwarded-Port: 8443", "https", "shop.example:8443", "8443"},
		{"first of lists", "X-Forwarded-Proto: HTTPS, http\nX-Forwarded-Host: a.example , b.example\nX-Forwarded-Port: 443,80", "https", "a.example", "443"},
		{"other schemes", "X-Forwarded-Proto: wss", "", "", ""},
		{"no host", "X-Forwarded-Host: a b", "", "", ""},
		{"empty", "X-Forwarded-Proto: \nX-Forwarded-Host: \nX-Forwarded-Port: ", "", "", ""},
		{"no ports", "X-Forwarded-Port: 0", "", "", ""},
		{"large port", "X-Forwarded-Port: 65536", "", "", ""},
		{"long port", "X-Forwarded-Port: 0000000443", "", "", ""},
		{"name of a port", "X-Forwarded-Port: https", "", "", ""},
	} {
		for _, trusted := range []bool{true, false} {
			s := snapshotOf(t, func(l *model.Listener) {
				l.Forwarded.Fields, l.TrustedProxies = true, "192.168.0.0/16"
				if trusted {
					l.TrustedProxies = "10.0.0.0/8"
				} else {
					c.scheme, c.host, c.port = "", "", ""
				}
			})
			x := from(c.lines)
			x.believe(&s.Forwarding)
			got := &x.filters.Forwarded
			if string(got.Scheme) != c.scheme || string(got.Host) != c.host || string(got.Port) != c.port {
				t.Errorf("%s, trusted %v: %q %q %q", c.name, trusted, got.Scheme, got.Host, got.Port)
			}
		}
	}
}

// A client chooses how many addresses there are: the work is bounded.
func TestHopsAreBounded(t *testing.T) {
	s := snapshotOf(t, func(l *model.Listener) { l.Forwarded.Address = true })
	x := from("X-Forwarded-For: 203.0.113.9" + strings.Repeat(", 10.1.1.1", mostForwarded))
	x.believe(&s.Forwarding)
	if got := x.Remote.Addr().String(); got != "10.1.1.1" {
		t.Error(got)
	}
}

func TestBelieveAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	s := snapshotOf(t, func(l *model.Listener) { l.Forwarded.Fields = true })
	x := from("X-Forwarded-For: 2001:db8::1, [2001:db8::2]:80, 192.0.2.1:5\nX-Forwarded-Proto: https\nX-Forwarded-Host: shop.example\nX-Forwarded-Port: 443")
	bad := from("X-Forwarded-For: 1.2.3.4.5, 1.2.3")
	remote := x.Remote
	if n := testing.AllocsPerRun(100, func() {
		x.Remote = remote
		x.believe(&s.Forwarding)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	// netip makes an error of what is no address; that is at most one for a request.
	if n := testing.AllocsPerRun(100, func() { bad.Remote = remote; bad.believe(&s.Forwarding) }); n > 1 {
		t.Errorf("%v allocations for what is malformed", n)
	}
}

// Whatever a client sends, what is forwarded has the form that it should have.
func FuzzBelieve(f *testing.F) {
	f.Add("192.0.2.1, [::1]:80", "https", "shop.example", "443")
	f.Add(",,", "\x00", "a..b", "-1")
	s := snapshotOf(f, func(l *model.Listener) { l.Forwarded.Fields = true })
	f.Fuzz(func(t *testing.T, addresses, scheme, host, port string) {
		x := from("")
		for name, value := range map[message.Name]string{
			message.XForwardedFor: addresses, message.XForwardedProto: scheme, message.XForwardedHost: host, message.XForwardedPort: port,
		} {
			x.Request.Fields.Add(name, []byte(value))
		}
		x.believe(&s.Forwarding)
		told := &x.filters.Forwarded
		if !x.Remote.IsValid() || x.Remote.Addr().Zone() != "" {
			t.Errorf("%q became %v", addresses, x.Remote)
		}
		if got := string(told.Scheme); got != "" && got != "http" && got != "https" {
			t.Errorf("scheme %q", got)
		}
		if strings.ContainsAny(string(told.Host)+string(told.Port), " ,\t\r\n\"<>@/\\") {
			t.Errorf("host %q, port %q", told.Host, told.Port)
		}
	})
}
