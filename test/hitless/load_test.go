package hitless

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is a set of clients that send one request after the other, each over
// one connection that it keeps, and count what they get.
type load struct {
	addr string
	host string
	tls  bool

	stop     chan struct{} // send no more requests
	leave    chan struct{} // open no more connections
	done     sync.WaitGroup
	requests atomic.Int64
	failed   atomic.Int64 // no answer, or not a 200
	dropped  atomic.Int64 // closed by the server without "Connection: close"
	closed   atomic.Int64 // closed as announced
	mu       sync.Mutex
	first    error
}

func startLoad(addr, host string, useTLS bool, clients int) *load {
	l := &load{addr: addr, host: host, tls: useTLS, stop: make(chan struct{}), leave: make(chan struct{})}
	for range clients {
		l.done.Go(l.client)
	}
	return l
}

// end stops the clients and reports what went wrong.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.done.Wait()
	t.Logf("%s: %d requests, %d failed, %d connections dropped, %d closed as announced",
		l.addr, l.requests.Load(), l.failed.Load(), l.dropped.Load(), l.closed.Load())
	if l.failed.Load() > 0 || l.dropped.Load() > 0 {
		t.Errorf("%s: first failure: %v", l.addr, l.first)
	}
	if l.requests.Load() == 0 {
		t.Errorf("%s: no request was sent", l.addr)
	}
}

func (l *load) fail(counter *atomic.Int64, err error) {
	counter.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		l.first = err
	}
}

func (l *load) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

func (l *load) dial() (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if l.tls {
		return tls.DialWithDialer(&d, "tcp", l.addr, &tls.Config{ServerName: l.host, InsecureSkipVerify: true})
	}
	return d.Dial("tcp", l.addr)
}

var errStatus = errors.New("status")

// client keeps one connection busy until the load ends.
func (l *load) client() {
	for !l.stopped() {
		select {
		case <-l.leave:
			return
		default:
		}
		conn, err := l.dial()
		if err != nil {
			if !l.stopped() {
				l.fail(&l.failed, fmt.Errorf("dial: %w", err))
				time.Sleep(10 * time.Millisecond)
			}
			continue
		}
		l.connection(conn)
		conn.Close()
	}
}

func (l *load) connection(conn net.Conn) {
	request := []byte("GET /who HTTP/1.1\r\nHost: " + l.host + "\r\nUser-Agent: hitless\r\nAccept: */*\r\n\r\n")
	r := bufio.NewReader(conn)
	for served := 0; !l.stopped(); served++ {
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Write(request); err != nil {
			l.fail(&l.dropped, fmt.Errorf("write after %d requests: %w", served, err))
			return
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			l.fail(&l.dropped, fmt.Errorf("no answer after %d requests: %w", served, err))
			return
		}
		body, err := io.ReadAll(res.Body)
		switch {
		case err != nil:
			l.fail(&l.failed, fmt.Errorf("body: %w", err))
			return
		case res.StatusCode != http.StatusOK:
			l.fail(&l.failed, fmt.Errorf("%w %d: %s", errStatus, res.StatusCode, body))
		}
		l.requests.Add(1)
		if res.Close {
			l.closed.Add(1)
			return
		}
	}
}
