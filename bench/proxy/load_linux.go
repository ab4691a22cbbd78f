package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// loadOptions say what the generator does.
type loadOptions struct {
	addr        string
	connections int
	hosts       int
	rate        float64 // requests per second; 0: a closed loop
	warm        time.Duration
	window      time.Duration
	pid         int // whose processor time is taken; 0: nobody's
}

func (o *loadOptions) register(flags *flag.FlagSet) {
	flags.StringVar(&o.addr, "addr", "", "")
	flags.IntVar(&o.connections, "connections", 1, "")
	flags.IntVar(&o.hosts, "hosts", 1, "")
	flags.Float64Var(&o.rate, "rate", 0, "")
	flags.DurationVar(&o.warm, "warm", 0, "")
	flags.DurationVar(&o.window, "window", 0, "")
	flags.IntVar(&o.pid, "pid", 0, "")
}

// args is o as register reads it.
func (o *loadOptions) args() []string {
	return []string{
		"-addr", o.addr,
		"-connections", strconv.Itoa(o.connections),
		"-hosts", strconv.Itoa(o.hosts),
		"-rate", strconv.FormatFloat(o.rate, 'g', -1, 64),
		"-warm", o.warm.String(),
		"-window", o.window.String(),
		"-pid", strconv.Itoa(o.pid),
	}
}

// result is one proxy in one round.
type result struct {
	load.Result
	// UpstreamConnections were made per request.
	UpstreamConnections float64
	// RSS is in bytes.
	RSS int64
	// Mallocs are heap allocations per request, or negative if not known.
	Mallocs float64
}

// cpu is the processor time per request, in microseconds: all, and the user's
// and system's parts.
func (r *result) cpu() (all, user, system float64) {
	n := float64(r.Requests) * float64(time.Microsecond)
	user, system = float64(r.CPU.User)/n, float64(r.CPU.System)/n
	return user + system, user, system
}

// load runs the generator in a process of its own, on the other core.
func (b *bench) load(p *proxy, rate float64) (r result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	o := loadOptions{p.addr, b.connections, b.hosts, rate, b.warm, b.window, p.PID()}
	args := append([]string{"-c", strconv.Itoa(b.otherCore), self, "load"}, o.args()...)
	cmd := exec.CommandContext(b.ctx, "taskset", args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("load generator: %w", err)
	}
	if err := json.Unmarshal(out, &r.Result); err != nil {
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
	r, err := load.Generate(o.generator())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// generator is o for the generator: each connection has a host that it asks for.
func (o *loadOptions) generator() load.Options {
	requests := make([]load.Request, o.connections)
	for i := range requests {
		requests[i].Bytes = requestFor(hostName(i * o.hosts / o.connections))
	}
	return load.Options{
		Addr:        o.addr,
		Connections: o.connections,
		Request:     func(connection, _ int) *load.Request { return &requests[connection] },
		Rate:        o.rate,
		Warm:        o.warm,
		Window:      o.window,
		PID:         o.pid,
	}
}

// requestFor is a browser's GET for a host, about 390 bytes with ten fields.
func requestFor(host string) []byte {
	return []byte("GET /api/v1/items?page=2 HTTP/1.1\r\n" +
		"Host: " + host + "\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml\r\n" +
		"Accept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate\r\n" +
		"Referer: http://www.example.com/\r\n" +
		"Connection: keep-alive\r\n" +
		"Cookie: session=4f3d2c1b0a99\r\n" +
		"Cache-Control: max-age=0\r\n" +
		"DNT: 1\r\n" +
		"\r\n")
}

// hostName is the i-th host of the table.
func hostName(i int) string { return "host-" + strconv.Itoa(i) + ".example.com" }
