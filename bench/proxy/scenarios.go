package main

// scenario is one kind of load that every proxy gets.
type scenario struct {
	Name, Text string
	// Modes tells that Shockwave is loaded in each allocation mode, and not in the
	// default only.
	Modes bool
	// Size and Body are the lengths of the response's and the request's body. A
	// request without one is a GET.
	Size, Body int
	// Half is an open loop at half of what the slowest proxy could do in the
	// scenario capacity, beside the backend without a proxy.
	Half bool
	// TLS is how clients speak. With Fresh each request has a connection of its own.
	TLS, Fresh  bool
	Connections int
	// Idle connections are looked at in place of a load.
	Idle bool
}

// smallSize is the length of the response where a body is not what counts.
const smallSize = 128

const mib = 1 << 20

// The scenarios that targets are set for.
const (
	capacity  = "get"
	half      = "get-half"
	get100K   = "get-100k"
	get1M     = "get-1m"
	post1K    = "post-1k"
	post1M    = "post-1m"
	tlsGet    = "tls-get"
	handshake = "tls-handshake"
	idle      = "idle"
)

// scenarios are all of them, in the order of a run.
var scenarios = []scenario{
	{Name: capacity, Modes: true, Size: smallSize, Connections: 64,
		Text: "A small GET, answered with 128 bytes, at saturation: 64 keep-alive connections, each of which sends its next request when it has the answer to the last. `relay` is no proxy but a program on Shockwave's sockets that passes bytes on without a look at them: the floor for a goroutine per connection"},
	{Name: half, Modes: true, Size: smallSize, Connections: 64, Half: true,
		Text: "The same at half of the capacity of the slowest proxy: an open loop, whose latency counts from when a request should have been sent"},
	{Name: "get-1k", Size: 1 << 10, Connections: 64, Text: "Responses of 1 KB, 64 keep-alive connections"},
	{Name: get100K, Modes: true, Size: 100 << 10, Connections: 64, Text: "Responses of 100 KB, 64 keep-alive connections"},
	{Name: get1M, Size: mib, Connections: 64, Text: "Responses of 1 MB, 64 keep-alive connections"},
	{Name: "get-10m", Size: 10 * mib, Connections: 16, Text: "Responses of 10 MB, 16 keep-alive connections"},
	{Name: post1K, Size: smallSize, Body: 1 << 10, Connections: 64, Text: "POST of 1 KB, answered with 128 bytes, 64 keep-alive connections"},
	{Name: post1M, Size: smallSize, Body: mib, Connections: 64, Text: "POST of 1 MB, answered with 128 bytes, 64 keep-alive connections"},
	{Name: tlsGet, Modes: true, Size: smallSize, Connections: 64, TLS: true, Text: "The small GET over TLS 1.3, 64 keep-alive connections"},
	{Name: handshake, Size: smallSize, Connections: 32, TLS: true, Fresh: true,
		Text: "A full TLS 1.3 handshake, one small GET and the end of the connection, 32 at a time; no tickets, no resumption"},
	{Name: idle, Size: smallSize, Connections: 10000, Idle: true,
		Text: "10,000 keep-alive connections that have had one request each and are idle"},
}

// perMiB tells that bodies are what a scenario moves: its CPU counts per MiB too.
func (s *scenario) perMiB() bool { return max(s.Size, s.Body) >= 100<<10 }

// find returns the scenario of that name.
func find(name string) (scenario, bool) {
	for _, s := range scenarios {
		if s.Name == name {
			return s, true
		}
	}
	return scenario{}, false
}

// The proxies, in the order of a round, and what is loaded besides. The first is
// Shockwave as it comes: in the allocation mode that is the default.
const (
	shockwave = "shockwave"
	arena     = "shockwave/arena"
	greentea  = "shockwave/greentea"
	nginx     = "nginx"
	haproxy   = "haproxy"
	httputil  = "httputil"
	fastHTTP  = "fasthttp"
	// floor is no proxy: it moves bytes and looks at none (relayRole).
	floor = "relay"
	// direct is the backend without a proxy.
	direct = "direct"
)

var (
	ours  = []string{shockwave, arena, greentea}
	peers = []string{nginx, haproxy, httputil, fastHTTP}
	names = append(append(append([]string{}, ours...), peers...), floor, direct)
)

// takesPart tells whether what is so named is loaded in s.
func (s *scenario) takesPart(name string) bool {
	switch name {
	case arena, greentea:
		return s.Modes
	case floor:
		return s.Name == capacity
	case direct:
		return s.Half
	}
	return true
}
