package metrics

import (
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// Sources are where the metrics of other parts are read when they are scraped.
// A nil function leaves its metrics out. They are called from the scraper's
// goroutine.
type Sources struct {
	// Connections tells of connections from clients.
	Connections func() Connections
	// Upstreams tells of each upstream and its pools.
	Upstreams func() []Upstream
	// Streams tells of TCP and UDP services.
	Streams func() []Stream
	// AccessLog tells how many lines were written and dropped.
	AccessLog func() (written, dropped uint64)
	// Allocations tells of the memory of each allocation mode.
	Allocations func() [alloc.Modes]alloc.Stats
}

// Connections is the state of the connections from clients.
type Connections struct {
	// Open counts all connections; Idle those that wait for a request, Active
	// the others.
	Open, Idle, Active int
	// Accepted counts connections since the start, Refused those of them that
	// were closed at once because there were too many.
	Accepted, Refused uint64
	// Requests counts requests since the start, Panics those that panicked.
	Requests, Panics uint64
	// ProxyHeadersRefused counts connections closed for their PROXY header.
	ProxyHeadersRefused uint64
}

// Upstream is the state of an upstream and its pools.
type Upstream struct {
	// Name is that of logs: namespace-service-port. Those of one name are shown
	// added up.
	Name string
	// Endpoints counts all, Ejected those left out for a while.
	Endpoints, Ejected int
	// Idle and Active count open connections.
	Idle, Active int
	// Pending counts requests that wait for a connection, Exchanges those in
	// progress.
	Pending, Exchanges int
	// Created, Reused and Failed count connections since the start; Prewarmed are
	// those of Created that no request asked for.
	Created, Reused, Failed, Prewarmed uint64
	// Queued counts requests that had to wait for a connection, QueueFull and
	// QueueTimeouts those that did not get one.
	Queued, QueueFull, QueueTimeouts uint64
	// Overflowed counts requests refused for the limit of exchanges.
	Overflowed uint64
	// Retries counts further attempts, RetriesRefused those that the budget did not
	// allow.
	Retries, RetriesRefused uint64
	// Ejections counts how often endpoints were left out, by reason.
	Ejections map[string]uint64
	// Closed counts connections closed since the start, by reason.
	Closed map[string]uint64
}

// Stream is the state of a TCP or UDP service.
type Stream struct {
	// Name is protocol and port.
	Name string
	// Open counts connections now; Accepted and Failed since the start.
	Open             int
	Accepted, Failed uint64
	// Received and Sent count bytes of clients and to them, Dropped datagrams.
	Received, Sent, Dropped uint64
}

// SetSources says where the metrics of other parts are read.
func (m *Metrics) SetSources(s Sources) { m.sources.Store(&s) }

// Build says what was built.
type Build struct {
	Release, Commit, Repository string
	// DefaultMode is the allocation mode where nothing else is asked for,
	// ArenaSource where arena mode has its chunks from. Debug tells that
	// released memory is poisoned.
	DefaultMode, ArenaSource string
	Debug                    bool
}

// SetBuild says what was built.
func (m *Metrics) SetBuild(b Build) { m.build.Store(&b) }

// Certificate is one host's certificate.
type Certificate struct {
	Host string
	// Secret is the name of the Secret, Identifier its issuer and serial
	// number.
	Secret, Identifier string
	NotAfter           time.Time
}

// SetCertificates replaces the set of certificates in use.
func (m *Metrics) SetCertificates(list []Certificate) { m.certificates.Store(&list) }

// leader tells of the election.
type leader struct {
	lease   string
	leading func() bool
}

// SetLeader says how to ask whether this replica holds the Lease of that name.
func (m *Metrics) SetLeader(lease string, leading func() bool) {
	m.leader.Store(&leader{lease, leading})
}

// Publication describes a snapshot that was put to use.
type Publication struct {
	Generation uint64
	// Hash returns a number that is equal for equal configurations. It is
	// called when metrics are read. nil: 0.
	Hash func() uint64
	// Compile is the time that it took to be made and put to use.
	Compile       time.Duration
	Hosts, Routes int
	// RoutesByMode counts the routes of each allocation mode, default backends
	// included.
	RoutesByMode map[string]int
	// Problems counts the mistakes met, by reason.
	Problems map[string]int
}

// publications is what is known of snapshots.
type publications struct {
	sync.Mutex
	last            Publication
	at              time.Time
	failing         bool
	count, failures uint64
	endpoints       uint64
}

// Published tells that a snapshot was put to use.
func (m *Metrics) Published(p Publication) {
	m.publications.Lock()
	defer m.publications.Unlock()
	m.publications.last = p
	m.publications.at = m.options.now()
	m.publications.failing = false
	m.publications.count++
}

// PublishFailed tells that a configuration could not be put to use.
func (m *Metrics) PublishFailed() {
	m.publications.Lock()
	defer m.publications.Unlock()
	m.publications.failing = true
	m.publications.failures++
}

// EndpointsPublished tells that a set of endpoints was put to use.
func (m *Metrics) EndpointsPublished() {
	m.publications.Lock()
	defer m.publications.Unlock()
	m.publications.endpoints++
}
