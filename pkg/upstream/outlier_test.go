package upstream

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// watched returns an upstream with n endpoints whose failures count like this, and
// what is logged.
func watched(t testing.TB, h model.Health, n int) (*Registry, *Upstream, *bytes.Buffer) {
	t.Helper()
	r, u := balanced(t, model.Balance{Algorithm: model.RoundRobin}, n)
	var log bytes.Buffer
	r.config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	policy := model.DefaultPolicy()
	policy.Health = h
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	return r, u, &log
}

// fail has n exchanges fail at e.
func fail(e *Endpoint, n int) {
	for range n {
		e.Begin()
		e.End(Failed, time.Millisecond)
	}
}

// succeed has an exchange succeed at e.
func succeed(e *Endpoint) {
	e.Begin()
	e.End(Succeeded, time.Millisecond)
}

func TestFailuresInARowEject(t *testing.T) {
	r, u, log := watched(t, model.Health{MaxFailures: 3, EjectionTime: 10 * time.Second, MaxEjected: 50}, 4)
	e := u.endpoints()[0]
	for range 10 {
		fail(e, 2)
		succeed(e)
	}
	fail(e, 2)
	e.Begin()
	e.End(Neutral, 0)
	if !e.sound() || log.Len() != 0 {
		t.Fatal("left out for failures that were not in a row")
	}
	fail(e, 1)
	for range 100 {
		if u.Pick(&Choice{}) == e {
			t.Fatal("picked after 3 failures in a row")
		}
	}
	s := r.Stats()[0]
	if es := s.Endpoints[0]; !es.Out || es.OutFor != "failures" || es.Ejected[EjectedForFailures] != 1 || s.Ejected[EjectedForFailures] != 1 {
		t.Errorf("stats: %+v", es)
	}
	fail(e, 100) // of exchanges that were begun before
	r.pass(10*time.Second - 100*time.Millisecond)
	if e.available() {
		t.Fatal("back too early")
	}
	r.pass(200 * time.Millisecond)
	if !e.available() {
		t.Fatal("not back")
	}
	if s := r.Stats()[0].Endpoints[0]; s.Out || s.OutFor != "" {
		t.Errorf("stats: %+v", s)
	}
	fail(e, 2)
	if !e.sound() {
		t.Error("failures of before count")
	}
	text := log.String()
	if strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=INFO") != 1 || !strings.Contains(text, "endpoint=10.0.0.0:80") {
		t.Errorf("log: %s", text)
	}
	// What was counted stays when the endpoint goes.
	r.SetEndpoints(nil)
	if s := r.Stats()[0]; s.Ejected[EjectedForFailures] != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// Each time takes twice as long, up to ten times, and is forgiven step by step.
func TestEjectionsGetLonger(t *testing.T) {
	r, u, _ := watched(t, model.Health{MaxFailures: 1, EjectionTime: 10 * time.Second, MaxEjected: 50}, 2)
	e := u.endpoints()[0]
	last := func() time.Duration {
		t.Helper()
		fail(e, 1)
		until := time.Duration(e.outlier.until.Load())
		if until == 0 {
			t.Fatal("not left out")
		}
		lasts := (until - r.clock()).Round(time.Second)
		r.pass(lasts)
		e.forgiveSometimes() // nobody has to pick it for its time to end
		if !e.sound() {
			t.Fatal("not back")
		}
		return lasts
	}
	for i, want := range []int{10, 20, 40, 80, 100, 100} {
		if got := last(); got != time.Duration(want)*time.Second {
			t.Errorf("time %d takes %v, want %ds", i+1, got, want)
		}
	}
	for range 2 * int(forgiveEvery/sweepInterval) {
		e.forgiveSometimes()
	}
	if got := last(); got != 80*time.Second {
		t.Errorf("%v after two minutes without failures", got)
	}
	for range 20 * int(forgiveEvery/sweepInterval) {
		e.forgiveSometimes()
	}
	if got := last(); got != 10*time.Second {
		t.Errorf("%v after a long time without failures", got)
	}
}

// No more endpoints are left out than MaxEjected says, whatever for, and never all.
func TestEjectionsAreBounded(t *testing.T) {
	for _, c := range []struct{ n, percent, connect, want int }{
		{10, 50, 0, 5}, {10, 0, 0, 0}, {10, 19, 0, 1}, {10, 100, 0, 9}, {3, 50, 0, 1},
		{2, 50, 0, 1}, {2, 49, 0, 0}, {1, 100, 0, 0}, {10, 50, 4, 1}, {10, 50, 7, 0}, {3, 100, 2, 0},
	} {
		r, u, _ := watched(t, model.Health{MaxFailures: 2, EjectionTime: time.Minute, MaxEjected: c.percent}, c.n)
		list := u.endpoints()
		for _, e := range list[:c.connect] {
			e.leaveOut(r.clock(), errRefused)
		}
		var wg sync.WaitGroup
		for _, e := range list[c.connect:] {
			wg.Go(func() { fail(e, 100) })
		}
		wg.Wait()
		out := 0
		for _, e := range list {
			if e.outlier.until.Load() != 0 {
				out++
			}
		}
		// Those that lose the race for the decision ask again with their next failure,
		// and the last of them may have none.
		if out > c.want || out < min(1, c.want) {
			t.Errorf("%+v: %d are left out", c, out)
		}
		for _, e := range list[c.connect:] {
			fail(e, 2)
		}
		out = 0
		for _, e := range list {
			if e.outlier.until.Load() != 0 {
				out++
			}
		}
		if out != c.want {
			t.Errorf("%+v: %d are left out in the end", c, out)
		}
	}
}

// An endpoint that is left out for both reasons comes back when both are over.
func TestConnectFailuresAndOthersAddUp(t *testing.T) {
	r, u, _ := watched(t, model.Health{MaxFailures: 1, EjectionTime: 10 * time.Second, MaxEjected: 50}, 2)
	e := u.endpoints()[0]
	e.leaveOut(r.clock(), errRefused)
	fail(e, 1)
	r.pass(firstPause + time.Millisecond)
	if e.available() {
		t.Fatal("back before the time for its failures is over")
	}
	r.pass(10 * time.Second)
	if !e.available() || e.available() {
		t.Fatal("not one request finds out whether it can be connected to")
	}
	e.comeBack()
	if !e.available() {
		t.Error("not back")
	}
	s := r.Stats()[0]
	if s.Ejected[EjectedForConnect] != 1 || s.Ejected[EjectedForFailures] != 1 || s.Endpoints[0].Out {
		t.Errorf("stats: %+v", s)
	}
}

func TestRemovedEndpointIsNotEjected(t *testing.T) {
	r, u, log := watched(t, model.Health{MaxFailures: 1, EjectionTime: time.Minute, MaxEjected: 100}, 3)
	e := u.endpoints()[2]
	r.SetEndpoints(model.Endpoints{shop: many(2)})
	fail(e, 5)
	if log.Len() != 0 || r.Stats()[0].Ejected[EjectedForFailures] != 0 {
		t.Errorf("log: %s", log)
	}
}

func TestEjectionsHaveNames(t *testing.T) {
	for e, want := range []string{"connect", "failures", "check", ""} {
		if got := Ejection(e).String(); got != want {
			t.Errorf("reason %d is called %q", e, got)
		}
	}
}
