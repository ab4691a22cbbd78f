package load

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Options say what Generate does.
type Options struct {
	// Addr is where the server listens: host:port, or @name of a Unix socket.
	Addr        string
	Connections int
	// Request returns the n-th request, from 0, of a connection.
	Request func(connection, n int) *Request
	// Batch is how many requests the Bytes of each Request are. 0: one.
	Batch int
	// Fresh makes a new connection for each Request, whose answer must end it.
	Fresh bool
	// Rate is how many requests are sent in a second: an open loop. 0: each
	// connection sends when it has the answer to its last, a closed loop.
	Rate float64
	// TLS, if not nil, is how clients speak TLS. Each is a goroutine then, and there
	// is only the closed loop, without batches.
	TLS *tls.Config
	// Discard lets the kernel throw away the body of an answer after the first of a
	// connection: it is counted and not copied, so that large bodies cost little.
	Discard bool
	// Warm is the time before the window that is measured.
	Warm, Window time.Duration
	// PID is the process whose processor time is taken. 0: none.
	PID int
	// Cores are processors whose use is taken.
	Cores []int
	// Mark, if not nil, is called when the window begins and when it ends. No
	// request is sent meanwhile, nor is one due, but those over TLS.
	Mark func() error
}

// Result is what came of a load.
type Result struct {
	// Requests were answered in the window, Total with the time before it.
	Requests, Total int
	// Failed requests were not answered as they should be.
	Failed int
	// Failure is why the first of them failed.
	Failure string
	Elapsed time.Duration
	// CPU is the processor time in the window with that of children, in ticks of
	// 10 ms, and Clock without them and exact.
	CPU   CPUTime
	Clock time.Duration
	// Sent and Received are the bytes of requests and answers in the window.
	Sent, Received int64
	// Busy is the part of the window that each of the Cores was not idle.
	Busy []float64
	// P50, P99 and P999 are quantiles of the latency of what was sent in the window:
	// for an open loop, since the
	// time at which the request should have been sent. Those of a batch have the
	// latency of its last.
	P50, P99, P999 time.Duration
}

// Err tells whether a request failed, or none was answered.
func (r *Result) Err() error {
	if r.Failed > 0 {
		return fmt.Errorf("%d of %d requests failed: %s", r.Failed, r.Total+r.Failed, r.Failure)
	}
	if r.Requests == 0 {
		return errors.New("no request was answered")
	}
	return nil
}

// Throughput is the requests answered in a second.
func (r *Result) Throughput() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// generator sends requests from one thread.
type generator struct {
	Options
	family    int
	target    unix.Sockaddr
	epoll     int
	timer     int // for an open loop
	clients   map[int32]*client
	idle      []*client // in an open loop: those that wait for a request
	started   time.Time
	due, sent int // in an open loop: batches that should be, and are sent
	measuring bool
	latencies Histogram
	result    Result
	buf       [256 << 10]byte
}

// Generate loads o.Addr for the time before the window and the window. Failed
// requests are counted in the result and are no error.
func Generate(o Options) (Result, error) {
	o.Batch = max(1, o.Batch)
	if o.TLS != nil {
		return generateTLS(o)
	}
	g := &generator{Options: o, timer: -1, clients: map[int32]*client{}, family: unix.AF_UNIX, target: &unix.SockaddrUnix{Name: o.Addr}}
	var err error
	if !strings.HasPrefix(o.Addr, "@") {
		addr, err := netip.ParseAddrPort(o.Addr)
		if err != nil {
			return Result{}, err
		}
		g.family, g.target = unix.AF_INET, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
	}
	if g.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return Result{}, err
	}
	defer unix.Close(g.epoll)
	defer func() {
		for _, c := range g.clients {
			unix.Close(c.fd)
		}
	}()
	for i := range o.Connections {
		c := &client{index: i}
		if err := g.connect(c); err != nil {
			return Result{}, err
		}
		g.idle = append(g.idle, c)
	}
	g.started = time.Now()
	if o.Rate > 0 {
		if err := g.startTimer(); err != nil {
			return Result{}, err
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
func (g *generator) run() (Result, error) {
	var windowStart time.Time
	var before usage
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(g.epoll, events, 100)
		if err != nil && err != unix.EINTR {
			return Result{}, fmt.Errorf("epoll: %w", err)
		}
		now := time.Now()
		if !g.measuring && now.Sub(g.started) >= g.Warm {
			if err := g.mark(); err != nil {
				return Result{}, err
			}
			if before, err = takeUsage(&g.Options); err != nil {
				return Result{}, err
			}
			g.measuring, windowStart = true, time.Now()
			g.started = g.started.Add(windowStart.Sub(now)) // what is due is due later
		}
		if g.measuring && now.Sub(windowStart) >= g.Window {
			break
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == int32(g.timer) {
				g.schedule()
			} else if c := g.clients[e.Fd]; c != nil {
				g.serve(c, e.Events)
			}
		}
		if len(g.clients) == 0 {
			return g.result, nil // the failure is in there
		}
	}
	g.result.Elapsed = time.Since(windowStart)
	if err := before.since(&g.Options, &g.result); err != nil {
		return Result{}, err
	}
	g.result.quantiles(&g.latencies)
	return g.result, g.mark()
}

func (o *Options) mark() error {
	if o.Mark == nil {
		return nil
	}
	return o.Mark()
}

func (r *Result) quantiles(h *Histogram) {
	r.P50, r.P99, r.P999 = h.Quantile(.5), h.Quantile(.99), h.Quantile(.999)
}

// connect gives a client a connection.
func (g *generator) connect(c *client) error {
	fd, err := unix.Socket(g.family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, g.target); err != nil {
		unix.Close(fd)
		return fmt.Errorf("connect: %w", err)
	}
	if g.family == unix.AF_INET {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err := errors.Join(
		err,
		unix.SetNonblock(fd, true),
		unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}),
	); err != nil {
		unix.Close(fd)
		return err
	}
	*c = client{fd: fd, index: c.index, sends: c.sends}
	g.clients[int32(fd)] = c
	return nil
}

// startTimer begins the open loop's schedule.
func (g *generator) startTimer() (err error) {
	if g.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	every := unix.NsecToTimespec(max(g.interval(1).Nanoseconds(), 1))
	if err := unix.TimerfdSettime(g.timer, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return err
	}
	return unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, g.timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(g.timer)})
}

// interval is the time from the start to the n-th batch of an open loop.
func (g *generator) interval(n int) time.Duration {
	return time.Duration(float64(n*g.Batch) / g.Rate * float64(time.Second))
}

// schedule sends what is due by now.
func (g *generator) schedule() {
	_, _ = unix.Read(g.timer, g.buf[:8]) // how often it expired is known from the clock
	g.due = int(time.Since(g.started).Seconds() * g.Rate / float64(g.Batch))
	for g.sent < g.due && len(g.idle) > 0 {
		last := len(g.idle) - 1
		c := g.idle[last]
		g.idle = g.idle[:last]
		g.sendNext(c)
	}
}

// sendNext sends the oldest batch that is due and not sent.
func (g *generator) sendNext(c *client) {
	g.sent++
	g.send(c, g.started.Add(g.interval(g.sent)))
}

// send sends a client's next request, which counts from a time on.
func (g *generator) send(c *client, at time.Time) {
	c.request = g.Request(c.index, c.sends)
	c.sends++
	c.sentAt, c.timed, c.answers, c.unsent = at, g.measuring, g.Batch, c.request.Bytes
	g.write(c)
}

// write sends what is not sent yet, or waits until more can be.
func (g *generator) write(c *client) {
	n, err := unix.Write(c.fd, c.unsent)
	if err != nil && err != unix.EAGAIN {
		g.fail(c, fmt.Sprintf("write: %v", err))
		return
	}
	waited := len(c.unsent) < len(c.request.Bytes)
	c.unsent = c.unsent[max(n, 0):]
	if g.measuring {
		g.result.Sent += int64(max(n, 0))
	}
	if wait := len(c.unsent) > 0; wait != waited {
		g.watch(c, wait)
	}
}

// watch asks for events of a client's connection: also when it can be written to.
func (g *generator) watch(c *client, out bool) {
	events := uint32(unix.EPOLLIN)
	if out {
		events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(g.epoll, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd)}); err != nil {
		g.fail(c, err.Error())
	}
}

// serve handles events of a client's connection.
func (g *generator) serve(c *client, events uint32) {
	if events&unix.EPOLLOUT != 0 && len(c.unsent) > 0 {
		fd := c.fd
		g.write(c)
		if g.clients[int32(fd)] != c {
			return // it failed
		}
	}
	if events&^unix.EPOLLOUT != 0 {
		g.receive(c)
	}
}

// receive reads what has come for a client.
func (g *generator) receive(c *client) {
	n, err := g.read(c)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n <= 0:
		ending := c.ending
		if c.answers > 0 {
			g.fail(c, fmt.Sprintf("the connection ended before the answer: %v", err))
		} else if g.again(c) && ending {
			g.next(c, time.Now())
		}
		return
	}
	if g.measuring {
		g.result.Received += int64(n)
	}
	data := g.buf[:n]
	if c.part != nil {
		data = append(c.part, data...)
		c.part = nil
	}
	for len(data) > 0 {
		n, err := c.take(data)
		if err != nil {
			g.fail(c, fmt.Sprintf("answer %.300q: %v", data, err))
			return
		}
		if n == 0 {
			c.part = bytes.Clone(data)
			return
		}
		data = data[n:]
		if c.inBody && c.left == 0 && !g.answered(c, len(data)) {
			return
		}
	}
}

// read reads from a client's connection, or throws away more of a body.
func (g *generator) read(c *client) (n int, err error) {
	if !g.Discard || !c.inBody || !c.checked {
		return unix.Read(c.fd, g.buf[:])
	}
	// tcp(7): with MSG_TRUNC the bytes are discarded.
	n, _, err = unix.Recvfrom(c.fd, g.buf[:min(len(g.buf), c.left)], unix.MSG_TRUNC)
	return n, err
}

// answered counts an answer and lets the client go on when it was the last that
// it waits for. It tells whether the client is to look at the rest of its data.
func (g *generator) answered(c *client, rest int) bool {
	c.inBody, c.checked = false, true
	c.answers--
	g.result.Total++
	if g.measuring {
		g.result.Requests++
	}
	if c.answers > 0 && !c.ends {
		return true
	}
	if c.answers > 0 || rest > 0 {
		g.fail(c, fmt.Sprintf("%d bytes are left, and %d answers to come", rest, c.answers))
		return false
	}
	now := time.Now()
	if g.measuring && c.timed {
		d := now.Sub(c.sentAt)
		for range g.Batch {
			g.latencies.Add(d)
		}
	}
	switch {
	case g.Fresh && !c.ends:
		g.fail(c, "the answer does not end the connection")
		return false
	case g.Fresh: // receive goes on when the server has closed it
		c.ending = true
		return false
	case c.ends && !g.again(c):
		return false
	}
	g.next(c, now)
	return false
}

// next lets a client go on that has its answers.
func (g *generator) next(c *client, now time.Time) {
	switch {
	case g.Rate == 0:
		g.send(c, now)
	case g.sent < g.due:
		g.sendNext(c)
	default:
		g.idle = append(g.idle, c)
	}
}

// again connects a client anew after an end between two exchanges.
func (g *generator) again(c *client) bool {
	if c.ending {
		// Not to leave thousands of connections waiting for stray segments.
		_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
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
