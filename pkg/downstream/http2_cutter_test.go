package downstream

import (
	"net/http/httptest"
	"testing"
	"time"
)

// deadlines is a response writer that keeps the deadlines it is given.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) FlushError() error { return nil }

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = append(d.read, t)
	return nil
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = append(d.write, t)
	return nil
}

// A stream whose handler runs is renewed once within each write timeout; what is overdue
// is ended once, and nothing is done to a stream whose handler has returned.
func TestHTTP2Sweep(t *testing.T) {
	const w = time.Minute
	rw := new(deadlines)
	s := &cutter{rw: rw, renewed: 1}
	h := &http2Conn{writeTimeout: w, streams: []*cutter{s}}
	renewals := 0
	for now := time.Duration(1); now < 10*w; now += time.Second {
		h.sweep(now, nil)
		if len(rw.write) == renewals {
			continue
		}
		if renewals++; now < time.Duration(renewals)*w {
			t.Errorf("renewal %d at %v", renewals, now)
		}
		if d := time.Until(rw.write[renewals-1]); d < 2*w || d > 2*w+time.Minute {
			t.Errorf("for %v", d)
		}
	}
	if renewals != 9 {
		t.Errorf("%d renewals", renewals)
	}
	rw.write, s.renewed = nil, 10*w
	within(&s.readBy, 10*w, time.Second)
	within(&s.writeBy, 10*w, 2*time.Second)
	for now := 10 * w; now < 10*w+5*time.Second; now += time.Second {
		h.sweep(now, nil)
	}
	past := func(list []time.Time) bool { return len(list) == 1 && time.Since(list[0]) > 0 }
	if !past(rw.read) || !past(rw.write) || !s.late.Load() {
		t.Errorf("%v, %v", rw.read, rw.write)
	}
	within(&s.readBy, 11*w, time.Second)
	within(&s.writeBy, 11*w, time.Second)
	s.end()
	h.sweep(20*w, nil)
	if len(rw.read) != 1 || len(rw.write) != 1 {
		t.Error("a stream whose handler has returned was ended")
	}

	never := new(deadlines)
	h = &http2Conn{streams: []*cutter{{rw: never}}}
	h.sweep(1000*time.Hour, nil)
	if len(never.write) > 0 {
		t.Error("renewed without a write timeout")
	}
}
