package certs

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestProtocolsOfHosts(t *testing.T) {
	for _, c := range []struct {
		name              string
		http2             bool
		listener          model.ListenerTLS
		host              model.HostTLS
		serverName, offer string
		want              string
	}{
		{"both", true, model.ListenerTLS{}, model.HostTLS{}, "a.com", "h2 http/1.1", "h2"},
		{"not for the listener", false, model.ListenerTLS{}, model.HostTLS{}, "a.com", "h2 http/1.1", "http/1.1"},
		{"not for the host", true, model.ListenerTLS{}, model.HostTLS{NoHTTP2: true}, "a.com", "h2 http/1.1", "http/1.1"},
		{"another host", true, model.ListenerTLS{}, model.HostTLS{NoHTTP2: true}, "b.com", "h2 http/1.1", "h2"},
		{"the client has none", true, model.ListenerTLS{}, model.HostTLS{}, "a.com", "", ""},
		{"ciphers that HTTP/2 forbids", true, model.ListenerTLS{}, model.HostTLS{Ciphers: "ECDHE-ECDSA-AES128-SHA"}, "a.com", "h2 http/1.1", "http/1.1"},
		{"which do not count in TLS 1.3", true, model.ListenerTLS{Protocols: "TLSv1.3"}, model.HostTLS{Ciphers: "ECDHE-ECDSA-AES128-SHA"}, "a.com", "h2 http/1.1", "h2"},
	} {
		store := published(t, Config{HTTP2: c.http2, Listener: c.listener, Bindings: []Binding{{ServerName: "a.com", TLS: c.host}}})
		state := mustShake(t, store, &tls.Config{ServerName: c.serverName, NextProtos: strings.Fields(c.offer)})
		if state.NegotiatedProtocol != c.want {
			t.Errorf("%s: %q", c.name, state.NegotiatedProtocol)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		protocols string
		client    uint16
		ok        bool
	}{
		{"", tls.VersionTLS11, false},
		{"", tls.VersionTLS12, true},
		{"", tls.VersionTLS13, true},
		{"TLSv1.2", tls.VersionTLS12, true},
		{"TLSv1.2", tls.VersionTLS13, false},
		{"TLSv1.3", tls.VersionTLS12, false},
		{"TLSv1.3", tls.VersionTLS13, true},
	} {
		store := published(t, Config{Listener: model.ListenerTLS{Protocols: c.protocols}})
		state, err := handshake(t, store, &tls.Config{MinVersion: c.client, MaxVersion: c.client})
		if (err == nil) != c.ok || err == nil && state.Version != c.client {
			t.Errorf("%q with version %x: %x, error %v", c.protocols, c.client, state.Version, err)
		}
	}
	if _, err := handshake(t, new(Store), &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was accepted before the first Set")
	}
}

func TestCiphersOfHosts(t *testing.T) {
	store := published(t, Config{
		Listener: model.ListenerTLS{Ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"},
		Bindings: []Binding{
			bind("a.com", ""),
			{ServerName: "b.com", TLS: model.HostTLS{Ciphers: "ECDHE-ECDSA-AES256-SHA:DHE-RSA-AES256-SHA"}},
			{ServerName: "broken.com", TLS: model.HostTLS{Ciphers: "nonsense"}},
		},
	})
	for _, c := range []struct {
		serverName string
		offer      []uint16
		want       uint16 // 0: none
	}{
		{"a.com", []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
		{"a.com", []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, 0},
		{"b.com", nil, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA},
		{"b.com", []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}, 0},
		{"broken.com", nil, 0}, // not with the listener's
	} {
		state, err := handshake(t, store, &tls.Config{ServerName: c.serverName, CipherSuites: c.offer, MaxVersion: tls.VersionTLS12})
		if (err == nil) != (c.want != 0) || err == nil && state.CipherSuite != c.want {
			t.Errorf("%s: %s, error %v", c.serverName, tls.CipherSuiteName(state.CipherSuite), err)
		}
	}
	if problems := store.set.Load().Problems(); len(problems) != 1 ||
		problems[0].Error() != `server name broken.com: none of the ciphers "nonsense" is supported` {
		t.Errorf("problems %v", problems)
	}
}

func TestCurves(t *testing.T) {
	store := published(t, Config{Listener: model.ListenerTLS{Curves: "X25519MLKEM768:secp384r1"}})
	for _, c := range []struct {
		offer tls.CurveID
		ok    bool
	}{{tls.X25519MLKEM768, true}, {tls.CurveP384, true}, {tls.X25519, false}, {tls.CurveP256, false}} {
		state, err := handshake(t, store, &tls.Config{CurvePreferences: []tls.CurveID{c.offer}, MinVersion: tls.VersionTLS13})
		if (err == nil) != c.ok || err == nil && state.CurveID != c.offer {
			t.Errorf("%v: %v, error %v", c.offer, state.CurveID, err)
		}
	}
}

func TestRejectUnknown(t *testing.T) {
	root := newRoot(t, "root")
	config := Config{
		Sources:     []Source{source(t, "ns/a")},
		Authorities: []model.Authority{authorityOf("ns/ca", root)},
		Listener:    model.ListenerTLS{RejectUnknown: true, Tickets: true},
		Bindings: []Binding{
			{TLS: model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/ca"}},
			bind("a.com", "ns/a"), bind("*.wild.com", ""),
			{ServerName: "tls.com", Certificate: "ns/a", Unrouted: true},
			{ServerName: "bare.com", Unrouted: true},
			{ServerName: "x.wild.com", Unrouted: true},
		},
	}
	store := published(t, config)
	for _, version := range twoVersions {
		for _, c := range []struct {
			serverName string
			ok         bool
		}{
			{"a.com", true}, {"A.com", true}, {"y.wild.com", true}, {"x.wild.com", true}, {"tls.com", true},
			{"bare.com", false}, {"b.com", false}, {"", false}, {"a.y.wild.com", false},
		} {
			_, err := handshake(t, store, &tls.Config{ServerName: c.serverName, MinVersion: version, MaxVersion: version})
			if c.ok != (err == nil) || !c.ok && !strings.HasSuffix(message(err), "tls: unrecognized name") {
				t.Errorf("%q with version %x: error %v", c.serverName, version, err)
			}
		}
	}
	set := store.set.Load()
	// Requests for other names may come over connections to known ones.
	if set.ClientAuth("b.com") == nil || set.ClientAuth("a.com") != nil {
		t.Error("the host of all other names is not the one that requests are routed by")
	}
	config.Listener.RejectUnknown = false
	store.republish(t, config)
	mustShake(t, store, &tls.Config{ServerName: "b.com"})
}

// TestUnroutedNames makes sure that a name without a host of its own asks for what
// the host asks for that serves its requests.
func TestUnroutedNames(t *testing.T) {
	root := newRoot(t, "root")
	want := model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/ca", NoHTTP2: true}
	set := newSet(t, Config{
		HTTP2:       true,
		Authorities: []model.Authority{authorityOf("ns/ca", root)},
		Bindings: []Binding{
			{ServerName: "a.wild.com", Unrouted: true},
			{ServerName: "*.other.com", Unrouted: true},
			{ServerName: "b.other.com", Unrouted: true, TLS: model.HostTLS{ClientAuth: "does not count"}},
			{ServerName: "*.wild.com", TLS: want},
			{ServerName: "free.wild.com"},
		},
	}, nil)
	auth := set.ClientAuth("b.wild.com")
	for name, want := range map[string]*ClientAuth{
		"a.wild.com": auth, "free.wild.com": nil, "b.other.com": nil, "c.other.com": nil, "*.wild.com": auth, "": nil,
	} {
		h := set.handshakes(name)
		if set.ClientAuth(name) != want || (h.config.ClientAuth == tls.RequestClientCert) != (want != nil) ||
			(len(h.config.NextProtos) == 1) != (want != nil) {
			t.Errorf("%q: %v, config %v", name, set.ClientAuth(name), h.config.NextProtos)
		}
	}
	if auth == nil {
		t.Error("the wildcard asks for nothing")
	}
}

// TestOpenConnectionsOutliveSets swaps Sets with other settings under a connection.
func TestOpenConnectionsOutliveSets(t *testing.T) {
	config := Config{Bindings: []Binding{bind("a.com", "")}, Listener: model.ListenerTLS{Tickets: true}}
	store := published(t, config)
	c, err := connect(t, store.TLSConfig(), &tls.Config{ServerName: "a.com", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	root := newRoot(t, "root")
	for i := range 5 {
		config.HTTP2 = i%2 == 0
		config.Authorities = []model.Authority{authorityOf("ns/ca", root)}
		config.Bindings = []Binding{{ServerName: "a.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/ca"}}}
		config.Listener.RejectUnknown = !config.Listener.RejectUnknown
		store.republish(t, config)
		c.echo(t)
	}
	state := c.server.ConnectionState()
	auth := store.set.Load().ClientAuth("a.com")
	if refuse, _ := auth.Refuses(auth.Verify(&state)); !refuse {
		t.Error("a connection from before gets by without a certificate")
	}
}
