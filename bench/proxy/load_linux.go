package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
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
	// Requests were answered in the window, Total with the time before it.
	Requests, Total int
	// Failed requests have another status than 200 or no answer.
	Failed int
	// Failure is why the first of them failed.
	Failure string
	Elapsed time.Duration
	CPU     cpuTime
	// P50, P99 and P999 are quantiles of the latency.
	P50, P99, P999 time.Duration

	// UpstreamConnections were made per request.
	UpstreamConnections float64
	// RSS is in bytes.
	RSS int64
	// Mallocs are heap allocations per request, or negative if not known.
	Mallocs float64
}

func (r *result) throughput() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

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
	o := loadOptions{p.addr, b.connections, b.hosts, rate, b.warm, b.window, p.pid()}
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
	if r.Failed > 0 {
		return r, fmt.Errorf("%d of %d requests failed: %s", r.Failed, r.Total+r.Failed, r.Failure)
	}
	if r.Requests == 0 {
		return r, errors.New("no request was answered")
	}
	return r, nil
}

// loadRole generates load and writes the result as JSON.
func loadRole(args []string) error {
	var o loadOptions
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	o.register(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := generate(o)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// generator sends requests from one thread.
type generator struct {
	loadOptions
	target    unix.SockaddrInet4
	epoll     int
	timer     int // for an open loop
	clients   map[int32]*client
	idle      []*client // in an open loop: those that wait for a request
	started   time.Time
	due, sent int // in an open loop: requests that should be, and are sent
	measuring bool
	latencies histogram
	result    result
	buf       [16 << 10]byte
}

// client is one connection.
type client struct {
	fd      int
	request []byte
	sentAt  time.Time // or should have been sent
	busy    bool
	part    []byte // of an answer that has come in part
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

// generate loads o.addr for the time before the window and the window.
func generate(o loadOptions) (result, error) {
	addr, err := netip.ParseAddrPort(o.addr)
	if err != nil {
		return result{}, err
	}
	g := &generator{loadOptions: o, timer: -1, clients: map[int32]*client{}}
	g.target = unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
	if g.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return result{}, err
	}
	defer unix.Close(g.epoll)
	defer func() {
		for _, c := range g.clients {
			unix.Close(c.fd)
		}
	}()
	for i := range o.connections {
		c := &client{request: requestFor(hostName(i * o.hosts / o.connections))}
		if err := g.connect(c); err != nil {
			return result{}, err
		}
		g.idle = append(g.idle, c)
	}
	g.started = time.Now()
	if o.rate > 0 {
		if err := g.startTimer(); err != nil {
			return result{}, err
		}
		defer unix.Close(g.timer)
	} else {
		for _, c := range g.idle {
			g.send(c, g.started)
		}
		g.idle = nil
	}
	return g.run()
}

// run serves events until the window is over.
func (g *generator) run() (result, error) {
	var before cpuTime
	var windowStart time.Time
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(g.epoll, events, 100)
		if err != nil && err != unix.EINTR {
			return result{}, fmt.Errorf("epoll: %w", err)
		}
		now := time.Now()
		if !g.measuring && now.Sub(g.started) >= g.warm {
			if before, err = g.cpu(); err != nil {
				return result{}, err
			}
			g.measuring, windowStart = true, time.Now()
		}
		if g.measuring && now.Sub(windowStart) >= g.window {
			break
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == int32(g.timer) {
				g.schedule()
			} else {
				g.receive(g.clients[e.Fd])
			}
		}
		if len(g.clients) == 0 {
			return g.result, nil // the failure is in there
		}
	}
	after, err := g.cpu()
	if err != nil {
		return result{}, err
	}
	r := &g.result
	r.Elapsed = time.Since(windowStart)
	r.CPU = after.minus(before)
	r.P50, r.P99, r.P999 = g.latencies.quantile(.5), g.latencies.quantile(.99), g.latencies.quantile(.999)
	return *r, nil
}

func (g *generator) cpu() (cpuTime, error) {
	if g.pid == 0 {
		return cpuTime{}, nil
	}
	return cpu(g.pid)
}

// connect gives a client a connection.
func (g *generator) connect(c *client) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, &g.target); err != nil {
		unix.Close(fd)
		return fmt.Errorf("connect: %w", err)
	}
	if err := errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetNonblock(fd, true),
		unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}),
	); err != nil {
		unix.Close(fd)
		return err
	}
	c.fd, c.part = fd, nil
	g.clients[int32(fd)] = c
	return nil
}

// startTimer begins the open loop's schedule.
func (g *generator) startTimer() (err error) {
	if g.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	every := unix.NsecToTimespec(g.interval(1).Nanoseconds())
	if err := unix.TimerfdSettime(g.timer, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return err
	}
	return unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, g.timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(g.timer)})
}

// interval is the time from the start to the n-th request of an open loop.
func (g *generator) interval(n int) time.Duration {
	return time.Duration(float64(n) / g.rate * float64(time.Second))
}

// schedule sends what is due by now.
func (g *generator) schedule() {
	_, _ = unix.Read(g.timer, g.buf[:8]) // how often it expired is known from the clock
	g.due = int(time.Since(g.started).Seconds() * g.rate)
	for g.sent < g.due && len(g.idle) > 0 {
		last := len(g.idle) - 1
		c := g.idle[last]
		g.idle = g.idle[:last]
		g.sendNext(c)
	}
}

// sendNext sends the oldest request that is due and not sent.
func (g *generator) sendNext(c *client) {
	g.sent++
	g.send(c, g.started.Add(g.interval(g.sent)))
}

// send sends a client's request, which counts from a time on.
func (g *generator) send(c *client, at time.Time) {
	c.sentAt, c.busy = at, true
	if n, err := unix.Write(c.fd, c.request); err != nil || n < len(c.request) {
		g.fail(c, fmt.Sprintf("write: %d bytes, %v", n, err))
	}
}

// receive reads what has come for a client.
func (g *generator) receive(c *client) {
	n, err := unix.Read(c.fd, g.buf[:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n <= 0:
		if c.busy {
			g.fail(c, fmt.Sprintf("the connection ended before the answer: %v", err))
			return
		}
		g.again(c)
		return
	}
	data := g.buf[:n]
	if c.part != nil {
		data = append(c.part, data...)
		c.part = nil
	}
	length, ends, err := answerLength(data)
	if err != nil || !c.busy || len(data) > length && length > 0 {
		g.fail(c, fmt.Sprintf("answer %.200q: %v", data, err))
		return
	}
	if length == 0 || len(data) < length {
		c.part = bytes.Clone(data)
		return
	}
	g.answered(c, ends)
}

// answered counts an answer and lets the client go on.
func (g *generator) answered(c *client, ends bool) {
	now := time.Now()
	c.busy = false
	g.result.Total++
	if g.measuring {
		g.result.Requests++
		g.latencies.add(now.Sub(c.sentAt))
	}
	if ends && !g.again(c) {
		return
	}
	switch {
	case g.rate == 0:
		g.send(c, now)
	case g.sent < g.due:
		g.sendNext(c)
	default:
		g.idle = append(g.idle, c)
	}
}

// again connects a client anew after an end between two exchanges.
func (g *generator) again(c *client) bool {
	delete(g.clients, int32(c.fd))
	unix.Close(c.fd)
	if err := g.connect(c); err != nil {
		g.failed(err.Error())
		return false
	}
	return true
}

// fail counts a failed request and drops its client.
func (g *generator) fail(c *client, why string) {
	delete(g.clients, int32(c.fd))
	unix.Close(c.fd)
	g.failed(why)
}

func (g *generator) failed(why string) {
	g.result.Failed++
	if g.result.Failure == "" {
		g.result.Failure = why
	}
}

var (
	statusOK      = []byte("HTTP/1.1 200 ")
	endOfHead     = []byte("\r\n\r\n")
	lengthField   = []byte("\r\ncontent-length: ")
	closeField    = []byte("\r\nconnection: close\r\n")
	errNoLength   = errors.New("there is no Content-Length")
	errOtherState = errors.New("it is not a 200 in HTTP/1.1")
)

// answerLength returns the length of the answer that data begins with, head and
// body, or 0 when its head is not whole; and whether the connection ends with it.
func answerLength(data []byte) (length int, ends bool, err error) {
	end := bytes.Index(data, endOfHead)
	if end < 0 {
		return 0, false, nil
	}
	head := data[:end+2]
	if !bytes.HasPrefix(head, statusOK) {
		return 0, false, errOtherState
	}
	at := indexFold(head, lengthField)
	if at < 0 {
		return 0, false, errNoLength
	}
	for _, c := range head[at+len(lengthField):] {
		if c < '0' || c > '9' {
			break
		}
		length = length*10 + int(c-'0')
	}
	return end + 4 + length, indexFold(head, closeField) >= 0, nil
}

// indexFold is bytes.Index for a field in lower case that begins with a line
// end, in whatever case data spells it.
func indexFold(data, field []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(data[from:], '\r')
		if i < 0 || from+i+len(field) > len(data) {
			return -1
		}
		if at := from + i; bytes.EqualFold(data[at:at+len(field)], field) {
			return at
		}
		from += i + 1
	}
}
