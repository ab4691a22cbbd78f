package certs

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"iter"
	"strings"
)

// Source is a key pair with its chain, as PEM. A Set keeps the slices and
// compares them with those of the next one; they must not be changed.
type Source struct {
	// Name is "namespace/secret".
	Name      string
	Cert, Key []byte
}

// Binding says which certificate a server name shows.
type Binding struct {
	// ServerName is a host name, or "*.example.com" for exactly one more label.
	ServerName string
	// Certificate names a Source. Empty means the default certificate, even if
	// a wildcard's certificate covers the name too.
	Certificate string
}

// Set holds the certificates of one snapshot. It is immutable.
type Set struct {
	pairs    map[string]pair
	exact    map[string]*tls.Certificate
	wildcard map[string]*tls.Certificate // by what follows the label: ".example.com"
	standard *tls.Certificate            // for all other names
	bindings []Binding
}

// pair is a Source and what it was parsed to.
type pair struct {
	source Source
	cert   *tls.Certificate
}

// New makes a Set. standard names the certificate for all names that are not
// bound; empty means the self-signed one of the process. Key pairs of the
// previous Set, which may be nil, are reused where name and content are the
// same. New fails when a key pair cannot be parsed, and when a binding names a
// certificate that is not among the sources or repeats a server name.
func New(sources []Source, bindings []Binding, standard string, previous *Set) (*Set, error) {
	s := &Set{
		pairs:    make(map[string]pair, len(sources)),
		exact:    make(map[string]*tls.Certificate, len(bindings)),
		wildcard: map[string]*tls.Certificate{},
		bindings: bindings,
	}
	for _, source := range sources {
		if _, ok := s.pairs[source.Name]; ok {
			return nil, fmt.Errorf("certificate %s occurs twice", source.Name)
		}
		cert, err := previous.parse(source)
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", source.Name, err)
		}
		s.pairs[source.Name] = pair{source, cert}
	}
	var err error
	if s.standard, err = SelfSigned(); err != nil {
		return nil, err
	}
	if s.standard, err = s.named(standard); err != nil {
		return nil, fmt.Errorf("default certificate: %w", err)
	}
	for _, b := range bindings {
		if err := s.bind(b); err != nil {
			return nil, fmt.Errorf("server name %s: %w", b.ServerName, err)
		}
	}
	return s, nil
}

// parse returns the certificate of a source: the one that s, which may be nil,
// has already made of the same content, or a new one.
func (s *Set) parse(source Source) (*tls.Certificate, error) {
	if s != nil {
		old, ok := s.pairs[source.Name]
		if ok && bytes.Equal(old.source.Cert, source.Cert) && bytes.Equal(old.source.Key, source.Key) {
			return old.cert, nil
		}
	}
	cert, err := tls.X509KeyPair(source.Cert, source.Key) // fills Leaf
	if err != nil {
		return nil, err
	}
	return &cert, nil
}

// named returns the certificate of that name, or the default one for no name.
func (s *Set) named(name string) (*tls.Certificate, error) {
	if name == "" {
		return s.standard, nil
	}
	if p, ok := s.pairs[name]; ok {
		return p.cert, nil
	}
	return nil, fmt.Errorf("there is no certificate %s", name)
}

func (s *Set) bind(b Binding) error {
	cert, err := s.named(b.Certificate)
	if err != nil {
		return err
	}
	names, name := s.exact, strings.ToLower(b.ServerName)
	if suffix, ok := strings.CutPrefix(name, "*"); ok {
		names, name = s.wildcard, suffix
	}
	if _, ok := names[name]; ok {
		return fmt.Errorf("it occurs twice")
	}
	names[name] = cert
	return nil
}

// Find returns the certificate for a server name in any case: that of the very
// name, else that of the wildcard for its first label, else the default one. It
// is never nil and must not be changed.
func (s *Set) Find(serverName string) *tls.Certificate {
	name := strings.ToLower(serverName) // allocates only if there is a capital
	if cert, ok := s.exact[name]; ok {
		return cert
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		if cert, ok := s.wildcard[name[dot:]]; ok {
			return cert
		}
	}
	return s.standard
}

// Default returns the certificate for all names that are not bound.
func (s *Set) Default() *tls.Certificate { return s.standard }

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
