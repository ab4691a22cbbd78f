package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// tlsLoad is what the clients of a load over TLS share.
type tlsLoad struct {
	Options
	mu        sync.Mutex
	measuring bool
	latencies Histogram
	result    Result
}

var errOnlyClosed = errors.New("over TLS there is only the closed loop, without batches")

// generateTLS is Generate over TLS.
func generateTLS(o Options) (Result, error) {
	if o.Rate > 0 || o.Batch > 1 {
		return Result{}, errOnlyClosed
	}
	l := &tlsLoad{Options: o}
	ctx, stop := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	failed := make(chan struct{}, o.Connections)
	for i := range o.Connections {
		clients.Go(func() {
			if err := l.serve(ctx, i); err != nil && ctx.Err() == nil {
				l.fail(err)
			}
			failed <- struct{}{}
		})
	}
	err := l.window(failed)
	stop()
	clients.Wait()
	return l.result, err
}

// window waits for the window and measures it. It ends before, with the failure in
// the result, when no client is left.
func (l *tlsLoad) window(ended <-chan struct{}) error {
	if !l.wait(ended, l.Warm) {
		return nil
	}
	if err := l.mark(); err != nil {
		return err
	}
	before, err := takeUsage(&l.Options)
	if err != nil {
		return err
	}
	start := time.Now()
	l.set(true)
	whole := l.wait(ended, l.Window)
	l.set(false)
	if !whole {
		return nil
	}
	l.result.Elapsed = time.Since(start)
	if err := before.since(&l.Options, &l.result); err != nil {
		return err
	}
	l.result.quantiles(&l.latencies)
	return l.mark()
}

// wait tells whether there were clients for so long.
func (l *tlsLoad) wait(ended <-chan struct{}, d time.Duration) bool {
	after := time.NewTimer(d)
	defer after.Stop()
	for {
		select {
		case <-after.C:
			return true
		case <-ended:
			if l.Connections--; l.Connections == 0 {
				return false
			}
		}
	}
}

func (l *tlsLoad) set(measuring bool) {
	l.mu.Lock()
	l.measuring = measuring
	l.mu.Unlock()
}

func (l *tlsLoad) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Failed++
	if l.result.Failure == "" {
		l.result.Failure = err.Error()
	}
}

// serve is one client: one connection after the other until ctx ends.
func (l *tlsLoad) serve(ctx context.Context, index int) error {
	c := &client{index: index}
	config := l.TLS.Clone()
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil {
		if err := l.connection(ctx, c, config, buf); err != nil {
			return err
		}
	}
	return nil
}

// connection makes requests on a connection until that ends.
func (l *tlsLoad) connection(ctx context.Context, c *client, config *tls.Config, buf []byte) error {
	start := time.Now()
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp4", l.Addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		// As in again: the connection is over, or the load is.
		_ = raw.(*net.TCPConn).SetLinger(0)
		raw.Close()
	}()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	*c = client{index: c.index, sends: c.sends}
	for ctx.Err() == nil {
		if !l.Fresh {
			start = time.Now()
		}
		if err := l.exchange(conn, c, buf, start); err != nil {
			return err
		}
		if l.Fresh && !c.ends {
			return errors.New("the answer does not end the connection")
		}
		if c.ends {
			return ended(conn, buf)
		}
	}
	return nil
}

// ended waits for the server to end a connection.
func ended(conn *tls.Conn, buf []byte) error {
	switch n, err := conn.Read(buf); {
	case n > 0:
		return errUnasked
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	default:
		return err
	}
}

// exchange sends a request and reads its answer. Its time counts from start.
func (l *tlsLoad) exchange(conn *tls.Conn, c *client, buf []byte, start time.Time) error {
	l.mu.Lock()
	timed := l.measuring
	l.mu.Unlock()
	c.request = l.Request(c.index, c.sends)
	c.sends++
	c.answers = 1
	if _, err := conn.Write(c.request.Bytes); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	received := 0
	for c.answers > 0 {
		n, err := conn.Read(buf)
		if n == 0 {
			return fmt.Errorf("the connection ended before the answer: %w", err)
		}
		received += n
		if err := c.feed(buf[:n]); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Total++
	if l.measuring {
		l.result.Requests++
		l.result.Sent += int64(len(c.request.Bytes))
		l.result.Received += int64(received)
		if timed {
			l.latencies.Add(time.Since(start))
		}
	}
	return nil
}
