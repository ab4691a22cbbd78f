package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// String is the printed form of c, the same in golden tests, `shockwave check`
// and /configuration. It shows what is served and whatever differs from the
// defaults, and never a private key or the hash of a password. Equal values print alike.
//
//	default certificate  default/wildcard
//	certificate default/shop  sha256:5d41402abc4b
//	host shop.example
//	  tls  default/shop
//	  /cart  prefix  default/cart:80
//	  /pay  exact  default/pay:443  proxy-read-timeout=2m0s
//	  fallback  default/home:80
//	host *
//	  /  prefix  -  denied: why
//	upstream default/pay:443  external pay.example.net:443
func (c *Config) String() string {
	var b strings.Builder
	if settings := c.Listener.changes(); settings != "" {
		b.WriteString("listener" + settings + "\n")
	}
	unrouted, usual := c.Unrouted.Filters(), Filters{HSTS: DefaultFilters(c.Listener.Profile).HSTS}
	if settings := changes(unrouted.settings(), usual.settings()); settings != "" && c.Unrouted != (FilterSet{}) {
		b.WriteString("unrouted" + settings + "\n")
	}
	if c.DefaultCertificate != "" {
		b.WriteString("default certificate  " + c.DefaultCertificate + "\n")
	}
	for _, cert := range c.Certificates {
		b.WriteString("certificate " + cert.Name + "  sha256:" + cert.fingerprint() + "\n")
	}
	for _, a := range c.Authorities {
		b.WriteString("authority " + a.Name + "  sha256:" + fingerprint(a.Certificates) + "\n")
	}
	for i := range c.Users {
		b.WriteString("users " + c.Users[i].Name + "  sha256:" + c.Users[i].fingerprint() + "\n")
	}
	for _, name := range c.TLSNames {
		b.WriteString("tls " + name.Name + "  " + cmp.Or(name.Certificate, "-") + "\n")
	}
	for i := range c.Hosts {
		c.Hosts[i].print(&b)
	}
	for _, up := range c.Upstreams {
		up.print(&b)
	}
	for i := range c.Streams {
		c.Streams[i].print(&b)
	}
	return b.String()
}

func (h *Host) print(b *strings.Builder) {
	b.WriteString("host " + cmp.Or(h.Name, "*") + "\n")
	printTLS(b, "  tls", h.Certificate, h.Secured)
	for _, a := range h.Aliases {
		b.WriteString("  alias " + a.Name + "\n")
		printTLS(b, "    tls", a.Certificate, a.Secured)
	}
	if settings := changes(h.TLS.settings(), HostTLS{}.settings()); settings != "" {
		b.WriteString("  tls settings" + settings + "\n")
	}
	if !h.Passthrough.IsZero() {
		b.WriteString("  tls passthrough  " + h.Passthrough.String() + "\n")
	}
	for i := range h.Routes {
		r := &h.Routes[i]
		b.WriteString("  " + r.Path + "  " + r.Match.String())
		r.printTarget(b)
	}
	if h.Fallback != nil {
		b.WriteString("  fallback")
		h.Fallback.printTarget(b)
	}
}

// printTLS writes the certificate of a name that has one. Such a name is secured, and
// one that is secured without has the default one.
func printTLS(b *strings.Builder, indent, certificate string, secured bool) {
	switch {
	case certificate != "":
		b.WriteString(indent + "  " + certificate + "\n")
	case secured:
		b.WriteString(indent + "  -\n")
	}
}

func (r *Route) printTarget(b *strings.Builder) {
	target := r.Upstream.String()
	if r.Answer != 0 {
		target = strconv.Itoa(r.Answer)
	}
	branches := r.Branches.Branches()
	b.WriteString("  " + target + r.Options.Changes() + branches.Changes())
	if r.Denied != "" {
		b.WriteString("  denied: " + r.Denied)
	}
	b.WriteByte('\n')
}

// print writes nothing for an upstream that its routes already tell all of.
func (u *Upstream) print(b *strings.Builder) {
	settings := u.Changes()
	if u.ExternalName == "" && settings == "" {
		return
	}
	b.WriteString("upstream " + u.Key.String())
	if u.ExternalName != "" {
		b.WriteString("  external " + u.ExternalName + ":" + strconv.Itoa(int(u.ExternalPort)))
	}
	b.WriteString(settings + "\n")
}

// fingerprint identifies the certificate's content: the first six bytes of the
// SHA-256 of its leaf, as `openssl x509 -fingerprint -sha256` begins.
func (c *Certificate) fingerprint() string { return fingerprint(c.Cert) }

// fingerprint is that of the first certificate of a PEM text.
func fingerprint(content []byte) string {
	if block, _ := pem.Decode(content); block != nil {
		content = block.Bytes
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

// fingerprint shows a change of the list's content. It is short on purpose: not all
// hashes have a salt, and a longer one would confirm a password that was guessed.
func (u *UserList) fingerprint() string {
	sum := sha256.Sum256(u.Content)
	return hex.EncodeToString(sum[:2])
}

// Changes lists what differs from the defaults of the profile, under the annotations' names,
// each as two spaces and name=value.
func (o Options) Changes() string {
	usual := DefaultOptionsOf(o.Profile)
	filters, usualFilters := o.Filters.Filters(), usual.Filters.Filters()
	usualFilters.quieten(&filters)
	return modeText(o.AllocationMode, o.AllocationModeFrom) + changes(o.settings(), usual.settings()) +
		changes(filters.settings(), usualFilters.settings())
}

// Changes lists what differs from DefaultPolicy.
func (p Policy) Changes() string { return changes(p.settings(), DefaultPolicy().settings()) }

// changes lists what differs from the defaults of the profile.
func (s Listener) changes() string {
	return modeText(s.AllocationMode, s.AllocationModeFrom) + changes(s.settings(), DefaultListenerOf(s.Profile).settings())
}

// print writes a stream with where it goes.
func (s *Stream) print(b *strings.Builder) {
	b.WriteString("stream " + s.Name() + "  " + s.Upstream.String())
	if s.AcceptProxy {
		b.WriteString("  proxy-protocol")
	}
	if s.SendProxy {
		b.WriteString("  send-proxy-protocol")
	}
	b.WriteString(changes(s.settings(), DefaultStreamTimeouts().settings()) + "\n")
}

// Name is protocol and port, such as "tcp/5432".
func (s *Stream) Name() string {
	protocol := "tcp/"
	if s.UDP {
		protocol = "udp/"
	}
	return protocol + strconv.Itoa(int(s.Port))
}

// String is the printed form of e: each upstream by key, and below it its
// addresses with their pods.
//
//	default/cart:80
//	  10.0.0.1:8080  cart-0
func (e Endpoints) String() string {
	var b strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(e), UpstreamKey.Compare) {
		b.WriteString(key.String() + "\n")
		for _, endpoint := range e[key] {
			b.WriteString("  " + endpoint.Addr.String())
			if endpoint.Pod != "" {
				b.WriteString("  " + endpoint.Pod)
			}
			if endpoint.Weight > 1 {
				b.WriteString("  weight=" + strconv.Itoa(int(endpoint.Weight)))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// Compare orders keys by namespace, Service and port, and ports by number.
func (k UpstreamKey) Compare(other UpstreamKey) int {
	return cmp.Or(
		cmp.Compare(k.Namespace, other.Namespace),
		cmp.Compare(k.Service, other.Service),
		cmp.Compare(len(k.Port), len(other.Port)),
		cmp.Compare(k.Port, other.Port),
		compareBool(k.UDP, other.UDP),
		cmp.Compare(k.Variant, other.Variant),
	)
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
