package admin

import (
	"context"
	"expvar"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
)

// Config says what is offered.
type Config struct {
	// HealthCheckPath answers like /healthz. Empty or "/healthz" adds nothing.
	HealthCheckPath string
	// Metrics serves /metrics. nil: 404.
	Metrics http.Handler
	// Configuration returns the configuration in use, or nil as long as there
	// is none.
	Configuration func() *Configuration
	// Explain tells what becomes of a request. It returns nil as long as there
	// is no configuration.
	Explain func(snapshot.Question) *snapshot.Explanation
	// Readiness answers /readyz.
	Readiness *Readiness
	// Profiling offers /debug/pprof/, and /debug/vars with the statistics of memory.
	Profiling bool
	// Logger gets errors of connections, at debug level.
	Logger *slog.Logger
}

// Limits of the listener. A profile or a scrape may take long to write, and the
// client says how long a profile runs.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 2 * time.Minute
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
	shutdownTime   = time.Second
)

// Handler returns the pages. Only GET and HEAD are served.
func Handler(c Config) http.Handler {
	pages := map[string]http.HandlerFunc{
		"/{$}":           index,
		"/healthz":       alive,
		"/readyz":        c.Readiness.serve,
		"/configuration": c.configuration,
		"/explain":       c.explain,
	}
	if p := c.HealthCheckPath; p != "" && pages[p] == nil {
		pages[p] = alive
	}
	if c.Metrics != nil {
		pages["/metrics"] = c.Metrics.ServeHTTP
	}
	if c.Profiling {
		pages["/debug/pprof/"] = pprof.Index
		pages["/debug/pprof/cmdline"] = pprof.Cmdline
		pages["/debug/pprof/profile"] = pprof.Profile
		pages["/debug/pprof/symbol"] = pprof.Symbol
		pages["/debug/pprof/trace"] = pprof.Trace
		pages["/debug/vars"] = expvar.Handler().ServeHTTP
	}
	mux := http.NewServeMux()
	for path, page := range pages {
		mux.HandleFunc("GET "+path, page)
	}
	return mux
}

// Serve serves the pages on ln until ctx ends, and closes ln.
func Serve(ctx context.Context, ln net.Listener, c Config) error {
	srv := &http.Server{
		Handler:           Handler(c),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve health and metrics: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := srv.Shutdown(limit); err != nil {
		_ = srv.Close() // a profile that runs longer is cut
	}
	<-ended
	return nil
}

func alive(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") }

// index lists the pages for people.
func index(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "shockwave\n\n/healthz\n/readyz\n/metrics\n/configuration\n/configuration?format=json\n"+
		"/explain?method=GET&url=http://HOST/PATH\n/explain?method=GET&url=http://HOST/PATH&format=json")
}

// answer writes a page of plain text.
func answer(w http.ResponseWriter, status int, text string) {
	head(w, "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // a client that went away
}

func head(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}
