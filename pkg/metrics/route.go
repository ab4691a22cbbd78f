package metrics

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// RouteLabels name a route by its Ingress object. Two routes with equal labels
// share their counters.
type RouteLabels struct {
	Namespace, Ingress, Service string
	// Path and Host are those of the Ingress rule.
	Path, Host string
	// Canary is the name of the alternative upstream on canary traffic, and
	// empty on all other: ingress-nginx's consumers select canary!="".
	Canary string
}

// Route counts the exchanges of one route.
type Route struct {
	metrics *Metrics
	labels  RouteLabels
	// list is replaced whole, under mu, when a method and status are met first.
	list atomic.Pointer[[]*series]
	mu   sync.Mutex
	// retired is when no snapshot wanted the route any more; the zero time
	// while one does. It is guarded by routes.mu.
	retired time.Time
}

// maxSeries bounds the pairs of method and status that one route counts apart.
// An upstream may answer with any of 500 statuses; those beyond the bound are
// counted by class, with the method OTHER.
const maxSeries = 64

// methodLabels are the values of the label method.
var methodLabels = [...]string{
	message.OtherMethod: "OTHER",
	message.GET:         "GET",
	message.HEAD:        "HEAD",
	message.POST:        "POST",
	message.PUT:         "PUT",
	message.DELETE:      "DELETE",
	message.PATCH:       "PATCH",
	message.OPTIONS:     "OPTIONS",
	message.CONNECT:     "CONNECT",
	message.TRACE:       "TRACE",
}

func newRoute(m *Metrics, labels RouteLabels) *Route {
	r := &Route{metrics: m, labels: labels}
	r.list.Store(new([]*series))
	return r
}

// statusNone stands for an exchange that ended without a response, as in nginx's
// log.
const statusNone = 499

// Observe counts an exchange that has ended, elapsed after its first byte. It
// takes no lock and allocates nothing, except when it meets a method and status
// for the first time.
func (r *Route) Observe(ex *message.Exchange, elapsed time.Duration) {
	t := &ex.Trace
	status := t.Status
	if status < 100 || status > 599 {
		status = statusNone
	}
	if r.metrics.options.statusClasses {
		status /= 100
	}
	key := seriesKey(ex.Request.MethodID, status)
	s := r.find(key)
	if s == nil {
		s = r.add(key)
	}
	l := &r.metrics.layout
	s.addTime(l, l.request, elapsed)
	s.addLength(l, l.requestSize, t.Received)
	s.addLength(l, l.responseSize, t.Sent)
	if t.Tried > 0 {
		a := &t.Attempts[min(t.Tried, len(t.Attempts))-1]
		s.addTime(l, l.response, a.Total)
		if a.Status != 0 {
			s.addTime(l, l.header, a.Head)
		}
		if a.Status != 0 || a.Connect > 0 {
			s.addTime(l, l.connect, a.Connect)
		}
	}
	if t.Refusal != "" {
		r.metrics.refusals.add(t.Refusal)
	}
}

// key identifies a series of a route: its method, and its status, or the class of
// it as one digit.
type key uint32

func seriesKey(method message.Method, status int) key {
	return key(method)<<16 | key(status)
}

func (k key) method() string {
	if m := int(k >> 16); m < len(methodLabels) {
		return methodLabels[m]
	}
	return methodLabels[message.OtherMethod]
}

func (k key) status() string {
	n := int(k & 0xffff)
	if n < 10 {
		return string(rune('0'+n)) + "xx"
	}
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

func (r *Route) find(k key) *series {
	for _, s := range *r.list.Load() {
		if s.key == k {
			return s
		}
	}
	return nil
}

// add makes the series of a key, or returns the one that stands for it when the
// route has too many.
func (r *Route) add(k key) *series {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.find(k); s != nil {
		return s
	}
	list := *r.list.Load()
	if len(list) >= maxSeries {
		class := int(k & 0xffff)
		if class >= 10 {
			class /= 100
		}
		k = seriesKey(message.OtherMethod, class)
		if s := r.find(k); s != nil {
			return s
		}
	}
	s := newSeries(k, &r.metrics.layout)
	grown := append(list[:len(list):len(list)], s)
	r.list.Store(&grown)
	return s
}
