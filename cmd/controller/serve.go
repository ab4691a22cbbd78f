package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/stream"
)

// serve accepts connections until ctx ends. Then it accepts no more and waits until
// the exchanges and streams have ended, for at most limit; those that go on are cut.
func serve(ctx context.Context, engine *downstream.Server, streams *stream.Server, ports listeners, config *tls.Config, limit time.Duration, log *slog.Logger) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	streamsEnded := make(chan error, 1)
	go func() { streamsEnded <- streams.Run(running) }()
	defer func() { stop(); <-streamsEnded }()

	ended := make(chan error, 2)
	go func() { ended <- engine.Serve(ports.http) }()
	go func() { ended <- engine.ServeTLSConfig(ports.https, config) }()
	select {
	case err := <-ended:
		_ = engine.Close() // the error that matters is err
		<-ended
		return err
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	streams.Drain()
	open := engine.Stats().Open + streams.Open()
	err := engine.Shutdown(bound)
	<-ended
	<-ended
	// Only now: the engine may have had a TLS connection to pass through.
	err = errors.Join(err, streams.Shutdown(bound))
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("connections were cut that did not end in time", "limit", limit, "open", open)
		return nil
	}
	return err
}
