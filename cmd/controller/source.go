package main

import (
	"context"
	"log/slog"

	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/manifests"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/reconcile"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
)

// newSource returns what follows the objects, of a directory or of an API server,
// and publishes them until its context ends.
func newSource(s settings.Settings, log *slog.Logger, m *metrics.Metrics, connections func() int, p *reconcile.Publisher) (func(context.Context) error, error) {
	if s.Manifests == "" {
		return newCluster(s, log, m, connections, p)
	}
	files := manifests.New(s.Manifests, log)
	return func(ctx context.Context) error { return files.Run(ctx, p.Objects) }, nil
}

// objectName takes the name of an object apart that Validate has seen. It is zero
// for an empty one.
func objectName(s string) types.NamespacedName {
	namespace, name, _ := settings.SplitName(s)
	return types.NamespacedName{Namespace: namespace, Name: name}
}
