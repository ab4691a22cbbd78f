package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	toolscache "k8s.io/client-go/tools/cache"
)

// tellRefusalAgain is how often the same refusal is logged as a warning.
const tellRefusalAgain = 10 * time.Minute

// refusals logs why the API server refuses a watch. client-go asks again at
// least each minute, so the same refusal is told from time to time only.
type refusals struct {
	log *slog.Logger

	mu sync.Mutex
	// told is when each refusal was told last. The kind alone says too little:
	// client-go names Secrets and ConfigMaps alike where only their metadata is
	// watched.
	told map[string]time.Time
}

// mostRefusals bounds what is remembered.
const mostRefusals = 100

// handle is cache.Options.DefaultWatchErrorHandler.
func (r *refusals) handle(ctx context.Context, from *toolscache.Reflector, err error) {
	if ctx.Err() == nil {
		r.refused(from.TypeDescription(), err, time.Now())
	}
}

func (r *refusals) refused(kind string, err error, now time.Time) {
	switch {
	case errors.Is(err, context.Canceled):
	case apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
		r.log.Debug("a watch starts anew", "kind", kind, "err", err)
	case !r.due(kind+" "+err.Error(), now):
		r.log.Debug("the API server still refuses a watch", "kind", kind, "err", err)
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		r.log.Warn("the service account lacks a right that the chart's ClusterRole (config/rbac) gives: what is known stays in use", "kind", kind, "err", err)
	default:
		r.log.Warn("the API server refuses a watch, what is known stays in use", "kind", kind, "err", err)
	}
}

// due tells whether a refusal was not told yet, or only long ago.
func (r *refusals) due(what string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.told[what]; ok && now.Sub(last) < tellRefusalAgain {
		return false
	}
	if r.told == nil || len(r.told) == mostRefusals {
		r.told = make(map[string]time.Time)
	}
	r.told[what] = now
	return true
}
