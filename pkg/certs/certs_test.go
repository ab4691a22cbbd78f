package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

// source makes a key pair whose common name is its name.
func source(t testing.TB, name string, dnsNames ...string) Source {
	t.Helper()
	pair := keypair.Like(t, x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: dnsNames})
	return Source{Name: name, Cert: pair.Cert, Key: pair.Key}
}

func newSet(t testing.TB, sources []Source, bindings []Binding, standard string, previous *Set) *Set {
	t.Helper()
	s, err := New(sources, bindings, standard, previous)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFind(t *testing.T) {
	sources := []Source{source(t, "ns/a"), source(t, "ns/wild"), source(t, "ns/standard")}
	bindings := []Binding{
		{"a.example.com", "ns/a"},
		{"*.Example.com", "ns/wild"},
		{"plain.example.com", ""},
		{"MIXED.org", "ns/a"},
	}
	for _, c := range []struct{ serverName, want string }{
		{"a.example.com", "ns/a"},
		{"A.Example.COM", "ns/a"},
		{"b.example.com", "ns/wild"},
		{"B.EXAMPLE.com", "ns/wild"},
		{"mixed.org", "ns/a"},
		// A host of its own does not borrow the wildcard's certificate.
		{"plain.example.com", "ns/standard"},
		{"c.b.example.com", "ns/standard"},
		{"example.com", "ns/standard"},
		{".example.com", "ns/standard"},
		{"", "ns/standard"},
		{"other.org", "ns/standard"},
	} {
		s := newSet(t, sources, bindings, "ns/standard", nil)
		if got := s.Find(c.serverName).Leaf.Subject.CommonName; got != c.want {
			t.Errorf("%q shows %s, want %s", c.serverName, got, c.want)
		}
	}
}

func TestDefaultIsSelfSigned(t *testing.T) {
	s := newSet(t, nil, []Binding{{"a.example.com", ""}}, "", nil)
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
	again := newSet(t, nil, nil, "", nil)
	if again.Default() != s.Default() {
		t.Error("a second one was made")
	}
}

func TestNewRefuses(t *testing.T) {
	good, other := source(t, "ns/a"), source(t, "ns/b")
	for _, c := range []struct {
		sources  []Source
		bindings []Binding
		standard string
		err      string
	}{
		{[]Source{{"ns/a", []byte("x"), good.Key}}, nil, "", "certificate ns/a: tls: failed to find any PEM data in certificate input"},
		{[]Source{{"ns/a", good.Cert, other.Key}}, nil, "", "certificate ns/a: tls: private key does not match public key"},
		{[]Source{good, good}, nil, "", "certificate ns/a occurs twice"},
		{nil, []Binding{{"a.com", "ns/b"}}, "", "server name a.com: there is no certificate ns/b"},
		{[]Source{good}, []Binding{{"a.com", "ns/a"}, {"A.com", ""}}, "", "server name A.com: it occurs twice"},
		{[]Source{good}, []Binding{{"*.a.com", "ns/a"}, {"*.a.com", ""}}, "", "server name *.a.com: it occurs twice"},
		{[]Source{good}, nil, "ns/b", "default certificate: there is no certificate ns/b"},
	} {
		_, err := New(c.sources, c.bindings, c.standard, nil)
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
	first := newSet(t, []Source{a, b}, []Binding{{"a.com", "ns/a"}, {"b.com", "ns/b"}}, "", nil)
	// The same content in other memory, as a new read of the Secret gives it.
	same := Source{"ns/a", append([]byte(nil), a.Cert...), append([]byte(nil), a.Key...)}
	changed := source(t, "ns/b")
	second := newSet(t, []Source{same, changed}, []Binding{{"a.com", "ns/a"}, {"b.com", "ns/b"}}, "", first)
	if second.Find("a.com") != first.Find("a.com") {
		t.Error("an unchanged key pair was parsed again")
	}
	if second.Find("b.com") == first.Find("b.com") {
		t.Error("a changed key pair was not replaced")
	}
	// The same certificate with another key must not be taken for the old one.
	if _, err := New([]Source{{"ns/a", a.Cert, b.Key}}, nil, "", first); err == nil {
		t.Error("a changed key was not noticed")
	}
}

func TestBound(t *testing.T) {
	s := newSet(t, []Source{source(t, "ns/a"), source(t, "ns/b")},
		[]Binding{{"a.com", "ns/a"}, {"b.com", ""}, {"*.c.com", "ns/b"}}, "ns/b", nil)
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

// handshake connects to a server with the Store's settings.
func handshake(t *testing.T, s *Store, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	served := make(chan error, 1)
	go func() {
		defer far.Close()
		far.SetDeadline(time.Now().Add(10 * time.Second))
		served <- tls.Server(far, s.TLSConfig()).Handshake()
	}()
	near.SetDeadline(time.Now().Add(10 * time.Second))
	client.InsecureSkipVerify = true // the test looks at the certificate itself
	conn := tls.Client(near, client)
	if err := conn.Handshake(); err != nil {
		near.Close()
		<-served
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), <-served
}

func TestStoreFollowsPublish(t *testing.T) {
	var store Store
	shown := func(want string) {
		t.Helper()
		state, err := handshake(t, &store, &tls.Config{ServerName: "a.com", NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := state.PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%s is shown, want %s", got, want)
		}
		if state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("version %x, protocol %q", state.Version, state.NegotiatedProtocol)
		}
	}
	shown(selfSignedName)
	store.Publish(newSet(t, []Source{source(t, "ns/old")}, []Binding{{"a.com", "ns/old"}}, "", nil))
	shown("ns/old")
	store.Publish(newSet(t, []Source{source(t, "ns/new")}, []Binding{{"a.com", "ns/new"}}, "", nil))
	shown("ns/new")
}

func TestStoreRefusesOldVersions(t *testing.T) {
	var store Store
	_, err := handshake(t, &store, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	if _, err := handshake(t, &store, &tls.Config{MaxVersion: tls.VersionTLS12}); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
}

func TestStoreGivesNoTickets(t *testing.T) {
	var store Store
	cache := tls.NewLRUClientSessionCache(1)
	for range 2 {
		state, err := handshake(t, &store, &tls.Config{
			ServerName: "a.com", MaxVersion: tls.VersionTLS12, ClientSessionCache: cache})
		if err != nil {
			t.Fatal(err)
		}
		if state.DidResume {
			t.Error("a session was resumed")
		}
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	s := newSet(t, []Source{source(t, "ns/a")}, []Binding{{"a.com", "ns/a"}, {"*.b.com", "ns/a"}}, "", nil)
	if n := testing.AllocsPerRun(100, func() {
		s.Find("a.com")
		s.Find("x.b.com")
		s.Find("other.com")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkNew is what a change costs when none of 10,000 certificates changed.
func BenchmarkNew(b *testing.B) {
	a := source(b, "")
	var sources []Source
	var bindings []Binding
	for i := range 10000 {
		s := Source{fmt.Sprintf("ns/secret-%d", i), a.Cert, a.Key}
		sources = append(sources, s)
		bindings = append(bindings, Binding{fmt.Sprintf("host-%d.example.com", i), s.Name})
	}
	previous := newSet(b, sources, bindings, "", nil)
	b.ReportAllocs()
	for b.Loop() {
		newSet(b, sources, bindings, "", previous)
	}
}
