package snapshot

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/credential"
	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/route"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// Snapshot is a compiled configuration. Nothing of it may be changed.
type Snapshot struct {
	// Config is what the snapshot was made from.
	Config *model.Config
	// Generation counts the snapshots that were compiled one from another,
	// from 1.
	Generation uint64
	// Compiled is when the snapshot was made.
	Compiled time.Time
	// Certificates are those of Config, by server name.
	Certificates *certs.Set
	// ConnectionMode is Config.Listener.AllocationMode: the memory of
	// connections and of request heads.
	ConnectionMode alloc.Mode
	// Unrouted are the filters of answers to requests that no route is for.
	Unrouted filter.Chain

	// AccessLog says what is logged.
	AccessLog AccessLog
	// Forwarding says what is believed of proxies in front.
	Forwarding Forwarding
	// Secured are the names for which https is served.
	Secured *filter.Names

	table *route.Table[*Route]
	hosts []host // in the order of Config.Hosts

	passthrough passthrough
	users       map[string]*credential.Users // by the names of Config.Users
	shared      *filter.Shared
}

// host is what a model.Host was compiled to.
type host struct {
	paths  *route.Paths[*Route]
	routes []*Route // those of the host, and then its fallback
}

// Route is where the requests of a path go, and how.
type Route struct {
	// Target is where requests go that no branch takes.
	Target
	// Canary takes some of them; nil for none.
	Canary *Canary
	// OverTLS is where requests of clients go that use TLS, nil where that makes no
	// difference.
	OverTLS *Target
	// Errors replaces answers with an error; nil: none are.
	Errors *ErrorPages
	// Denied tells that a setting which protects the route cannot be honoured:
	// answer 503 whatever the request.
	Denied bool
	// Guarded tells that not everybody may have what is there.
	Guarded bool
	// NoAccessLog keeps the route's exchanges out of the access log.
	NoAccessLog bool
	// Answer is the status of every response of a route that forwards nothing; 0 for
	// all others.
	Answer int
	// Mode is the memory of the route's exchanges.
	Mode alloc.Mode
	// ConnectTimeout bounds the making of a connection to an endpoint.
	ConnectTimeout time.Duration
	// SendTimeout and ReadTimeout bound the gap between two writes to the
	// endpoint and two reads from it.
	SendTimeout, ReadTimeout time.Duration
	// RequestTimeout bounds the time from a request's head to the end of its
	// response. 0 means no limit.
	RequestTimeout time.Duration
	// Retry says when a request is sent to another endpoint.
	Retry model.Retry
	// Buffering says what of a message is collected before it is passed on.
	Buffering model.Buffering
	// ResponseLimits bound what is read of a response's head.
	ResponseLimits http11.Limits
	// Variables are what expressions tell of the route.
	Variables variable.Route
	// Filters are the steps besides forwarding.
	Filters filter.Chain
	// MaxBody is the largest request body accepted, in bytes. 0 means no
	// limit.
	MaxBody int64

	// Namespace and Ingress name the object that the route came from.
	Namespace, Ingress string
	// Service and Port are those of the upstream, empty without one. Port is
	// decimal.
	Service, Port string
	// Path is that of the Ingress's rule, a pattern perhaps; "/" for a fallback.
	Path string
	// UpstreamName is namespace-service-port, as logs show it; empty without an
	// upstream.
	UpstreamName string
	// Metrics counts the route's exchanges.
	Metrics *metrics.Route
}

// Scratch is memory for Find.
type Scratch = route.Scratch

// errParameters is the error of a path that leads around a protection where an application
// leaves out parameters, as in /;a/admin. Elsewhere parameters are a part of the path, as
// in nginx.
var errParameters = errors.New("the path leads to what is protected when the parameters of its segments are left out")

// Find returns the route for a host, given in lower case and without port, and a path in
// normal form, with the path to forward. The route is nil when nothing serves them: answer
// 404. An error is that of a path that must not be routed: answer 400. Find allocates
// nothing in steady state and keeps neither argument; the path to forward may be a view of
// scratch.
func (s *Snapshot) Find(host, path []byte, scratch *Scratch) (r *Route, forward []byte, err error) {
	plain, has, err := s.table.FindPlain(host, path, scratch)
	if err != nil {
		return nil, nil, err
	}
	r, forward, _, err = s.table.Find(host, path, scratch)
	if has && plain != r && plain.Guarded {
		return nil, nil, errParameters
	}
	return r, forward, err
}

// Route is Find for those that forward nothing.
func (s *Snapshot) Route(host, path []byte) *Route {
	r, _, _ := s.Find(host, path, new(Scratch))
	return r
}

// Serves tells whether there is anything for a host, given as Route wants it.
func (s *Snapshot) Serves(host []byte) bool { return s.table.Host(host) != nil }

// Wants tells whether a route of the snapshot may use the upstream with that
// key. It is for upstream.Registry.Retain.
func (s *Snapshot) Wants(key model.UpstreamKey) bool {
	_, ok := findUpstream(s.Config, key)
	return ok
}

// findUpstream returns the position of an upstream in c, which is sorted by key.
func findUpstream(c *model.Config, key model.UpstreamKey) (int, bool) {
	return slices.BinarySearchFunc(c.Upstreams, key,
		func(u model.Upstream, key model.UpstreamKey) int { return u.Key.Compare(key) })
}

// Routes yields each route, in the order of Config.
func (s *Snapshot) Routes() iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		for i := range s.hosts {
			for _, r := range s.hosts[i].routes {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// Handles yields the metric handle of each route; some may share one. It is for
// metrics.Metrics.Retain.
func (s *Snapshot) Handles() iter.Seq[*metrics.Route] {
	return func(yield func(*metrics.Route) bool) {
		for r := range s.Routes() {
			if !yield(r.Metrics) || r.Canary != nil && !yield(r.Canary.Metrics) {
				return
			}
		}
	}
}

// CertificateDates lists what metrics tell of the certificates that are shown
// for names of their own: each host, its Secret and when the certificate ends.
// The identifier is made as ingress-nginx makes it
// (pkg/apis/ingress/sslcert.go).
func (s *Snapshot) CertificateDates() []metrics.Certificate {
	var list []metrics.Certificate
	for b, cert := range s.Certificates.Bound() {
		list = append(list, metrics.Certificate{
			Host:       b.ServerName,
			Secret:     b.Certificate,
			Identifier: fmt.Sprintf("%s-%s", cert.Leaf.Issuer.SerialNumber, cert.Leaf.SerialNumber),
			NotAfter:   cert.Leaf.NotAfter,
		})
	}
	return list
}

// AppendHost appends the name that a request for hostname is routed by: in lower
// case and without a trailing dot.
func AppendHost(dst, hostname []byte) []byte {
	if n := len(hostname); n > 0 && hostname[n-1] == '.' {
		hostname = hostname[:n-1]
	}
	for _, c := range hostname {
		dst = append(dst, message.Lower(c))
	}
	return dst
}
