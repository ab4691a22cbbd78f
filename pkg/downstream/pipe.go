package downstream

import (
	"io"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// PipeBody implements message.Stream. readErr is nil when the body was moved whole.
// After a writeErr part of it may be lost with to. It pays from sock.SpliceMin on.
func (x *exchange) PipeBody(to *sock.Conn, within time.Duration) (moved int64, ok bool, readErr, writeErr error) {
	b, sc := &x.body, x.c.sc
	follows := b.err == nil && b.left > 0 && !b.chunked
	if !follows || !sc.CanSplice(to) {
		return 0, false, nil, nil
	}
	b.started.Store(true)
	moved, readErr, writeErr = x.pipeBody(to, within)
	if b.err = readErr; b.failed() {
		b.broken.Store(true)
	}
	if b.left == 0 && readErr == nil {
		b.err = io.EOF
		x.bodyEnded()
	}
	return moved, true, readErr, writeErr
}

func (x *exchange) pipeBody(to *sock.Conn, within time.Duration) (moved int64, readErr, writeErr error) {
	if err := x.mayRead(); err != nil {
		return 0, err, nil
	}
	b, sc := &x.body, x.c.sc
	if unread := x.buf[x.at:]; len(unread) > 0 {
		n := int(min(int64(len(unread)), b.left))
		x.at += n
		b.took(int64(n))
		to.WriteWithin(within)
		written, err := to.Write(unread[:n])
		to.WriteWithin(0)
		if moved = int64(written); err != nil {
			return moved, nil, err
		}
	}
	for b.left > 0 {
		if x.over.Load() {
			return moved, errResponseEnded, nil
		}
		taken, given, readErr, writeErr := sc.TrySplice(to, b.left, within)
		b.took(taken)
		moved += given
		switch {
		case writeErr != nil:
			return moved, nil, writeErr
		case readErr == sock.ErrWouldBlock:
			if _, err := x.receive(nil); err != nil {
				return moved, err, nil
			}
		case readErr != nil:
			return moved, x.readFailed(readErr), nil
		case x.tooSlow():
			return moved, message.ErrTimeout, nil
		}
	}
	return moved, nil, nil
}

// took counts n bytes of a body whose length is known.
func (b *body) took(n int64) {
	b.left -= n
	b.received += n
	b.data += n
}

// PipeFrom implements message.Stream. After a writeErr bytes of from may be lost with
// the client. It pays from sock.SpliceMin on.
func (x *exchange) PipeFrom(from *sock.Conn, n int64, within time.Duration) (moved int64, ok bool, readErr, writeErr error) {
	w, sc := &x.write, x.c.sc
	switch {
	case !w.started || w.finished || w.framing != byLen || !from.CanSplice(sc):
		return 0, false, nil, nil
	case n > w.left:
		return 0, true, nil, message.ErrBodyLength
	}
	if err := x.flush(); err != nil {
		return 0, true, nil, err
	}
	if w.cut {
		return 0, true, nil, message.ErrClientGone
	}
	for moved < n {
		_, given, readErr, writeErr := from.TrySplice(sc, n-moved, x.set.writeTimeout)
		moved += given
		w.left -= given
		w.body += given
		w.sent += given
		if readErr == sock.ErrWouldBlock {
			from.ReadWithin(within)
			readErr = from.WaitRead()
			from.ReadWithin(0)
		}
		switch {
		case writeErr != nil:
			w.failed = true
			return moved, true, nil, writeFailed(writeErr)
		case readErr != nil:
			return moved, true, readErr, nil
		}
	}
	return moved, true, nil, nil
}
