package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// Explanation tells what becomes of a request, and why.
type Explanation struct {
	// Generation is that of the snapshot that was asked.
	Generation uint64
	// Method and URL are as they were asked about.
	Method, URL string
	// Host and Path are what is routed by: the host in lower case without port,
	// the path in normal form. They are empty when the request is refused before.
	Host, Path string
	// Connection is where the memory of the connection comes from, and Exchange
	// that of the exchange: the route's when the request is forwarded.
	Connection, Exchange Memory
	// Answer is what the proxy answers by itself. nil: the request is forwarded
	// to Upstream.
	Answer *Answer
	// Served is the host that the request is served under. nil for none.
	Served *HostMatch
	// Route is where the request goes, and RouteWhy why there. nil for none.
	Route    *model.Route
	RouteWhy string
	// Filters are the names of the filters that the request meets on Route, in their
	// order.
	Filters []string
	// To is where the request is forwarded that no canary takes: to the upstream of Route,
	// or to what stands in for it.
	To model.UpstreamKey
	// Upstream is that of Route, nil when it has none or is denied.
	Upstream *upstream.Stats
	// OtherRoutes are other routes of the host with why they lost, the nearest
	// first, and MoreRoutes how many are left out.
	OtherRoutes []LostRoute
	MoreRoutes  int
	// OtherHosts are other hosts, and MoreHosts how many are left out.
	OtherHosts []LostHost
	MoreHosts  int
}

// Memory is an allocation mode with what chose it.
type Memory struct {
	Mode model.AllocationMode
	From string
}

// Answer is an answer of the proxy itself.
type Answer struct {
	Status int
	Why    string
}

// HostMatch is a host that serves a request.
type HostMatch struct {
	// Name is that of the model: "" for the catch-all.
	Name string
	// Kind is exact, alias, wildcard or catch-all.
	Kind string
	Why  string
}

// Explain tells what becomes of a request. It asks what the proxy asks: the parser
// of http11, the table of routes and the upstreams. What can only be found out on
// the way, such as an endpoint that fails or a request that goes round, it does
// not foretell.
//
// The work is bounded by the length of the question and the size of the
// configuration, the result by constants.
func (s *Snapshot) Explain(q Question) *Explanation {
	l := s.Config.Listener
	e := &Explanation{
		Generation: s.Generation, Method: q.method, URL: q.url,
		Connection: Memory{l.AllocationMode, l.AllocationModeFrom},
	}
	e.Exchange = Memory{l.AllocationMode, "that of the connection, as the request is not forwarded"}
	var req message.Request
	if !e.parse(&req, q.head, RequestLimits(http11.DefaultLimits(), l)) {
		return e
	}
	path, err := http11.NormalizePath(nil, req.Path)
	if err != nil {
		e.refuse(err)
		return e
	}
	key := path
	if string(key) == "*" {
		key = []byte("/") // OPTIONS * is about the server of the host
	}
	host := AppendHost(nil, req.Hostname)
	e.Host, e.Path = string(host), string(path)
	at := s.indexOf(host)
	e.explainHosts(s.Config, host, at)
	if at < 0 {
		e.answer(404, e.noHost())
		return e
	}
	r, forward, err := s.Find(host, key, new(Scratch))
	if err != nil {
		e.answer(400, err.Error())
		return e
	}
	if len(path) > 1 {
		e.Path = string(forward) // what is told of it is about this form
		key = forward
	}
	m := s.modelOf(at, r)
	e.explainRoutes(&s.Config.Hosts[at], m, key)
	e.explainAnswer(r, &req)
	if e.Answer == nil || r != nil && !r.Denied {
		e.explainRedirect(s, &q, &req)
	}
	return e
}

// parse reads the request as a listener does. It tells whether it is routed.
func (e *Explanation) parse(req *message.Request, head []byte, limits http11.Limits) bool {
	var scan http11.HeadScanner
	_, err := scan.Scan(head, &limits)
	if err == nil {
		err = http11.ParseRequest(req, head, &limits)
	}
	if err != nil {
		e.refuse(err)
		return false
	}
	if req.MethodID == message.TRACE {
		e.answer(405, "TRACE is not served: it would show the fields that the proxy adds")
		return false
	}
	return true
}

// refuse tells of a request that is refused for its form.
func (e *Explanation) refuse(err error) {
	status := 400
	var refused *http11.Error
	if errors.As(err, &refused) {
		status = refused.Status
	}
	e.answer(status, "the request is refused for its form: "+err.Error())
}

func (e *Explanation) answer(status int, why string) { e.Answer = &Answer{status, why} }

// indexOf returns the position in Config.Hosts of the host that serves a name, or
// -1.
func (s *Snapshot) indexOf(name []byte) int {
	paths := s.table.Host(name)
	for i := range s.hosts {
		if s.hosts[i].paths == paths {
			return i
		}
	}
	return -1
}

// modelOf returns what a route of the host at a position was made from, or nil.
func (s *Snapshot) modelOf(at int, r *Route) *model.Route {
	h := &s.Config.Hosts[at]
	for i, made := range s.hosts[at].routes {
		switch {
		case made != r:
		case i < len(h.Routes):
			return &h.Routes[i]
		default:
			return h.Fallback
		}
	}
	return nil
}

// explainAnswer tells what the proxy answers by itself to a request that r, which
// may be nil, serves, in the order in which it looks.
func (e *Explanation) explainAnswer(r *Route, req *message.Request) {
	if r == nil {
		e.answer(404, fmt.Sprintf("host %s has no path that covers %s, and no default backend", shown(e.Served.Name), model.Excerpt(e.Path)))
		return
	}
	e.Filters = r.Filters.Names
	e.To = e.Route.Upstream
	if r.Upstream != nil {
		stats := r.Upstream.Stats()
		e.Upstream = &stats
	}
	if p := r.Errors; p != nil && p.StandIn && p.Ready() && !r.Ready() {
		stats := p.Upstream.Stats()
		e.To, e.Upstream = stats.Key, &stats
	}
	switch {
	case r.Denied:
		e.answer(503, "the route is denied: "+e.Route.Denied)
	case r.Answer != 0:
		e.answer(r.Answer, "no path of the host covers the request's, and there is no default backend")
	case e.Upstream == nil:
		e.answer(503, "there is no such Service or port")
	case r.MaxBody > 0 && int64(req.Body) > r.MaxBody:
		e.answer(413, fmt.Sprintf("the body is longer than proxy-body-size, %d bytes", r.MaxBody))
	case len(e.Upstream.Endpoints) == 0 && e.Upstream.ExternalName != "":
		e.answer(503, fmt.Sprintf("%s has no address so far: a running controller resolves it", e.Upstream.ExternalName))
	case len(e.Upstream.Endpoints) == 0:
		e.answer(503, "the upstream has no endpoint that is ready")
	default:
		o := e.Route.Options
		e.Exchange = Memory{o.AllocationMode, o.AllocationModeFrom}
		if err := http11.StripRequest(&req.Fields); err != nil {
			e.refuse(err)
		}
	}
}

// explainRedirect tells of a redirect, which comes before all that has to do with
// endpoints. Whether a client comes in clear text only the question can tell.
func (e *Explanation) explainRedirect(s *Snapshot, q *Question, req *message.Request) {
	f := e.Route.Options.Filters.Filters()
	switch {
	case f.AppRoot.Path != "" && e.Path == "/":
		e.answer(302, "app-root sends it to "+model.Excerpt(f.AppRoot.Path))
	case f.Redirect.URL != "":
		e.answer(f.Redirect.Code, "a redirect sends all of the path to "+model.Excerpt(f.Redirect.URL))
	case f.Redirect.Host != "":
		e.answer(f.Redirect.Code, "from-to-www-redirect sends it to "+f.Redirect.Host)
	case f.Redirect.AddSlash:
		e.answer(f.Redirect.Code, "the path is served with a slash at its end only")
	case q.clear && slices.Contains(e.Filters, "https-redirect") && (f.HTTPS.Force || s.Secured.Has(req.Hostname)):
		e.answer(cmp.Or(f.HTTPS.Code, 308), "ssl-redirect sends it to https")
	}
}

// shown is how people are shown the name of a host.
func shown(name string) string { return cmp.Or(name, "*") }
