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
	"time"
)

// String is the printed form of c, the same in golden tests, `shockwave check`
// and /configuration. It shows what is served and whatever differs from the
// defaults, and never a private key. Equal values print alike.
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
	if c.DefaultCertificate != "" {
		b.WriteString("default certificate  " + c.DefaultCertificate + "\n")
	}
	for _, cert := range c.Certificates {
		b.WriteString("certificate " + cert.Name + "  sha256:" + cert.fingerprint() + "\n")
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
	return b.String()
}

func (h *Host) print(b *strings.Builder) {
	b.WriteString("host " + cmp.Or(h.Name, "*") + "\n")
	if h.Certificate != "" {
		b.WriteString("  tls  " + h.Certificate + "\n")
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

func (r *Route) printTarget(b *strings.Builder) {
	b.WriteString("  " + r.Upstream.String() + r.Options.Changes())
	if r.Denied != "" {
		b.WriteString("  denied: " + r.Denied)
	}
	b.WriteByte('\n')
}

// print writes nothing for an upstream that its routes already tell all of.
func (u *Upstream) print(b *strings.Builder) {
	settings := u.Pool.changes()
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
func (c *Certificate) fingerprint() string {
	content := c.Cert
	if block, _ := pem.Decode(c.Cert); block != nil {
		content = block.Bytes
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

// Changes lists what differs from DefaultOptions, under the annotations' names,
// each as two spaces and name=value.
func (o Options) Changes() string {
	var l changeList
	d := DefaultOptions()
	l.mode(o.AllocationMode, o.AllocationModeFrom, d.AllocationMode)
	l.duration("proxy-connect-timeout", o.ConnectTimeout, d.ConnectTimeout)
	l.duration("proxy-send-timeout", o.SendTimeout, d.SendTimeout)
	l.duration("proxy-read-timeout", o.ReadTimeout, d.ReadTimeout)
	l.number("proxy-body-size", o.MaxBodyBytes, d.MaxBodyBytes)
	return l.String()
}

// changes lists what differs from DefaultPool.
func (p Pool) changes() string {
	var l changeList
	d := DefaultPool()
	l.number("upstream-keepalive-connections", int64(p.IdleConnections), int64(d.IdleConnections))
	l.duration("upstream-keepalive-timeout", p.IdleTimeout, d.IdleTimeout)
	l.number("upstream-keepalive-requests", int64(p.MaxRequests), int64(d.MaxRequests))
	l.duration("upstream-keepalive-time", p.MaxAge, d.MaxAge)
	return l.String()
}

// changes lists what differs from DefaultListener.
func (s Listener) changes() string {
	var l changeList
	d := DefaultListener()
	l.mode(s.AllocationMode, s.AllocationModeFrom, d.AllocationMode)
	l.duration("keep-alive", s.KeepAliveTimeout, d.KeepAliveTimeout)
	l.number("keep-alive-requests", int64(s.KeepAliveRequests), int64(d.KeepAliveRequests))
	l.number("max-connections", int64(s.MaxConnections), int64(d.MaxConnections))
	l.duration("client-header-timeout", s.HeaderTimeout, d.HeaderTimeout)
	l.duration("client-body-timeout", s.BodyTimeout, d.BodyTimeout)
	l.number("max-header-bytes", int64(s.MaxHeaderBytes), int64(d.MaxHeaderBytes))
	return l.String()
}

// changeList gathers "  name=value" for values that differ from their default.
type changeList struct{ strings.Builder }

// mode tells an allocation mode together with what chose it.
func (l *changeList) mode(mode AllocationMode, from string, usual AllocationMode) {
	if mode != usual {
		l.WriteString("  allocation-mode=" + string(mode) + " (" + from + ")")
	}
}

func (l *changeList) number(name string, value, usual int64) {
	if value != usual {
		l.WriteString("  " + name + "=" + strconv.FormatInt(value, 10))
	}
}

func (l *changeList) duration(name string, value, usual time.Duration) {
	if value != usual {
		l.WriteString("  " + name + "=" + value.String())
	}
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
	)
}
