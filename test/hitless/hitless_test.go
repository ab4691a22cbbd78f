package hitless

import (
	"crypto/tls"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"testing"
	"time"
)

// Two hundred changes in a row, under load over HTTP and HTTPS: endpoints,
// Ingresses and certificates by turns. Each must be served soon after the file
// is written.
func TestC7ChangesUnderLoadFailNoRequest(t *testing.T) {
	a, b, c := backend(t, "a"), backend(t, "b"), backend(t, "c")
	s := startSiteWith(t, manifests{"slices.yaml": slicesOf("app", a, b), "tls.yaml": secret(t, "app-tls", siteHost, 1)})

	plain := startLoad(s.HTTP, siteHost, false, 8)
	secure := startLoad(s.HTTPS, siteHost, true, 2)
	var took []time.Duration
	for i := range 200 {
		switch i % 4 {
		case 0: // another set of endpoints
			s.write("slices.yaml", slicesOf("app", b, c))
			took = append(took, s.until("c serves", func() bool { return s.serves("c") }))
		case 1:
			s.write("slices.yaml", slicesOf("app", a, b))
			took = append(took, s.until("a serves", func() bool { return s.serves("a") }))
		case 2: // one more Ingress
			host := fmt.Sprintf("extra-%d.example", i)
			s.write("extra.yaml", ingress("extra", host, "/"))
			took = append(took, s.until(host+" is served", func() bool { _, status := s.get(host, "/"); return status == http.StatusOK }))
		case 3: // another certificate
			s.write("tls.yaml", secret(t, "app-tls", siteHost, int64(1000+i)))
			took = append(took, s.until("the new certificate is shown", func() bool { return s.serial() == int64(1000+i) }))
		}
	}
	plain.end(t)
	secure.end(t)
	slices.Sort(took)
	t.Logf("change to served: median %v, p99 %v, max %v", took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}

// SIGTERM under load: every request that was sent is answered, connections end
// as announced, and the process exits 0.
func TestC6StopUnderLoadFailsNoRequest(t *testing.T) {
	a := backend(t, "a")
	s := startSiteWith(t, manifests{"slices.yaml": slicesOf("app", a), "tls.yaml": secret(t, "app-tls", siteHost, 1)}, "--shutdown-grace-period=1")
	plain := startLoad(s.HTTP, siteHost, false, 8)
	secure := startLoad(s.HTTPS, siteHost, true, 2)
	time.Sleep(500 * time.Millisecond)

	// What a load balancer does: it sees that the process is not ready any more
	// and sends no new connections, within the grace period.
	go func() {
		s.until("not ready", func() bool { return !s.IsReady() })
		close(plain.leave)
		close(secure.leave)
	}()
	if err := s.Terminate(60 * time.Second); err != nil {
		t.Errorf("after SIGTERM: %v, want exit 0", err)
	}
	plain.end(t)
	secure.end(t)
}

// serves tells whether the named backend is among those that answer the next
// requests.
func (s *site) serves(name string) bool {
	for range 4 {
		if body, status := s.get(siteHost, "/who"); status == http.StatusOK && body == name {
			return true
		}
	}
	return false
}

// serial is the serial number of the certificate shown for siteHost.
func (s *site) serial() int64 {
	conn, err := tls.Dial("tcp", s.HTTPS, &tls.Config{ServerName: siteHost, InsecureSkipVerify: true})
	if err != nil {
		return -1
	}
	defer conn.Close()
	n := conn.ConnectionState().PeerCertificates[0].SerialNumber
	if n.Cmp(big.NewInt(1<<40)) > 0 {
		return -1
	}
	return n.Int64()
}
