package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// source makes a key pair whose common name is its name.
func source(t testing.TB, name string, dnsNames ...string) Source {
	t.Helper()
	pair := keypair.Like(t, x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: dnsNames})
	return Source{Name: name, Cert: pair.Cert, Key: pair.Key}
}

// bind is a Binding with a certificate and nothing else.
func bind(serverName, certificate string) Binding {
	return Binding{ServerName: serverName, Certificate: certificate}
}

func TestFind(t *testing.T) {
	s := newSet(t, Config{
		Sources: []Source{source(t, "ns/a"), source(t, "ns/wild"), source(t, "ns/standard")},
		Bindings: []Binding{
			bind("a.example.com", "ns/a"), bind("*.Example.com", "ns/wild"), bind("plain.example.com", ""), bind("MIXED.org", "ns/a"),
			{ServerName: "only.tls.com", Certificate: "ns/a", Unrouted: true},
		},
		Default: "ns/standard",
	}, nil)
	for _, c := range []struct{ serverName, want string }{
		{"a.example.com", "ns/a"},
		{"A.Example.COM", "ns/a"},
		{"b.example.com", "ns/wild"},
		{"B.EXAMPLE.com", "ns/wild"},
		{"mixed.org", "ns/a"},
		{"only.tls.com", "ns/a"},
		// A host of its own does not borrow the wildcard's certificate.
		{"plain.example.com", "ns/standard"},
		{"c.b.example.com", "ns/standard"},
		{"example.com", "ns/standard"},
		{".example.com", "ns/standard"},
		{"", "ns/standard"},
		{"other.org", "ns/standard"},
	} {
		if got := s.Find(c.serverName).Leaf.Subject.CommonName; got != c.want {
			t.Errorf("%q shows %s, want %s", c.serverName, got, c.want)
		}
	}
}

func TestDefaultIsSelfSigned(t *testing.T) {
	s := newSet(t, Config{Bindings: []Binding{bind("a.example.com", "")}}, nil)
	leaf := s.Find("a.example.com").Leaf
	if s.Default().Leaf != leaf {
		t.Error("the default certificate is another one")
	}
	if leaf.Subject.CommonName != "Kubernetes Ingress Controller Fake Certificate" {
		t.Errorf("common name %q", leaf.Subject.CommonName)
	}
	if err := leaf.VerifyHostname("ingress.local"); err != nil {
		t.Error(err)
	}
	if now := time.Now(); now.Before(leaf.NotBefore) || leaf.NotAfter.Before(now.AddDate(1, 0, 0)) {
		t.Errorf("valid from %s to %s", leaf.NotBefore, leaf.NotAfter)
	}
	if err := leaf.CheckSignatureFrom(leaf); err == nil {
		t.Error("the certificate may sign others")
	}
	if newSet(t, Config{}, nil).Default() != s.Default() {
		t.Error("a second one was made")
	}
}

func TestNewRefuses(t *testing.T) {
	good, other := source(t, "ns/a"), source(t, "ns/b")
	mtls := func(tls model.HostTLS) []Binding { return []Binding{{ServerName: "a.com", TLS: tls}} }
	for _, c := range []struct {
		config Config
		err    string
	}{
		{Config{Sources: []Source{{Name: "ns/a", Cert: []byte("x"), Key: good.Key}}}, "certificate ns/a: tls: failed to find any PEM data in certificate input"},
		{Config{Sources: []Source{{Name: "ns/a", Cert: good.Cert, Key: other.Key}}}, "certificate ns/a: tls: private key does not match public key"},
		{Config{Sources: []Source{good, good}}, "certificate ns/a occurs twice"},
		{Config{Bindings: []Binding{bind("a.com", "ns/b")}}, "server name a.com: there is no certificate ns/b"},
		{Config{Sources: []Source{good}, Bindings: []Binding{bind("a.com", "ns/a"), bind("A.com", "")}}, "server name A.com: it occurs twice"},
		{Config{Sources: []Source{good}, Bindings: []Binding{bind("*.a.com", "ns/a"), bind("*.a.com", "")}}, "server name *.a.com: it occurs twice"},
		{Config{Bindings: []Binding{bind("a.com", ""), {ServerName: "a.com", Unrouted: true}}}, "server name a.com: it occurs twice"},
		{Config{Bindings: []Binding{{}, {}}}, "server name : it occurs twice"},
		{Config{Sources: []Source{good}, Default: "ns/b"}, "default certificate: there is no certificate ns/b"},
		{Config{Authorities: []model.Authority{{Name: "ns/x"}, {Name: "ns/x"}}}, "authority ns/x occurs twice"},
		{Config{Bindings: mtls(model.HostTLS{ClientAuth: model.ClientAuthOn})}, `server name a.com: there is no authority ""`},
		{Config{Bindings: mtls(model.HostTLS{ClientAuth: model.ClientAuthNoCA, Authority: "ns/x"})}, `server name a.com: there is no authority "ns/x"`},
		{Config{Bindings: mtls(model.HostTLS{ClientAuth: "maybe"})}, `server name a.com: there is no client authentication "maybe"`},
		{Config{Listener: model.ListenerTLS{Protocols: "TLSv1.1"}}, "listener: protocol TLSv1.1 is no longer safe to use: there are TLSv1.2 and TLSv1.3"},
		{Config{Listener: model.ListenerTLS{Ciphers: "DES-CBC3-SHA"}}, `listener: none of the ciphers "DES-CBC3-SHA" is supported`},
		{Config{Listener: model.ListenerTLS{Curves: "X448"}}, `listener: none of the curves "X448" is supported`},
	} {
		_, err := New(c.config, nil)
		if err == nil || err.Error() != c.err {
			t.Errorf("error %v, want %s", err, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("error shows a key: %v", err)
		}
	}
}

func TestUnchangedPairsAreReused(t *testing.T) {
	a, b := source(t, "ns/a"), source(t, "ns/b")
	bindings := []Binding{bind("a.com", "ns/a"), bind("b.com", "ns/b"), bind("also-a.com", "ns/a")}
	first := newSet(t, Config{Sources: []Source{a, b}, Bindings: bindings}, nil)
	// The same content in other memory, as a new read of the Secret gives it.
	same := Source{Name: "ns/a", Cert: slices.Clone(a.Cert), Key: slices.Clone(a.Key)}
	changed := source(t, "ns/b")
	second := newSet(t, Config{Sources: []Source{same, changed}, Bindings: bindings}, first)
	if second.Find("a.com") != first.Find("a.com") {
		t.Error("an unchanged key pair was parsed again")
	}
	if second.exact["a.com"].config != first.exact["a.com"].config || second.exact["also-a.com"] != second.exact["a.com"] {
		t.Error("names with equal settings do not share them")
	}
	if second.Find("b.com") == first.Find("b.com") {
		t.Error("a changed key pair was not replaced")
	}
	// The same certificate with another key must not be taken for the old one.
	if _, err := New(Config{Sources: []Source{{Name: "ns/a", Cert: a.Cert, Key: b.Key}}}, first); err == nil {
		t.Error("a changed key was not noticed")
	}
	third := newSet(t, Config{Sources: []Source{a, changed}, Bindings: bindings, Listener: model.ListenerTLS{Protocols: "TLSv1.3"}}, second)
	if third.exact["a.com"].config == second.exact["a.com"].config {
		t.Error("settings were taken over though those of the listener have changed")
	}
}

func TestBound(t *testing.T) {
	s := newSet(t, Config{
		Sources:  []Source{source(t, "ns/a"), source(t, "ns/b")},
		Bindings: []Binding{bind("a.com", "ns/a"), bind("b.com", ""), bind("*.c.com", "ns/b")},
		Default:  "ns/b",
	}, nil)
	var got []string
	for b, cert := range s.Bound() {
		got = append(got, b.ServerName+" "+cert.Leaf.Subject.CommonName)
	}
	if want := "[a.com ns/a *.c.com ns/b]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	for range s.Bound() {
		break // stops early without complaint
	}
}

func TestStoreFollowsPublish(t *testing.T) {
	var store Store
	shown := func(want string) {
		t.Helper()
		state := mustShake(t, &store, &tls.Config{ServerName: "a.com", NextProtos: []string{"h2", "http/1.1"}})
		if got := state.PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%s is shown, want %s", got, want)
		}
		if state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("version %x, protocol %q", state.Version, state.NegotiatedProtocol)
		}
	}
	shown(selfSignedName)
	store.Publish(newSet(t, Config{Sources: []Source{source(t, "ns/old")}, Bindings: []Binding{bind("a.com", "ns/old")}}, nil))
	shown("ns/old")
	open, err := connect(t, store.TLSConfig(), &tls.Config{ServerName: "a.com", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	store.republish(t, Config{Sources: []Source{source(t, "ns/new")}, Bindings: []Binding{bind("a.com", "ns/new")}})
	shown("ns/new")
	open.echo(t) // notices nothing
}

func TestLookupsAllocateNothing(t *testing.T) {
	store := published(t, Config{Sources: []Source{source(t, "ns/a")}, Bindings: []Binding{bind("a.com", "ns/a"), bind("*.b.com", "ns/a")}})
	s := store.set.Load()
	hello := &tls.ClientHelloInfo{ServerName: "x.b.com"}
	if n := testing.AllocsPerRun(100, func() {
		s.Find("a.com")
		s.Find("other.com")
		s.ClientAuth("x.b.com")
		config, _ := store.config(hello)
		_, _ = config.GetCertificate(hello)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// many is a configuration of 10,000 hosts with a certificate each.
func many(b *testing.B) Config {
	a := source(b, "")
	c := Config{HTTP2: true}
	for i := range 10000 {
		s := Source{Name: fmt.Sprintf("ns/secret-%d", i), Cert: a.Cert, Key: a.Key}
		c.Sources = append(c.Sources, s)
		c.Bindings = append(c.Bindings, bind(fmt.Sprintf("host-%d.example.com", i), s.Name))
	}
	return c
}

// BenchmarkNew is what a change costs of one of 10,000 certificates.
func BenchmarkNew(b *testing.B) {
	config := many(b)
	set := newSet(b, config, nil)
	one := []Source{source(b, "ns/secret-5000"), source(b, "ns/secret-5000")}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		config.Sources[5000] = one[i%2]
		set = newSet(b, config, set)
	}
}

// BenchmarkNewListener is what a change costs of a setting of all hosts.
func BenchmarkNewListener(b *testing.B) {
	config := many(b)
	set := newSet(b, config, nil)
	b.ReportAllocs()
	for b.Loop() {
		config.HTTP2 = !config.HTTP2
		set = newSet(b, config, set)
	}
}
