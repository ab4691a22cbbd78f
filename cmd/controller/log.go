package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/shockwave-ingress/shockwave/pkg/settings"
)

// newLogger returns the log that the settings ask for.
func newLogger(w io.Writer, s settings.Settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.Level()}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// untilSignal returns a context that ends with the first SIGTERM or SIGINT. A
// second one ends the process at once.
func untilSignal(parent context.Context, log *slog.Logger) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			log.Info("told to end", "signal", s.String())
			cancel()
		case <-done:
			return
		}
		select {
		case s := <-signals:
			log.Error("told to end at once", "signal", s.String())
			os.Exit(1)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
