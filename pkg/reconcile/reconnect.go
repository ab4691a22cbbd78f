package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// reconnectAfter is the shortest pause before an API server that cannot be
// reached is tried again, reconnectJitter how much longer it may be, as a share
// of it.
const (
	reconnectAfter  = 500 * time.Millisecond
	reconnectJitter = 2.0
)

// reach tries again and again where the API server cannot be reached. client-go
// would, after an outage of half a minute, wait for as long as a minute more,
// while endpoints come and go unseen. Seven watches are no load to begin with.
type reach struct {
	log *slog.Logger

	mu sync.Mutex
	// since is when the outage began, zero when there is none.
	since time.Time
}

// informer is cache.Options.NewInformer.
func (r *reach) informer(lw toolscache.ListerWatcher, object runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	from := toolscache.ToListerWatcherWithContext(lw)
	return toolscache.NewSharedIndexInformer(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (list runtime.Object, err error) {
			err = r.try(ctx, func() error { list, err = from.ListWithContext(ctx, o); return err })
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (stream watch.Interface, err error) {
			err = r.try(ctx, func() error { stream, err = from.WatchWithContext(ctx, o); return err })
			return stream, err
		},
	}, object, resync, indexers)
}

// try calls do until it succeeds, or the API server itself answers with an
// error, or ctx ends.
func (r *reach) try(ctx context.Context, do func() error) error {
	for {
		err := do()
		var answered apierrors.APIStatus
		if err == nil || errors.As(err, &answered) {
			r.reached()
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		r.lost(err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait.Jitter(reconnectAfter, reconnectJitter)):
		}
	}
}

func (r *reach) lost(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.IsZero() {
		r.since = time.Now()
		r.log.Warn("the API server cannot be reached, what is known stays in use", "err", err)
	}
}

func (r *reach) reached() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.since.IsZero() {
		r.log.Info("the API server is reached again", "seconds", time.Since(r.since).Seconds())
		r.since = time.Time{}
	}
}
