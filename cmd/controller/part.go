package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// parts are the things that run beside each other. Each runs until it is stopped:
// their contexts do not end with any signal, so the order of the shutdown is the
// order of the calls to stop.
type parts struct {
	// failed receives why a part ended that was not stopped.
	failed chan error
}

func newParts() *parts { return &parts{failed: make(chan error, 1)} }

// part is one of them.
type part struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// errEnded is the failure of a part that ended without an error.
var errEnded = errors.New("it ended without being told to")

// start runs f beside what runs already. Its errors must tell what they are about.
func (ps *parts) start(name string, f func(ctx context.Context) error) *part {
	ctx, cancel := context.WithCancel(context.Background())
	p := &part{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		err := f(ctx)
		if err == nil && ctx.Err() == nil {
			err = fmt.Errorf("%s: %w", name, errEnded)
		}
		if err == nil {
			return
		}
		select {
		case ps.failed <- err:
		default: // the first failure is what ends the process
		}
	}()
	return p
}

// wait waits until ctx ends, or a part fails.
func (ps *parts) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-ps.failed:
		return err
	}
}

// stop ends p and waits for it. It does nothing for nil, a part that was never
// started.
func (p *part) stop() {
	if p == nil {
		return
	}
	p.cancel()
	<-p.done
}

// stopWithin is stop, but it waits no longer than limit. It tells whether p has
// ended.
func (p *part) stopWithin(limit time.Duration) bool {
	p.cancel()
	select {
	case <-p.done:
		return true
	case <-time.After(limit):
		return false
	}
}

// failure is that of a part that failed and was not waited for, or nil.
func (ps *parts) failure() error {
	select {
	case err := <-ps.failed:
		return err
	default:
		return nil
	}
}
