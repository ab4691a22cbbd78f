package downstream

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// http2Writer is what x/net's response writers are.
type http2Writer interface {
	http.ResponseWriter
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// cutter ends a stream, or the waiting for it, from goroutines other than the
// handler's. It outlives the stream, and does nothing then: x/net's response writer
// must not be touched any more.
type cutter struct {
	index int // in http2Conn.streams

	// Deadlines on the reaper's clock, 0 for none, for reading the request's body and
	// for writing. The server's sweep keeps them.
	readBy, writeBy atomic.Int64
	late            atomic.Bool   // writeBy has passed
	renewed         time.Duration // when renew was done last; the sweep's

	mu    sync.Mutex
	rw    http2Writer // nil: the handler has returned
	gone  func()      // what Watch was given
	stop  func() bool
	quiet bool           // gone is not called any more
	calls sync.WaitGroup // of gone
}

// within sets a deadline. Zero or less removes it.
func within(deadline *atomic.Int64, now, d time.Duration) {
	if d <= 0 {
		deadline.Store(0)
		return
	}
	deadline.Store(int64(now + d))
}

// passed takes a deadline away when it has passed, and tells that.
func passed(deadline *atomic.Int64, now time.Duration) bool {
	d := deadline.Load()
	return d > 0 && d < int64(now) && deadline.CompareAndSwap(d, 0)
}

// endRead makes reads of the request's body fail, once what has come of it was read.
func (s *cutter) endRead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rw != nil {
		_ = s.rw.SetReadDeadline(time.Unix(1, 0))
	}
}

// reset sends RST_STREAM, and makes reads and writes fail.
func (s *cutter) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rw != nil {
		_ = s.rw.SetWriteDeadline(time.Unix(1, 0))
	}
}

// renew gives the stream as much time again to be written to its end. What x/net still
// holds of a response when its handler has returned, some kilobytes, waits for the
// client without anybody who could set a deadline: therefore each stream has one from
// its beginning, http.Server.WriteTimeout. While the handler runs it is put off once
// within each write timeout.
func (s *cutter) renew(writeTimeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rw != nil {
		_ = s.rw.SetWriteDeadline(time.Now().Add(lifetime(writeTimeout)))
	}
}

// lifetime is how long a stream lives after its beginning or the last renew: one write
// timeout and a little until the next one is sure to have come, and one more. 0 means
// no limit.
func lifetime(writeTimeout time.Duration) time.Duration {
	if writeTimeout == 0 {
		return 0
	}
	return 2*writeTimeout + time.Second
}

// end makes s do nothing from now on.
func (s *cutter) end() {
	s.mu.Lock()
	s.rw = nil
	s.mu.Unlock()
}

// watch has gone called when ctx, which is the stream's, ends before unwatch.
func (s *cutter) watch(ctx context.Context, gone func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet || s.gone != nil {
		return
	}
	s.gone = gone
	s.stop = context.AfterFunc(ctx, s.tell)
}

func (s *cutter) tell() {
	s.mu.Lock()
	if s.quiet {
		s.mu.Unlock()
		return
	}
	s.calls.Add(1)
	s.mu.Unlock()
	defer s.calls.Done()
	s.gone()
}

// unwatch waits until gone has returned, if it was called, and keeps it from being
// called otherwise.
func (s *cutter) unwatch() {
	s.mu.Lock()
	s.quiet = true
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
		s.calls.Wait()
	}
}

// sweepTick is how often streams' deadlines are looked at: they are late by that much
// at most.
const sweepTick = 100 * time.Millisecond

// sweepStreams looks at the deadlines of streams until ctx ends, as the reaper does at
// those of connections.
func (s *Server) sweepStreams(ctx context.Context) {
	t := time.NewTicker(sweepTick)
	defer t.Stop()
	var conns []*http2Conn
	var streams []*cutter
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		conns = s.http2.appendTo(conns[:0])
		for _, h := range conns {
			if h.c.state.Load() == active {
				streams = h.sweep(s.reaper.Now(), streams[:0])
			}
		}
		clear(conns)
		clear(streams[:cap(streams)])
	}
}

// sweep ends what is overdue. streams is memory to use.
func (h *http2Conn) sweep(now time.Duration, streams []*cutter) []*cutter {
	h.mu.Lock()
	streams = append(streams, h.streams...)
	h.mu.Unlock()
	for _, s := range streams {
		if passed(&s.readBy, now) {
			s.endRead()
		}
		if passed(&s.writeBy, now) {
			s.late.Store(true)
			s.reset()
		} else if w := h.writeTimeout; w > 0 && now-s.renewed >= w && !s.late.Load() {
			s.renewed = now
			s.renew(w)
		}
	}
	return streams
}
