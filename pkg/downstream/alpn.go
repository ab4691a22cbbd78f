package downstream

import (
	"crypto/tls"
	"slices"

	"golang.org/x/net/http2"
)

// What is offered to clients by ALPN (RFC 7301), the first choice first.
var (
	onlyHTTP1 = []string{"http/1.1"}
	http2And1 = []string{http2.NextProtoTLS, "http/1.1"}
)

// offer is what to offer with a configuration that names own: HTTP/2 when it is on, and
// own does not leave it out.
func (s *Server) offer(own []string) []string {
	if s.set.Load().http2 && (len(own) == 0 || slices.Contains(own, http2.NextProtoTLS)) {
		return http2And1
	}
	return onlyHTTP1
}

// negotiating returns a clone of cfg that offers what the settings say at the time of
// each handshake.
func (s *Server) negotiating(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	own, choose := cfg.NextProtos, cfg.GetConfigForClient
	cfg.NextProtos = onlyHTTP1
	// Keys that crypto/tls makes by itself are those of cfg in any case.
	with2 := cfg.Clone()
	with2.NextProtos, with2.GetConfigForClient = http2And1, nil
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (chosen *tls.Config, err error) {
		if choose != nil {
			chosen, err = choose(hello)
		}
		switch {
		case err != nil:
			return nil, err
		case chosen == nil && len(s.offer(own)) > 1:
			return with2, nil
		case chosen == nil:
			return nil, nil
		}
		protocols := s.offer(chosen.NextProtos)
		if slices.Equal(chosen.NextProtos, protocols) {
			return chosen, nil
		}
		// A clone for each handshake is small beside the handshake, and follows
		// changes of session ticket keys, which a clone that is kept would miss.
		chosen = chosen.Clone()
		chosen.NextProtos = protocols
		return chosen, nil
	}
	return cfg
}
