package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// loadOptions say what the generator does.
type loadOptions struct {
	scenario string
	addr     string
	hosts    int
	rate     float64 // requests per second; 0: a closed loop
	warm     time.Duration
	window   time.Duration
	pid      int    // whose processor time is taken; 0: nobody's
	profiles string // where allocations are read, if anywhere
	// The processors whose use is taken.
	proxyCore, otherCore int
}

func (o *loadOptions) register(flags *flag.FlagSet) {
	flags.StringVar(&o.scenario, "scenario", "", "")
	flags.StringVar(&o.addr, "addr", "", "")
	flags.IntVar(&o.hosts, "hosts", 1, "")
	flags.Float64Var(&o.rate, "rate", 0, "")
	flags.DurationVar(&o.warm, "warm", 0, "")
	flags.DurationVar(&o.window, "window", 0, "")
	flags.IntVar(&o.pid, "pid", 0, "")
	flags.StringVar(&o.profiles, "profiles", "", "")
	flags.IntVar(&o.proxyCore, "proxy-core", 0, "")
	flags.IntVar(&o.otherCore, "other-core", 0, "")
}

// args is o as register reads it.
func (o *loadOptions) args() []string {
	return []string{
		"-scenario", o.scenario,
		"-addr", o.addr,
		"-hosts", strconv.Itoa(o.hosts),
		"-rate", strconv.FormatFloat(o.rate, 'g', -1, 64),
		"-warm", o.warm.String(),
		"-window", o.window.String(),
		"-pid", strconv.Itoa(o.pid),
		"-profiles", o.profiles,
		"-proxy-core", strconv.Itoa(o.proxyCore),
		"-other-core", strconv.Itoa(o.otherCore),
	}
}

// loaded is what the generator tells its parent.
type loaded struct {
	load.Result
	// Mallocs are heap allocations in the window, or negative if not known.
	Mallocs float64
}

// load runs the generator in a process of its own, on the other core.
func (b *bench) load(p *proxy, s *scenario, rate float64) (r loaded, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	o := loadOptions{
		scenario: s.Name, addr: p.addr, hosts: b.hosts, rate: rate, warm: b.warm, window: b.window, profiles: p.profiles,
		proxyCore: b.proxyCore, otherCore: b.otherCore,
	}
	if s.TLS {
		o.addr = p.tlsAddr
	}
	if s.Half {
		o.profiles = "" // to read it would delay requests
	}
	if p.name != direct {
		o.pid = p.PID()
	}
	args := append([]string{"-c", strconv.Itoa(b.otherCore), self, "load"}, o.args()...)
	cmd := exec.CommandContext(b.ctx, "taskset", args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("load generator: %w", err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("load generator: %w", err)
	}
	return r, r.Err()
}

// loadRole generates load and writes the result as JSON.
func loadRole(args []string) error {
	var o loadOptions
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	o.register(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	options, err := o.generator()
	if err != nil {
		return err
	}
	count := &mallocs{addr: o.profiles, total: -1}
	if o.profiles != "" {
		options.Mark = count.mark
	}
	r := loaded{}
	if r.Result, err = load.Generate(options); err != nil {
		return err
	}
	r.Mallocs = count.total
	return json.NewEncoder(os.Stdout).Encode(r)
}

var errNoScenario = errors.New("there is no such case")

// generator is o for the generator: each connection has a host that it asks for.
func (o *loadOptions) generator() (load.Options, error) {
	s, ok := find(o.scenario)
	if !ok {
		return load.Options{}, errNoScenario
	}
	requests := s.requests(o.hosts)
	options := load.Options{
		Addr:        o.addr,
		Connections: s.Connections,
		Request:     func(connection, _ int) *load.Request { return &requests[connection] },
		Fresh:       s.Fresh,
		Discard:     true,
		Rate:        o.rate,
		Warm:        o.warm,
		Window:      o.window,
		PID:         o.pid,
		Cores:       []int{o.proxyCore, o.otherCore},
	}
	if s.TLS {
		options.TLS = clientTLS()
	}
	return options, nil
}

// requests are those of the connections of a scenario, each for a host.
func (s *scenario) requests(hosts int) []load.Request {
	requests := make([]load.Request, s.Connections)
	want := &load.Answer{Body: bodyOf(s.Size)}
	method, body := http.MethodGet, []byte(nil)
	if s.Body > 0 {
		method, body = http.MethodPost, bodyOf(s.Body)
	}
	for i := range requests {
		requests[i].Bytes = request(method, sizedTarget(s.Size), hostName(i*hosts/s.Connections), body, s.Fresh)
		requests[i].Want = want
	}
	return requests
}

// request is a browser's request for a host, about 390 bytes with ten fields; one
// more where there is a body.
func request(method, target, host string, body []byte, last bool) []byte {
	connection, length := "keep-alive", ""
	if last {
		connection = "close"
	}
	if body != nil {
		length = "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	head := method + " " + target + "?page=2 HTTP/1.1\r\n" +
		"Host: " + host + "\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml\r\n" +
		"Accept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate\r\n" +
		"Referer: http://www.example.com/\r\n" +
		"Connection: " + connection + "\r\n" +
		"Cookie: session=4f3d2c1b0a99\r\n" +
		"Cache-Control: max-age=0\r\n" +
		"DNT: 1\r\n" + length +
		"\r\n"
	return append([]byte(head), body...)
}

// hostName is the i-th host of the table.
func hostName(i int) string { return "host-" + strconv.Itoa(i) + ".example.com" }

// mallocs counts the heap allocations of a window.
type mallocs struct {
	addr   string
	marks  int
	before float64
	total  float64 // negative if not known
}

// mark is called when the window begins and when it ends. At the end it reads the
// count twice, so as to leave out what that costs.
func (m *mallocs) mark() error {
	n, err := readMallocs(context.Background(), m.addr)
	if m.marks++; m.marks == 1 || err != nil {
		m.before = n
		return err
	}
	again, err := readMallocs(context.Background(), m.addr)
	m.total = max(0, n-m.before-(again-n))
	return err
}

// readMallocs reads how many objects a Go program has allocated. It is runtime.MemStats
// that tells so exactly: runtime/metrics, and thus the page of metrics, leaves out what
// is in use by an allocator, some thousands of objects.
func readMallocs(ctx context.Context, addr string) (float64, error) {
	page, err := fetch(ctx, "http://"+addr+mallocsPath, 10*time.Second)
	if err != nil {
		return 0, err
	}
	var vars struct {
		Memstats *struct{ Mallocs float64 }
	}
	if err := json.Unmarshal(page, &vars); err != nil {
		return 0, err
	}
	if vars.Memstats == nil {
		return 0, errors.New("the page does not count allocations")
	}
	return vars.Memstats.Mallocs, nil
}

// mallocsPath is the page of package expvar. The peers that are part of this program
// have it too.
const mallocsPath = "/debug/vars"
