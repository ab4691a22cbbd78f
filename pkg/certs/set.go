package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Binding says what a server name shows and asks for.
type Binding struct {
	// ServerName is a host name, or "*.example.com" for exactly one more label.
	// Empty stands for all names that are not bound, and for clients that send none.
	ServerName string
	// Certificate names a Source. Empty means the default certificate, even if
	// a wildcard's certificate covers the name too.
	Certificate string
	// TLS are the settings of the host.
	TLS model.HostTLS
	// Unrouted tells that there is no host of this name: TLS are those of the host
	// that its requests are routed by, and those here do not count.
	Unrouted bool
}

// Config is what a Set is made from.
type Config struct {
	Sources     []Source
	Authorities []model.Authority
	Bindings    []Binding
	// Default names the Source for all names that have none. Empty means the
	// self-signed certificate of the process.
	Default string
	// Listener are the settings of all hosts. HTTP2 offers HTTP/2 to clients.
	Listener model.ListenerTLS
	HTTP2    bool
	// Upstreams are the connections that the process makes, for Set.Upstream. They
	// may occur more than once.
	Upstreams []Upstream
}

// Set holds the TLS settings of one snapshot: its certificates, those who vouch for
// others, and what each server name shows and asks for. It is immutable but for the
// staples, which a Store changes.
type Set struct {
	pairs       map[string]*pair
	authorities map[string]*authority
	auths       map[authKey]*ClientAuth
	hosts       map[terms]*host
	exact       map[string]*host
	wildcard    map[string]*host // by what follows the label: ".example.com"
	standard    *host            // for requests of all other names
	unknown     *host            // for handshakes of all other names
	upstreams   map[Upstream]client
	bindings    []Binding
	listener    listener
	shape       shape
	link        *link
	problems    []error
}

// New makes a Set. Whatever is the same as in the previous Set, which may be nil, is
// taken over from it. New fails when a key pair or a setting of the listener cannot
// be parsed, and when the configuration contradicts itself: it names a certificate
// or an authority that it does not have, or repeats a server name.
//
// What is wrong with one host costs that host alone, and it fails closed. See
// Problems.
func New(config Config, previous *Set) (*Set, error) {
	if previous == nil {
		previous = &Set{link: new(link)}
	}
	s := &Set{
		pairs:       make(map[string]*pair, len(config.Sources)),
		authorities: make(map[string]*authority, len(config.Authorities)),
		auths:       make(map[authKey]*ClientAuth, len(previous.auths)),
		hosts:       make(map[terms]*host, len(previous.hosts)),
		exact:       make(map[string]*host, len(config.Bindings)),
		wildcard:    map[string]*host{},
		upstreams:   make(map[Upstream]client, len(previous.upstreams)),
		bindings:    config.Bindings,
		listener:    listener{config.Listener, config.HTTP2},
		link:        previous.link,
	}
	var err error
	if s.shape, err = s.listener.parse(); err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	if err := s.parse(&config, previous); err != nil {
		return nil, err
	}
	if err := s.bindAll(config.Default, previous); err != nil {
		return nil, err
	}
	for _, u := range config.Upstreams {
		s.addUpstream(u, previous)
	}
	return s, nil
}

// parse fills s.pairs and s.authorities.
func (s *Set) parse(config *Config, previous *Set) error {
	for _, source := range config.Sources {
		if _, ok := s.pairs[source.Name]; ok {
			return fmt.Errorf("certificate %s occurs twice", source.Name)
		}
		p, err := parsePair(source, previous.pairs[source.Name])
		if err != nil {
			return fmt.Errorf("certificate %s: %w", source.Name, err)
		}
		s.pairs[source.Name] = p
	}
	for _, source := range config.Authorities {
		if _, ok := s.authorities[source.Name]; ok {
			return fmt.Errorf("authority %s occurs twice", source.Name)
		}
		a := previous.authorities[source.Name]
		if a == nil || !a.same(source) {
			a = parseAuthority(source)
		}
		s.authorities[source.Name] = a
		if a.err != nil {
			s.problems = append(s.problems, fmt.Errorf("authority %s: %w", source.Name, a.err))
		}
	}
	return nil
}

// bindAll fills s.exact and s.wildcard, s.standard and s.unknown.
func (s *Set) bindAll(standard string, previous *Set) error {
	shown, err := selfSignedPair()
	if err != nil {
		return err
	}
	if standard != "" {
		if shown = s.pairs[standard]; shown == nil {
			return fmt.Errorf("default certificate: there is no certificate %s", standard)
		}
	}
	s.standard = s.host(terms{pair: shown, http2: s.listener.http2}, previous)
	// Three passes: hosts of names without one of their own are those of all other
	// names or of a wildcard, which must be there before.
	var whole bool
	type bound struct {
		*Binding
		*host
	}
	var unrouted []bound
	for pass := range 3 {
		for i := range s.bindings {
			b := &s.bindings[i]
			if pass != b.pass() {
				continue
			}
			h, err := s.compile(b, shown, previous)
			switch {
			case err != nil:
			case pass == 0 && whole:
				err = errTwice
			case pass == 0:
				s.standard, whole = h, true
			case pass == 1:
				err = s.bind(b.ServerName, h)
			default:
				unrouted = append(unrouted, bound{b, h})
			}
			if err != nil {
				return fmt.Errorf("server name %s: %w", b.ServerName, err)
			}
		}
	}
	for _, b := range unrouted {
		if err := s.bind(b.ServerName, b.host); err != nil {
			return fmt.Errorf("server name %s: %w", b.ServerName, err)
		}
	}
	s.unknown = s.standard
	if s.listener.RejectUnknown {
		t := s.standard.terms
		t.refused = true
		s.unknown = s.host(t, previous)
	}
	return nil
}

// pass tells when a binding is compiled.
func (b *Binding) pass() int {
	switch {
	case b.ServerName == "":
		return 0
	case !b.Unrouted:
		return 1
	}
	return 2
}

// compile makes the host of a binding. shown is the default certificate.
func (s *Set) compile(b *Binding, shown *pair, previous *Set) (*host, error) {
	t := terms{pair: shown}
	if b.Certificate != "" {
		if t.pair = s.pairs[b.Certificate]; t.pair == nil {
			return nil, fmt.Errorf("there is no certificate %s", b.Certificate)
		}
	}
	if b.Unrouted {
		owner := s.requests(strings.ToLower(b.ServerName))
		t.auth, t.ciphers, t.http2, t.refused = owner.auth, owner.ciphers, owner.http2, owner.refused
		// Without a certificate it has no more to show than names that are unknown.
		t.refused = t.refused || s.listener.RejectUnknown && owner == s.standard && b.Certificate == ""
		return s.host(t, previous), nil
	}
	t.ciphers, t.http2 = b.TLS.Ciphers, s.listener.http2 && !b.TLS.NoHTTP2
	if _, _, err := ParseCiphers(t.ciphers); err != nil {
		s.problems = append(s.problems, fmt.Errorf("server name %s: %w", b.ServerName, err))
		t.refused = true
	}
	var err error
	t.auth, err = s.clientAuth(&b.TLS, previous)
	return s.host(t, previous), err
}

var errTwice = errors.New("it occurs twice")

// bind puts a host under a name.
func (s *Set) bind(serverName string, h *host) error {
	names, name := s.exact, strings.ToLower(serverName)
	if suffix, ok := strings.CutPrefix(name, "*"); ok {
		names, name = s.wildcard, suffix
	}
	if _, ok := names[name]; ok {
		return errTwice
	}
	names[name] = h
	return nil
}

// host returns the host with these terms: one that is there, or a new one.
func (s *Set) host(t terms, previous *Set) *host {
	h := s.hosts[t]
	if h == nil && previous.listener == s.listener {
		h = previous.hosts[t]
	}
	if h == nil {
		h = newHost(t, &s.listener, s.shape, s.link)
	}
	s.hosts[t] = h
	return h
}

// clientAuth returns what a host wants of clients' certificates, nil for nothing.
func (s *Set) clientAuth(t *model.HostTLS, previous *Set) (*ClientAuth, error) {
	key := authKey{mode: t.ClientAuth, depth: depth(t.Depth), pass: t.PassCertificate}
	switch t.ClientAuth {
	case model.ClientAuthOff:
		return nil, nil
	case model.ClientAuthOn, model.ClientAuthOptional, model.ClientAuthNoCA:
	default:
		return nil, fmt.Errorf("there is no client authentication %q", t.ClientAuth)
	}
	if t.Authority == "" && t.ClientAuth == model.ClientAuthNoCA {
		key.authority = nobody
	} else if key.authority = s.authorities[t.Authority]; key.authority == nil {
		return nil, fmt.Errorf("there is no authority %q", t.Authority)
	}
	auth := s.auths[key]
	if auth == nil {
		auth = previous.auths[key]
	}
	if auth == nil {
		auth = &ClientAuth{key}
	}
	s.auths[key] = auth
	return auth, nil
}

// depth is a depth of chains; 0 means 1.
func depth(n int) int { return max(n, 1) }

// named returns the host that a name, in lower case, is bound to, or nil: that of
// the very name, else that of the wildcard for its first label.
func (s *Set) named(name string) *host {
	if h, ok := s.exact[name]; ok {
		return h
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		return s.wildcard[name[dot:]]
	}
	return nil
}

// requests returns the host of requests for a name in lower case.
func (s *Set) requests(name string) *host {
	if h := s.named(name); h != nil {
		return h
	}
	return s.standard
}

// handshakes returns the host of handshakes for a name in lower case.
func (s *Set) handshakes(name string) *host {
	if h := s.named(name); h != nil {
		return h
	}
	return s.unknown
}

// Find returns the certificate for a server name in any case: that of the very
// name, else that of the wildcard for its first label, else the default one. It
// is never nil and must not be changed.
func (s *Set) Find(serverName string) *tls.Certificate {
	name := strings.ToLower(serverName) // allocates only if there is a capital
	return s.handshakes(name).pair.shown.Load()
}

// Default returns the certificate for all names that are not bound.
func (s *Set) Default() *tls.Certificate { return s.standard.pair.shown.Load() }

// ClientAuth returns what the host that serves requests for a name, in any case,
// wants of clients' certificates, or nil for nothing. The name is that of the
// request: the connection may have been made under another one.
func (s *Set) ClientAuth(name string) *ClientAuth { return s.requests(strings.ToLower(name)).auth }

// Problems lists what cannot be honoured. Connections to hosts whose ciphers are of
// no use are refused, and so are clients' certificates, and endpoints, that an
// authority of no use should vouch for.
func (s *Set) Problems() []error { return s.problems }

// Bound yields each binding to a certificate of its own, and the certificate.
func (s *Set) Bound() iter.Seq2[Binding, *tls.Certificate] {
	return func(yield func(Binding, *tls.Certificate) bool) {
		for _, b := range s.bindings {
			if b.Certificate != "" && !yield(b, s.pairs[b.Certificate].cert) {
				return
			}
		}
	}
}

// shown returns the key pairs that handshakes show.
func (s *Set) shown() map[*pair]struct{} {
	shown := make(map[*pair]struct{}, len(s.hosts))
	for t := range s.hosts {
		shown[t.pair] = struct{}{}
	}
	return shown
}
