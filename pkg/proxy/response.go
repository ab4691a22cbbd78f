package proxy

import (
	"errors"
	"io"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Sizes of what is read from an upstream.
const (
	// headBuffer is the first size of the read buffer: most heads fit, and
	// many whole responses.
	headBuffer = 4 << 10
	// Bodies that do not fit are read into one of these.
	mediumBuffer = 16 << 10
	largeBuffer  = 64 << 10
)

// maxInterim is how many interim responses an endpoint may send before it
// answers.
const maxInterim = 10

// responseLimits are those of chunks and trailers, on every route.
var responseLimits = http11.ResponseLimits()

// readHead reads the head of the final response, or of one with status 101, and
// passes interim ones on. Response's views are valid until buf is read into
// again.
func (x *exchange) readHead() error {
	resp := &x.Response
	for interim := 0; ; interim++ {
		if err := x.parseHead(); err != nil {
			if interim > 0 { // part of a response came, although it may be out of the buffer
				err = errors.Join(errGarbage, err)
			}
			return err
		}
		if resp.Status >= 200 || resp.Status == 101 {
			break
		}
		if interim == maxInterim {
			return errGarbage
		}
		if resp.Status == 100 {
			continue // the server has its own way with Expect
		}
		if http11.StripResponse(&resp.Fields) != nil {
			return errGarbage
		}
		if err := x.WriteInterim(resp.Status, &resp.Fields); err != nil {
			return errors.Join(message.ErrClientGone, err)
		}
	}
	if resp.Status == 101 {
		return x.checkUpgrade()
	}
	if http11.StripResponse(&resp.Fields) != nil {
		return errGarbage
	}
	return nil
}

// parseHead reads one head into Response.
func (x *exchange) parseHead() error {
	x.scan.Reset()
	limits := &x.route.ResponseLimits
	for {
		end, err := x.scan.Scan(x.buf[x.at:], limits)
		if err != nil || end > 0 && x.scan.Start() > 0 {
			return errGarbage
		}
		if end > 0 {
			head := x.buf[x.at : x.at+end]
			x.at += end
			if http11.ParseResponse(&x.Response, head, x.Request.MethodID, limits) != nil {
				return errGarbage
			}
			return nil
		}
		if len(x.buf) == cap(x.buf) {
			if err := x.growHead(); err != nil {
				return err
			}
		}
		n, err := x.read(x.buf[len(x.buf):cap(x.buf)])
		x.buf = x.buf[:len(x.buf)+n]
		if err == io.EOF && len(x.buf) > 0 {
			return errGarbage
		}
		if err != nil {
			return err
		}
	}
}

// growHead makes room for more of a head: that of interim responses before it,
// or more.
func (x *exchange) growHead() error {
	if x.at > 0 {
		n := copy(x.buf, x.buf[x.at:])
		x.buf, x.at = x.buf[:n], 0
		return nil
	}
	most := x.route.ResponseLimits.Head + headBuffer // with what arrived after it
	if cap(x.buf) >= most {
		return errGarbage
	}
	x.buf = x.Mem.Grow(x.buf, min(4*cap(x.buf), most))
	return nil
}
