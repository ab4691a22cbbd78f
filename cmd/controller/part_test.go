package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestParts(t *testing.T) {
	ps := newParts()
	p := ps.start("obedient", func(ctx context.Context) error { <-ctx.Done(); return nil })
	p.stop()
	if err := ps.failure(); err != nil {
		t.Errorf("a part that was stopped failed: %v", err)
	}
	(*part)(nil).stop()

	why := errors.New("why")
	ps.start("failing", func(context.Context) error { return why })
	if err := ps.wait(t.Context()); err != why {
		t.Errorf("%v", err)
	}
	ps.start("short", func(context.Context) error { return nil })
	if err := ps.wait(t.Context()); !errors.Is(err, errEnded) || err.Error() != "short: it ended without being told to" {
		t.Errorf("%v", err)
	}

	stubborn := make(chan struct{})
	p = ps.start("stubborn", func(context.Context) error { <-stubborn; return nil })
	if p.stopWithin(10 * time.Millisecond) {
		t.Error("a part that goes on has ended")
	}
	close(stubborn)
	if !p.stopWithin(10 * time.Second) {
		t.Error("a part that ends is not waited for")
	}
}
