package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/shockwave-ingress/shockwave/internal/inmemory"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// responder answers requests of OCSP over connections in memory.
type responder struct {
	t      testing.TB
	by     *authorityKey
	asked  atomic.Int32
	answer atomic.Pointer[http.HandlerFunc]
	ln     *inmemory.Listener
	server http.Server
}

func newResponder(t testing.TB, by *authorityKey) *responder {
	r := &responder{t: t, by: by, ln: inmemory.NewListener()}
	r.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		(*r.answer.Load())(w, req)
	})
	r.does(r.good(4 * time.Hour))
	go func() { _ = r.server.Serve(r.ln) }()
	return r
}

func (r *responder) does(f http.HandlerFunc) { r.answer.Store(&f) }

// good answers that a certificate is good for so long.
func (r *responder) good(life time.Duration) http.HandlerFunc {
	return r.says(r.by, func(o *ocsp.Response) { o.NextUpdate = o.ThisUpdate.Add(life) })
}

// says answers what change makes of a good response.
func (r *responder) says(by *authorityKey, change func(*ocsp.Response)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		asked, err := ocsp.ParseRequest(body)
		if err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/ocsp-request" {
			r.t.Errorf("%s with error %v", req.Method, err)
			return
		}
		response := ocsp.Response{SerialNumber: asked.SerialNumber, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(4 * time.Hour)}
		if by != r.by {
			response.Certificate = by.cert
		}
		change(&response)
		der, err := ocsp.CreateResponse(r.by.cert, by.cert, response, by.key)
		if err != nil {
			r.t.Error(err)
		}
		_, _ = w.Write(der)
	}
}

// hang answers nothing until the client gives up.
func hang(_ http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body) // only then the server notices
	<-req.Context().Done()
}

func (r *responder) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := newPipe()
	r.ln.Offer(theirs)
	return ours, nil
}

// stapled is a certificate whose authority can be asked.
func stapled(by *authorityKey, urls ...string) *authorityKey {
	return sign(by.t, x509.Certificate{Subject: pkix.Name{CommonName: "a.com"}, DNSNames: []string{"a.com"}, OCSPServer: urls}, by)
}

const responderURL = "http://responder.test/ocsp"

// inBubble runs a test of stapling. Its certificate is shown as a.com.
func inBubble(t *testing.T, test func(t *testing.T, store *Store, r *responder, config Config)) {
	t.Helper()
	if _, err := SelfSigned(); err != nil { // made before the clock is another one
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		root := newRoot(t, "root")
		r := newResponder(t, root)
		defer r.server.Close()
		store := &Store{Logger: slog.New(slog.DiscardHandler), dial: r.dial}
		config := Config{
			Sources:  []Source{stapled(root, responderURL).source("ns/a", root.cert.Raw)},
			Bindings: []Binding{bind("a.com", "ns/a")},
			Listener: model.ListenerTLS{OCSP: true},
		}
		store.Publish(newSet(t, config, nil))
		defer run(store)()
		synctest.Wait()
		test(t, store, r, config)
	})
}

// staple is what a client is shown.
func staple(t *testing.T, store *Store) []byte {
	t.Helper()
	synctest.Wait()
	var got []byte
	for _, version := range twoVersions {
		got = mustShake(t, store, &tls.Config{ServerName: "a.com", MinVersion: version, MaxVersion: version}).OCSPResponse
	}
	return got
}

func TestStaple(t *testing.T) {
	inBubble(t, func(t *testing.T, store *Store, r *responder, config Config) {
		first := staple(t, store)
		if status, err := ocsp.ParseResponse(first, r.by.cert); err != nil || status.Status != ocsp.Good {
			t.Fatalf("staple %x, error %v", first, err)
		}
		// It is asked again at half of the validity.
		time.Sleep(2*time.Hour - time.Second)
		if got := staple(t, store); r.asked.Load() != 1 || !bytes.Equal(got, first) {
			t.Errorf("asked %d times", r.asked.Load())
		}
		time.Sleep(2 * time.Second)
		second := staple(t, store)
		if r.asked.Load() != 2 || bytes.Equal(second, first) {
			t.Errorf("asked %d times", r.asked.Load())
		}
		// What it says outlives Sets and copies of the certificate.
		config.HTTP2 = true
		store.republish(t, config)
		copied := config.Sources[0]
		copied.Name = "other/copy"
		config.Sources, config.Bindings = []Source{copied}, []Binding{bind("a.com", "other/copy"), bind("b.com", "other/copy")}
		store.republish(t, config)
		if got := staple(t, store); !bytes.Equal(got, second) || r.asked.Load() != 2 {
			t.Errorf("asked %d times after a change of Sets", r.asked.Load())
		}
		config.Listener.OCSP = false
		set := store.set.Load()
		store.republish(t, config)
		if staple(t, store) != nil || set.Find("a.com").OCSPStaple != nil {
			t.Error("there is a staple though it is off")
		}
		time.Sleep(24 * time.Hour)
		if synctest.Wait(); r.asked.Load() != 2 {
			t.Errorf("asked %d times though it is off", r.asked.Load())
		}
	})
}

func TestStapleWithoutResponder(t *testing.T) {
	inBubble(t, func(t *testing.T, store *Store, r *responder, _ Config) {
		first := staple(t, store)
		r.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		time.Sleep(4*time.Hour - time.Second)
		if !bytes.Equal(staple(t, store), first) {
			t.Error("the staple was not kept")
		}
		time.Sleep(2 * time.Second)
		if staple(t, store) != nil {
			t.Error("a staple is shown that is out of date")
		}
		before := r.asked.Load()
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		if n := r.asked.Load() - before; n < 90 || n > 140 {
			t.Errorf("asked %d times in 100 hours", n)
		}
		r.does(r.good(4 * time.Hour))
		time.Sleep(latestRetry)
		if staple(t, store) == nil {
			t.Error("there is no staple though the responder is back")
		}
	})
}

func TestStapleRevoked(t *testing.T) {
	inBubble(t, func(t *testing.T, store *Store, r *responder, _ Config) {
		if staple(t, store) == nil {
			t.Fatal("there is no staple")
		}
		r.does(r.says(r.by, func(o *ocsp.Response) { o.Status, o.RevokedAt = ocsp.Revoked, time.Now() }))
		time.Sleep(2*time.Hour + time.Second)
		if staple(t, store) != nil {
			t.Error("a good staple of a revoked certificate, or a bad one, is shown")
		}
		r.does(r.good(4 * time.Hour))
		time.Sleep(latestRetry)
		if staple(t, store) == nil {
			t.Error("there is no staple though the certificate is good again")
		}
	})
}

func TestStapleProvided(t *testing.T) {
	inBubble(t, func(t *testing.T, store *Store, r *responder, config Config) {
		leaf := stapled(r.by) // no responder
		response := func(life time.Duration) []byte {
			der, err := ocsp.CreateResponse(r.by.cert, r.by.cert, ocsp.Response{
				SerialNumber: leaf.cert.SerialNumber, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(life),
			}, r.by.key)
			if err != nil {
				t.Fatal(err)
			}
			return der
		}
		config.Sources[0] = leaf.source("ns/a", r.by.cert.Raw)
		first := response(time.Hour)
		config.Sources[0].OCSP = first
		store.republish(t, config)
		if !bytes.Equal(staple(t, store), first) {
			t.Error("the Secret's is not shown")
		}
		cert := store.set.Load().Find("a.com").Leaf
		time.Sleep(time.Minute)
		second := response(2 * time.Hour)
		config.Sources[0].OCSP = second
		if store.republish(t, config).Find("a.com").Leaf != cert {
			t.Error("the certificate was parsed again")
		}
		if !bytes.Equal(staple(t, store), second) {
			t.Error("the newer one is not shown")
		}
		config.Sources[0].OCSP = first
		store.republish(t, config)
		if !bytes.Equal(staple(t, store), second) {
			t.Error("an older one is shown")
		}
		time.Sleep(2 * time.Hour)
		if staple(t, store) != nil {
			t.Error("it is shown though it is out of date")
		}
		config.Sources[0].OCSP = []byte("nonsense")
		store.republish(t, config)
		if staple(t, store) != nil {
			t.Error("nonsense is shown")
		}
		if r.asked.Load() != 1 { // of inBubble
			t.Errorf("asked %d times", r.asked.Load())
		}
	})
}

// TestBadResponses has one certificate after the other that gets no staple.
func TestBadResponses(t *testing.T) {
	inBubble(t, func(t *testing.T, store *Store, r *responder, config Config) {
		signer := func(usage ...x509.ExtKeyUsage) *authorityKey {
			return sign(t, x509.Certificate{Subject: pkix.Name{CommonName: "signer"}, ExtKeyUsage: usage}, r.by)
		}
		good := func(*ocsp.Response) {}
		for _, c := range []struct {
			name   string
			answer http.HandlerFunc
			ok     bool
		}{
			{"good", r.good(time.Hour), true},
			{"by one who may", r.says(signer(x509.ExtKeyUsageOCSPSigning), good), true},
			{"by one who may not", r.says(signer(x509.ExtKeyUsageServerAuth), good), false},
			{"by a stranger", r.says(sign(t, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}}, newRoot(t, "root")), good), false},
			{"of another certificate", r.says(r.by, func(o *ocsp.Response) { o.SerialNumber = r.by.cert.SerialNumber }), false},
			{"unknown", r.says(r.by, func(o *ocsp.Response) { o.Status = ocsp.Unknown }), false},
			{"old", r.says(r.by, func(o *ocsp.Response) { o.ThisUpdate, o.NextUpdate = time.Now().Add(-time.Hour), time.Now() }), false},
			{"of the future", r.says(r.by, func(o *ocsp.Response) { o.ThisUpdate = time.Now().Add(time.Hour) }), false},
			{"nonsense", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "nonsense") }, false},
			{"too large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, mostResponse+1)) }, false},
			{"redirected", func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Path == "/ocsp" {
					http.Redirect(w, req, "/elsewhere", http.StatusTemporaryRedirect)
					return
				}
				t.Error("a redirection was followed")
			}, false},
			{"slow", hang, false},
		} {
			r.does(c.answer)
			config.Sources = []Source{stapled(r.by, responderURL).source("ns/a", r.by.cert.Raw)}
			before := r.asked.Load()
			store.republish(t, config)
			synctest.Wait()
			time.Sleep(responderTimeout)
			if got := staple(t, store); (got != nil) != c.ok || r.asked.Load() != before+1 {
				t.Errorf("%s: staple %v, asked %d times", c.name, got != nil, r.asked.Load()-before)
			}
		}
	})
}

func TestNoResponderIsAsked(t *testing.T) {
	inBubble(t, func(t *testing.T, store *Store, r *responder, config Config) {
		before := r.asked.Load()
		other := newRoot(t, "other")
		for i, s := range []Source{
			stapled(r.by).source("ns/a", r.by.cert.Raw),
			stapled(r.by, responderURL).source("ns/a"),                 // no issuer
			stapled(r.by, responderURL).source("ns/a", other.cert.Raw), // another issuer
			stapled(r.by, "ldap://responder.test/", "file:///etc/passwd", "http://user@responder.test/", "http:///ocsp", "::").source("ns/a", r.by.cert.Raw),
			stapled(r.by, "http://responder.test/"+string(bytes.Repeat([]byte("x"), mostResponderURL))).source("ns/a", r.by.cert.Raw),
		} {
			config.Sources = []Source{s}
			store.republish(t, config)
			time.Sleep(time.Hour)
			if staple(t, store) != nil || r.asked.Load() != before {
				t.Errorf("source %d: a responder was asked", i)
			}
		}
	})
}

// TestFetchesAreBounded has many certificates and a responder that does not answer.
func TestFetchesAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, store *Store, r *responder, config Config) {
		r.does(hang)
		config.Sources, config.Bindings = nil, nil
		for i := range 3 * mostFetches {
			s := stapled(r.by, responderURL).source(fmt.Sprint("ns/", i), r.by.cert.Raw)
			config.Sources = append(config.Sources, s)
			config.Bindings = append(config.Bindings, bind(fmt.Sprintf("host-%d.com", i), s.Name))
		}
		before := r.asked.Load()
		store.republish(t, config)
		for i := range int32(3) {
			synctest.Wait()
			if n := r.asked.Load() - before; n != (i+1)*mostFetches {
				t.Errorf("asked %d times after %d timeouts", n, i)
			}
			if i < 2 {
				time.Sleep(responderTimeout)
			}
		}
		// Some wait when Run ends: inBubble makes sure that it does.
	})
}

func TestDialPublic(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if c, err := dialPublic(t.Context(), "tcp", ln.Addr().String()); err == nil {
		c.Close()
		t.Error("the process connects to itself")
	}
	// A name is looked at when it was resolved.
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if c, err := dialPublic(t.Context(), "tcp", net.JoinHostPort("localhost", port)); err == nil {
		c.Close()
		t.Error("the process connects to itself by name")
	}
}
