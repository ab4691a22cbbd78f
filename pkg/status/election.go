package status

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Run takes part in the election and writes while it leads, until ctx ends. The
// Lease is given up only when the last write has ended, so that the next leader
// need not wait and no two write at a time.
func (w *Writer) Run(ctx context.Context) error {
	if w.options.Election == "" {
		w.lead(ctx)
		w.clear(ctx)
		return nil
	}
	identity, err := w.identity()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := w.term(ctx, identity); err != nil {
			return err
		}
	}
	return nil
}

// identity tells this run of this replica from every other.
func (w *Writer) identity() (string, error) {
	name := w.options.PodName
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("leader election: %w", err)
		}
		name = host
	}
	return name + "_" + string(uuid.NewUUID()), nil
}

// term waits for the Lease and holds it until ctx ends or the Lease is lost.
func (w *Writer) term(ctx context.Context, identity string) error {
	election, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var elected atomic.Bool
	ended := make(chan struct{})
	ttl := w.options.ElectionTTL
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: w.options.Namespace, Name: w.options.Election},
			Client:     w.leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		Name:            w.options.Election,
		LeaseDuration:   ttl,
		RenewDeadline:   ttl * 2 / 3,
		RetryPeriod:     ttl / 10, // how soon a Lease that was given up is taken
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(lease context.Context) {
				elected.Store(true)
				defer close(ended)
				defer stop()
				work, cancel := context.WithCancel(lease)
				defer cancel()
				defer context.AfterFunc(ctx, cancel)()
				w.log.Info("this replica writes status", "lease", w.options.Election)
				w.lead(work)
				if lease.Err() == nil {
					w.clear(lease)
				}
			},
			OnStoppedLeading: func() {},
			OnNewLeader: func(holder string) {
				w.log.Debug("a replica was elected", "lease", w.options.Election, "holder", holder)
			},
		},
	})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	defer context.AfterFunc(ctx, func() {
		if !elected.Load() {
			stop()
		}
	})()
	elector.Run(election)
	if elected.Load() {
		<-ended
		if ctx.Err() == nil {
			w.log.Warn("the lease was lost, another replica writes status", "lease", w.options.Election)
		}
	}
	// a Lease that is lost again and again must not be asked for in a loop
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	return nil
}
