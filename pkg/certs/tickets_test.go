package certs

import (
	"context"
	"crypto/tls"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// resumes connects with what cache has of an earlier connection.
func resumes(t *testing.T, store *Store, serverName string, version uint16, cache tls.ClientSessionCache) bool {
	t.Helper()
	return mustShake(t, store, &tls.Config{ServerName: serverName, MinVersion: version, MaxVersion: version, ClientSessionCache: cache}).DidResume
}

// oneSession is a cache whose session is offered to all servers, which a good client
// would not do.
type oneSession struct{ session *tls.ClientSessionState }

func (c *oneSession) Get(string) (*tls.ClientSessionState, bool) { return c.session, c.session != nil }
func (c *oneSession) Put(_ string, s *tls.ClientSessionState) {
	if s != nil {
		c.session = s
	}
}

func TestTicketsAreOff(t *testing.T) {
	for _, store := range []*Store{new(Store), published(t, Config{Bindings: []Binding{bind("a.com", "")}})} {
		for _, version := range twoVersions {
			cache := new(oneSession)
			if resumes(t, store, "a.com", version, cache) || cache.session != nil {
				t.Error("there is a ticket")
			}
		}
	}
}

func TestTicketsOutliveSets(t *testing.T) {
	for _, version := range twoVersions {
		a := source(t, "ns/a")
		config := Config{Sources: []Source{a}, Listener: model.ListenerTLS{Tickets: true}, Bindings: []Binding{bind("a.com", "ns/a"), bind("*.b.com", "ns/a")}}
		store := published(t, config)
		cache := new(oneSession)
		if resumes(t, store, "a.com", version, cache) {
			t.Error("the first connection was resumed")
		}
		if !resumes(t, store, "A.com", version, cache) {
			t.Error("the second was not resumed")
		}
		config.HTTP2 = true
		store.republish(t, config)
		if !resumes(t, store, "a.com", version, cache) {
			t.Error("the Set has forgotten the keys of the one before")
		}
		store.Publish(newSet(t, config, nil))
		if !resumes(t, store, "a.com", version, cache) {
			t.Error("a Set made from nothing has other keys")
		}
		store.tickets.rotate()
		store.tickets.rotate()
		old := cache.session
		if !resumes(t, store, "a.com", version, cache) {
			t.Error("the third key does not open tickets")
		}
		store.tickets.rotate()
		if !resumes(t, store, "a.com", version, cache) {
			t.Error("the ticket was not renewed")
		}
		if resumes(t, store, "a.com", version, &oneSession{old}) {
			t.Error("a key opens tickets for ever")
		}
		config.Sources = []Source{source(t, "ns/a")}
		store.republish(t, config)
		if resumes(t, store, "a.com", version, cache) {
			t.Error("a client does not see the new certificate")
		}
	}
}

func TestTicketsAreForOneName(t *testing.T) {
	for _, version := range twoVersions {
		store := published(t, Config{Listener: model.ListenerTLS{Tickets: true}, Bindings: []Binding{bind("a.com", ""), bind("b.com", "")}})
		cache := new(oneSession)
		resumes(t, store, "a.com", version, cache)
		first := *cache
		for _, name := range []string{"b.com", "c.com"} {
			if again := first; resumes(t, store, name, version, &again) {
				t.Errorf("a session of a.com was resumed as %s", name)
			}
		}
		other := published(t, Config{Listener: model.ListenerTLS{Tickets: true}, Bindings: []Binding{bind("a.com", "")}})
		if resumes(t, other, "a.com", version, &first) {
			t.Error("two Stores have the same keys")
		}
	}
}

// TestTicketsAreNotForClientAuth makes sure that no session stands in for a
// client's certificate: neither across hosts nor across Sets.
func TestTicketsAreNotForClientAuth(t *testing.T) {
	root := newRoot(t, "root")
	alice := root.client("alice").tls()
	for _, version := range twoVersions {
		for _, mode := range []model.ClientAuth{model.ClientAuthOn, model.ClientAuthOptional, model.ClientAuthNoCA} {
			mtls := model.HostTLS{ClientAuth: mode, Authority: "ns/ca"}
			config := Config{
				Listener:    model.ListenerTLS{Tickets: true},
				Authorities: []model.Authority{authorityOf("ns/ca", root)},
				Bindings:    []Binding{{ServerName: "plain.com"}, {ServerName: "mtls.com", TLS: mtls}, {ServerName: "soon.com"}},
			}
			store := published(t, config)
			connectAs := func(serverName string, cache tls.ClientSessionCache) *connection {
				c, err := connect(t, store.TLSConfig(), &tls.Config{
					ServerName: serverName, MinVersion: version, MaxVersion: version, ClientSessionCache: cache, InsecureSkipVerify: true,
					GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return alice, nil },
				})
				if err != nil {
					t.Fatal(err)
				}
				c.close()
				return c
			}
			cache := new(oneSession)
			if connectAs("mtls.com", cache); cache.session != nil {
				t.Error("there is a ticket for a host with client certificates")
			}
			plain := new(oneSession)
			connectAs("plain.com", plain)
			if plain.session == nil {
				t.Fatal("there is no ticket for a plain host")
			}
			server := connectAs("mtls.com", plain).server.ConnectionState()
			if server.DidResume || len(server.PeerCertificates) == 0 {
				t.Error("a session of a plain host was resumed")
			}
			before := new(oneSession)
			connectAs("soon.com", before)
			config.Bindings[2].TLS = mtls
			store.republish(t, config)
			server = connectAs("soon.com", before).server.ConnectionState()
			if server.DidResume || len(server.PeerCertificates) == 0 {
				t.Error("a session from before the host asked for certificates was resumed")
			}
		}
	}
}

// run runs a Store until the function that it returns is called.
func run(store *Store) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = store.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

func TestRunRotatesKeys(t *testing.T) {
	if _, err := SelfSigned(); err != nil { // made before the clock is another one
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		store := published(t, Config{Listener: model.ListenerTLS{Tickets: true}, Bindings: []Binding{bind("a.com", "")}})
		defer run(store)()
		cache := new(oneSession)
		resumes(t, store, "a.com", tls.VersionTLS13, cache)
		first := *cache
		for i, want := range []bool{true, true, false} {
			time.Sleep(ticketRotation)
			synctest.Wait()
			if again := first; resumes(t, store, "a.com", tls.VersionTLS13, &again) != want {
				t.Errorf("after %d hours: resumed %v", 12*(i+1), !want)
			}
		}
	})
}

// TestRotationBesideHandshakes is for the race detector.
func TestRotationBesideHandshakes(t *testing.T) {
	config := Config{Listener: model.ListenerTLS{Tickets: true}, Bindings: []Binding{bind("a.com", "")}}
	store := published(t, config)
	var beside sync.WaitGroup
	beside.Go(func() {
		for i := range 20 {
			store.tickets.rotate()
			config.HTTP2 = i%2 == 0
			set, err := New(config, store.set.Load())
			if err != nil {
				t.Error(err)
				return
			}
			store.Publish(set)
		}
	})
	for range 4 {
		beside.Go(func() {
			cache := new(oneSession)
			for range 5 {
				if _, err := handshake(t, store, &tls.Config{ServerName: "a.com", ClientSessionCache: cache}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	beside.Wait()
}
