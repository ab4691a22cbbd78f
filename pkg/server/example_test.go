package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/server"
)

// serve answers one request with h, as an example does that cannot wait for clients.
func serve(cfg server.Config, request func(addr string)) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := server.NewServer(cfg)
	done := make(chan error)
	go func() { done <- srv.Serve(ln) }()
	request(ln.Addr().String())
	if err := srv.Close(); err != nil {
		log.Fatal(err)
	}
	if err := <-done; !errors.Is(err, server.ErrServerClosed) {
		log.Fatal(err)
	}
}

// show prints the answer to a request.
func show(method, url, body string) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %s: %s\n", resp.StatusCode, resp.Header.Get("Content-Type"), strings.TrimSpace(string(answer)))
}

func Example() {
	cfg := server.DefaultConfig()
	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
		_, _ = w.WriteString("hello from " + r.Path())
	})
	serve(cfg, func(addr string) { show("GET", "http://"+addr+"/here", "") })
	// Output: 200 text/plain; charset=utf-8: hello from /here
}

// A server that listens on an address of its own.
func ExampleServer_ListenAndServe() {
	cfg := server.DefaultConfig()
	cfg.Addr = ":8080"
	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, _ server.Request) {
		_ = w.WriteText(http.StatusOK, "hello")
	})
	log.Fatal(server.NewServer(cfg).ListenAndServe())
}

// A JSON API: routes are a switch, or a router of your choice.
func ExampleResponseWriter_WriteJSON() {
	api := func(w server.ResponseWriter, r server.Request) {
		switch {
		case r.Path() != "/sum":
			_ = w.WriteJSON(http.StatusNotFound, []byte(`{"error":"no such path"}`))
		case r.Method() != http.MethodPost:
			w.Header().Set("Allow", "POST")
			_ = w.WriteJSON(http.StatusMethodNotAllowed, []byte(`{"error":"POST only"}`))
		default:
			var in []int
			if err := json.NewDecoder(r.Body()).Decode(&in); err != nil {
				_ = w.WriteJSON(http.StatusBadRequest, []byte(`{"error":"a list of numbers is wanted"}`))
				return
			}
			sum := 0
			for _, n := range in {
				sum += n
			}
			out, _ := json.Marshal(map[string]int{"sum": sum})
			_ = w.WriteJSON(http.StatusOK, out)
		}
	}
	cfg := server.DefaultConfig()
	cfg.Handler = server.HandlerFunc(api)
	serve(cfg, func(addr string) {
		show("POST", "http://"+addr+"/sum", "[1, 2, 3]")
		show("GET", "http://"+addr+"/sum", "")
		show("GET", "http://"+addr+"/other", "")
	})
	// Output:
	// 200 application/json: {"sum":6}
	// 405 application/json: {"error":"POST only"}
	// 404 application/json: {"error":"no such path"}
}

// Limits: what a client can make the server hold, and for how long.
func ExampleConfig() {
	cfg := server.DefaultConfig()
	cfg.ReadTimeout = 30 * time.Second // a whole request
	cfg.MaxRequestBodySize = 16        // bytes
	cfg.MaxConcurrentConnections = 10000
	cfg.MaxKeepAliveRequests = 1000
	cfg.AllocationMode = server.Arena
	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
		// When the body is too large and the handler writes nothing, the server
		// answers 413.
		if n, err := io.Copy(io.Discard, r.Body()); err == nil {
			_ = w.WriteText(http.StatusOK, fmt.Sprintf("%d bytes", n))
		}
	})
	serve(cfg, func(addr string) {
		show("POST", "http://"+addr, "small enough")
		show("POST", "http://"+addr, "this is larger than the limit")
	})
	// Output:
	// 200 text/plain; charset=utf-8: 12 bytes
	// 413 text/plain; charset=utf-8: Request Entity Too Large: request body is too large
}

// A server that ends without cutting anybody off, when it is told to by a signal.
func ExampleServer_Shutdown() {
	cfg := server.DefaultConfig()
	cfg.Addr = ":8080"
	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, _ server.Request) {
		_ = w.WriteText(http.StatusOK, "hello")
	})
	srv := server.NewServer(cfg)

	signalled, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- srv.ListenAndServe() }()
	select {
	case err := <-served:
		log.Fatal(err) // it could not listen
	case <-signalled.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		log.Print("some exchanges were cut: ", err)
	}
	<-served // ErrServerClosed
	log.Printf("%d requests were answered", srv.Stats().Requests)
}

// TLS with certificate files, or with a configuration that finds certificates.
func ExampleServer_ListenAndServeTLS() {
	cfg := server.DefaultConfig()
	cfg.Addr = ":8443"
	cfg.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13}
	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
		_ = w.WriteText(http.StatusOK, tls.VersionName(r.TLS().Version))
	})
	log.Fatal(server.NewServer(cfg).ListenAndServeTLS("cert.pem", "key.pem"))
}

// Middleware wraps a handler when the server is built.
func ExampleChain() {
	name := func(next server.Handler) server.Handler {
		return server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
			w.Header().Set("X-Served-By", "me")
			next.ServeHTTP(w, r)
		})
	}
	key := func(next server.Handler) server.Handler {
		return server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
			if r.Header().Get("Authorization") == "" {
				_ = w.WriteText(http.StatusUnauthorized, "who are you?")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	hello := server.HandlerFunc(func(w server.ResponseWriter, _ server.Request) { _ = w.WriteText(http.StatusOK, "hello") })

	cfg := server.DefaultConfig()
	cfg.Handler = server.Chain(hello, name, key) // name sees a request first
	serve(cfg, func(addr string) { show("GET", "http://"+addr, "") })
	// Output: 401 text/plain; charset=utf-8: who are you?
}

// Ordinary handlers run as well: here a mux, beside a path that is served without
// allocations.
func ExampleFromHTTP() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /user/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, %s", r.PathValue("name"))
	})
	ordinary := server.FromHTTP(mux)

	cfg := server.DefaultConfig()
	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
		if r.Path() == "/healthz" {
			_ = w.WriteText(http.StatusOK, "ok")
			return
		}
		ordinary.ServeHTTP(w, r)
	})
	serve(cfg, func(addr string) {
		show("GET", "http://"+addr+"/user/ann", "")
		show("GET", "http://"+addr+"/healthz", "")
	})
	// Output:
	// 200 text/plain; charset=utf-8: hello, ann
	// 200 text/plain; charset=utf-8: ok
}

// What is kept beyond the handler is copied.
func ExampleHeader_Clone() {
	kept := make(chan *server.Header, 1)
	cfg := server.DefaultConfig()
	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
		kept <- r.Header().Clone()
		_ = w.WriteText(http.StatusOK, "kept")
	})
	serve(cfg, func(addr string) { show("GET", "http://"+addr, "") })
	fmt.Println((<-kept).Get("user-agent"))
	// Output:
	// 200 text/plain; charset=utf-8: kept
	// Go-http-client/1.1
}
