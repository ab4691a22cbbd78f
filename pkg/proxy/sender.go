package proxy

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// sender sends the rest of a request's body in a goroutine of its own, so that a
// response that comes early is passed on at once.
//
// It ends when the body was sent; when the response has ended (the server then
// ends a NextBody that waits); when the connection fails or is cut; or when the
// client fails, or the endpoint does not take the body in time. In these two cases
// it cuts the connection so that the exchange's goroutine, which waits for a
// response, notices.
type sender struct {
	x       *exchange
	conn    *upstream.Conn // to send to
	chunked bool
	frame   []byte // memory for one chunk with its framing
	rest    []byte // of a view that did not fit into the first frame

	running bool          // for the exchange's goroutine: wait has not returned
	done    chan struct{} // one value when the sender has ended

	cut    atomic.Bool // the sender has cut the connection
	cutErr error       // why; valid when cut
	whole  bool        // all of the body was sent; valid after wait

	// mu guards the read deadline, which counts from the moment that the body
	// was sent when that comes after the read began.
	mu      sync.Mutex
	reading bool
	ended   bool
}

// forget drops what belongs to an exchange.
func (s *sender) forget() {
	s.x, s.conn, s.frame, s.rest, s.cutErr = nil, nil, nil, nil, nil
	s.whole = false
	if s.cut.Load() {
		s.cut.Store(false)
	}
}

// start begins to send what follows the first bytes of the body.
func (s *sender) start(x *exchange) {
	s.x, s.conn, s.running, s.whole, s.reading, s.ended = x, x.conn, true, false, false, false
	if s.cut.Load() { // an attempt before
		s.cut.Store(false)
		s.cutErr = nil
	}
	go s.run()
}

// sending tells whether a body is being sent on the connection that is held.
func (x *exchange) sending() bool { return x.sender.running && x.sender.conn == x.conn }

// wait returns when the sender has ended; at once when none was started.
func (s *sender) wait() {
	if s.running {
		<-s.done
		s.running = false
	}
}

// endGrace is how long a sender may take to notice that it has sent its last byte
// once the response to it has come: it only has to be scheduled.
const endGrace = 20 * time.Millisecond

// endsSoon is wait for a sender that has nothing left to do. It tells whether
// that was so.
func (s *sender) endsSoon() bool {
	if !s.running {
		return true
	}
	select {
	case <-s.done:
	case <-time.After(endGrace):
		return false
	}
	s.running = false
	return true
}

func (s *sender) run() {
	defer func() { s.done <- struct{}{} }()
	defer func() {
		if v := recover(); v != nil {
			s.x.log.Error("sending a request body panicked", "err", v, "stack", string(debug.Stack()))
			s.fail(fmt.Errorf("panic: %v", v))
		}
	}()
	s.whole = s.send() == nil
	s.mu.Lock()
	s.ended = true
	if s.reading {
		s.conn.ReadWithin(s.x.within(s.x.route.ReadTimeout))
	}
	s.mu.Unlock()
}

// fail cuts the connection: the rest of the body will not come, or not get through.
func (s *sender) fail(err error) {
	s.cutErr = err
	s.cut.Store(true)
	s.conn.Cut()
}

// errNotTaken is why the sender gives up an endpoint that takes nothing more.
var errNotTaken = errors.New("endpoint does not read the request")

// send sends the rest of the body.
func (s *sender) send() error {
	x := s.x
	switch {
	case x.request.collected:
		return s.sendSpool(&x.request.spool)
	case s.chunked:
		if err := s.sendChunks(s.rest); err != nil {
			return err
		}
	case x.Request.Body >= pipeMin:
		if done, err := s.pipe(); done {
			return err
		}
	}
	for {
		data, err := s.x.NextBody()
		switch {
		case err == io.EOF && s.chunked:
			return s.write(http11.AppendLastChunk(s.frame[:0], nil))
		case err == io.EOF:
			return nil
		case err != nil:
			s.fail(err)
			return err
		case s.chunked:
			err = s.sendChunks(data)
		default:
			err = s.write(data)
		}
		if err != nil {
			return err
		}
	}
}

// pipeMin is the shortest body that is worth moving from socket to socket.
const pipeMin = 256 << 10

// pipe moves the rest of the body from the client's socket to the endpoint's, if it
// can: past our memory. It tells whether it could.
func (s *sender) pipe() (done bool, err error) {
	c := s.conn
	_, ok, readErr, writeErr := s.x.PipeBody(c.Conn, s.x.route.SendTimeout)
	switch {
	case !ok:
		return false, nil
	case readErr != nil:
		s.fail(readErr)
		return true, readErr
	case errors.Is(writeErr, sock.ErrTimeout):
		s.fail(errNotTaken)
	}
	return true, writeErr
}

// sendSpool sends a body that was collected.
func (s *sender) sendSpool(body *spool) error {
	if s.frame == nil {
		s.frame = s.x.Mem.Alloc(frameBuffer)[:0]
	}
	for at := int64(0); ; {
		n, err := body.readAt(s.frame[:cap(s.frame)], at)
		if n > 0 {
			if err := s.write(s.frame[:n]); err != nil {
				return err
			}
			at += int64(n)
			continue
		}
		if err == io.EOF {
			return nil
		}
		s.fail(err)
		return err
	}
}

// sendChunks sends data as chunks of our own.
func (s *sender) sendChunks(data []byte) error {
	for len(data) > 0 {
		n := min(len(data), cap(s.frame)-frameSpare)
		if err := s.write(appendChunk(s.frame[:0], data[:n])); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// write writes to the upstream. A timeout cuts the connection; after another
// error a response may still be there to be read.
func (s *sender) write(p []byte) error {
	c := s.conn
	c.WriteWithin(s.x.route.SendTimeout)
	_, err := c.Write(p)
	c.WriteWithin(0)
	if errors.Is(err, sock.ErrTimeout) {
		s.fail(errNotTaken)
	}
	return err
}

// read is exchange.read while the sender may be running.
func (s *sender) read(c *upstream.Conn, p []byte) (int, error) {
	s.mu.Lock()
	s.reading = true
	limit := time.Duration(0)
	if s.ended {
		limit = s.x.route.ReadTimeout
	}
	c.ReadWithin(s.x.within(limit))
	s.mu.Unlock()
	n, err := c.Read(p)
	s.mu.Lock()
	s.reading = false
	c.ReadWithin(0)
	s.mu.Unlock()
	return n, err
}
