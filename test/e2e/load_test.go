//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// requestTimeout bounds one request.
const requestTimeout = 10 * time.Second

// get asks url for a host and gives the pod that answered.
func get(ctx context.Context, client *http.Client, url, host string) (pod string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	r.Host = host
	response, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", fmt.Errorf("read body: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s: %.200s", response.Status, body)
	}
	return response.Header.Get("X-Pod"), nil
}

// load asks without pause until it is stopped.
type load struct {
	answered, failed atomic.Int64
	mu               sync.Mutex
	errors           []string // the first few
	stop             func()
}

// startLoad runs workers that keep their connections and workers that open one
// for each request.
func startLoad(t *testing.T, url, host string) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{}
	var workers sync.WaitGroup
	for i := range 8 {
		transport := &http.Transport{DisableKeepAlives: i%2 == 1, MaxIdleConnsPerHost: 1}
		workers.Go(func() {
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			for ctx.Err() == nil {
				begin := time.Now()
				// Not ctx: what is under way when the load stops shall end well too.
				if _, err := get(context.Background(), client, url, host); err != nil {
					l.fail(fmt.Sprintf("%s after %v: %v", begin.Format("15:04:05.000"), time.Since(begin).Round(time.Millisecond), err))
				} else {
					l.answered.Add(1)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	l.stop = sync.OnceFunc(func() { cancel(); workers.Wait() })
	t.Cleanup(l.stop)
	return l
}

func (l *load) fail(message string) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errors) < 10 {
		l.errors = append(l.errors, message)
	}
}

// check stops the load and fails the test when a request failed, or when there
// were too few to mean anything.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.stop()
	answered, failed := l.answered.Load(), l.failed.Load()
	t.Logf("%d requests answered, %d failed", answered, failed)
	for _, message := range l.errors {
		t.Error(message)
	}
	if answered < 100 {
		t.Errorf("only %d requests were answered", answered)
	}
}
