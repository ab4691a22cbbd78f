package authrequest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// service starts a scripted service and returns its URL.
func service(t *testing.T, handler http.HandlerFunc) string {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func client(t *testing.T) *Client {
	c := &Client{Local: true}
	t.Cleanup(c.Close)
	return c
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAsk(t *testing.T) {
	url := service(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" || r.RequestURI != "/check?a=b" || r.Host != "auth.example" || r.Header.Get("X-Some") != "thing" ||
			r.ContentLength != 0 || r.Header.Get("User-Agent") != "" || r.Header.Get("Accept-Encoding") != "" || r.Header.Get("X-Idempotency-Key") != "" {
			t.Errorf("the service got %+v", r)
		}
		w.Header().Add("X-User", "ann")
		w.Header().Add("X-Group", "a")
		w.Header().Add("X-Group", "b")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Add("WWW-Authenticate", "Basic")
		w.WriteHeader(202)
	})
	a, err := client(t).Ask(t.Context(), &Question{
		Method: "POST", URL: url + "/check?a=b", Host: "auth.example", Fields: http.Header{"X-Some": {"thing"}},
		Wanted: []string{"x-user", "X-Group", "X-None"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != 202 || !a.Allows() || strings.Join(a.Fields, "|") != "ann|a, b|" || strings.Join(a.Cookies, "|") != "a=1|b=2" || a.Challenge != "Basic" {
		t.Errorf("%+v", a)
	}
}

// Where a service redirects to is not asked: an answer of another one decides nothing.
func TestAskFollowsNoRedirect(t *testing.T) {
	url := service(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/other", http.StatusFound)
	})
	a, err := client(t).Ask(t.Context(), &Question{Method: "GET", URL: url + "/", Fields: http.Header{}})
	if err != nil || a.Status != 302 || a.Allows() {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAskRefuses(t *testing.T) {
	c := new(Client) // which asks nobody on this machine
	t.Cleanup(c.Close)
	for url, want := range map[string]error{
		"":                               ErrURL,
		"http:opaque":                    ErrURL,
		"ftp://a.example/":               ErrURL,
		"http://user@a.example/":         ErrURL,
		"http:///a":                      ErrURL,
		"http://a.example/%zz":           ErrURL,
		"http://127.0.0.1:1/":            ErrAddress,
		"http://[::1]:1/":                ErrAddress,
		"http://[::ffff:127.0.0.1]:1/":   ErrAddress,
		"http://localhost:1/":            ErrAddress,
		"http://169.254.169.254/latest":  ErrAddress,
		"http://168.63.129.16/machine":   ErrAddress,
		"http://0.0.0.0:1/":              ErrAddress,
		"https://[fe80::1]:1/":           ErrAddress,
		"http://" + "224.0.0.1" + ":80/": ErrAddress,
	} {
		if _, err := c.Ask(within(t, 5*time.Second), &Question{Method: "GET", URL: url, Fields: http.Header{}}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", url, err, want)
		}
	}
}

func TestAskIsBounded(t *testing.T) {
	stall := make(chan struct{})
	url := service(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-stall
		case "/body":
			_ = http.NewResponseController(w).Flush()
			<-stall
		case "/head":
			w.Header().Set("X-User", strings.Repeat("a", mostHead))
		case "/fields":
			w.Header().Set("X-User", strings.Repeat("a", mostFields+1))
		case "/big":
			_, _ = w.Write(make([]byte, 1<<20))
		}
	})
	defer close(stall)
	c := client(t)
	ask := func(path string, d time.Duration) (*Answer, error) {
		return c.Ask(within(t, d), &Question{Method: "GET", URL: url + path, Fields: http.Header{}, Wanted: []string{"X-User"}})
	}
	if _, err := ask("/slow", 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow service: %v", err)
	}
	begin := time.Now()
	if a, err := ask("/body", 10*time.Second); err != nil || !a.Allows() || time.Since(begin) > 5*time.Second {
		t.Errorf("a body that does not come: %+v, %v after %v", a, err, time.Since(begin))
	}
	if _, err := ask("/head", 5*time.Second); err == nil {
		t.Error("a head without end is taken")
	}
	if _, err := ask("/fields", 5*time.Second); !errors.Is(err, ErrAnswer) {
		t.Errorf("fields that are too large: %v", err)
	}
	if a, err := ask("/big", 5*time.Second); err != nil || !a.Allows() {
		t.Errorf("a long body: %+v, %v", a, err)
	}
	c.asking.Store(mostAsking)
	if _, err := ask("/", time.Second); !errors.Is(err, ErrBusy) {
		t.Errorf("too many: %v", err)
	}
	if n := c.asking.Load(); n != mostAsking {
		t.Errorf("%d are counted", n)
	}
}

// The time for a connection is that of the question which needs it.
func TestConnectTime(t *testing.T) {
	c := client(t)
	begin := time.Now()
	_, err := c.Ask(within(t, 10*time.Second), &Question{
		Method: "GET", URL: "http://192.0.2.1:81/", Fields: http.Header{}, Connect: 50 * time.Millisecond,
	})
	if err == nil || time.Since(begin) > 5*time.Second { // or the network says at once that it is not there
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

// An answer that cannot be passed on is none.
func TestAnswerWithControls(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			_, _ = nc.Read(buf)
			_, _ = nc.Write([]byte("HTTP/1.1 200 OK\r\nX-User: a\x01b\r\nContent-Length: 0\r\n\r\n"))
			_ = nc.Close()
		}
	}()
	if a, err := client(t).Ask(within(t, 5*time.Second), &Question{
		Method: "GET", URL: "http://" + ln.Addr().String(), Fields: http.Header{}, Wanted: []string{"X-User"},
	}); err == nil {
		t.Errorf("%+v", a)
	}
}

// A connection that the service has closed is no failure, whatever the method.
func TestAskAgain(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		c := client(t)
		for range 20 {
			if _, err := c.Ask(within(t, 5*time.Second), &Question{Method: method, URL: s.URL, Fields: http.Header{}}); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
			s.CloseClientConnections()
		}
		s.Close()
	}
}

func TestCache(t *testing.T) {
	var asked atomic.Int64
	url := service(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("X-User", "ann")
		for _, line := range strings.Split(r.URL.Query().Get("fields"), "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				w.Header().Set(name, value)
			}
		}
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(max(status, 200))
	})
	c := client(t)
	for i, test := range []struct {
		query, durations string
		asks             int64 // of three times
	}{
		{"", "200=5m0s", 1},
		{"", "any=5m0s", 1},
		{"", "202=5m0s", 3},
		{"?status=401", "200=5m0s,401=5m0s", 1},
		{"?status=403", "200=5m0s", 3},
		{"?status=500", "any=5m0s", 3},
		{"?status=302", "302=5m0s", 3},
		{"?fields=Set-Cookie:%20a%3D1", "200=5m0s", 3},
		{"?fields=Cache-Control:%20no-store", "200=5m0s", 3},
		{"?fields=Cache-Control:%20public,%20max-age%3D0", "200=5m0s", 3},
		{"?fields=Cache-Control:%20max-age%3D60", "200=5m0s", 1},
		{"?fields=Vary:%20Cookie", "200=5m0s", 3},
		{"?fields=Vary:%20Accept-Encoding", "200=5m0s", 1},
	} {
		durations, err := ParseDurations(test.durations)
		if err != nil {
			t.Fatal(err)
		}
		asked.Store(0)
		for range 3 {
			a, err := c.Ask(t.Context(), &Question{
				Method: "GET", URL: url + "/" + test.query, Fields: http.Header{}, Wanted: []string{"X-User"},
				Key: "key" + strconv.Itoa(i), Durations: durations,
			})
			if err != nil || a.Fields[0] != "ann" {
				t.Fatalf("%q: %+v, %v", test.query, a, err)
			}
		}
		if n := asked.Load(); n != test.asks {
			t.Errorf("%q with %s was asked %d times, want %d", test.query, test.durations, n, test.asks)
		}
	}
}

func TestCacheForgets(t *testing.T) {
	var c cache
	now := time.Now()
	a := &Answer{Status: 200}
	c.put(digestOf("a"), a, time.Minute, now)
	if c.get(digestOf("a"), now.Add(59*time.Second)) != a || c.get(digestOf("b"), now) != nil {
		t.Error("what holds is not found")
	}
	if c.get(digestOf("a"), now.Add(time.Minute)) != nil || c.get(digestOf("a"), now) != nil {
		t.Error("what does not hold any more is found")
	}
	big := &Answer{Status: 200, Fields: []string{strings.Repeat("a", 30<<10)}}
	for i := range 40_000 {
		answer := a
		if i%3 == 0 {
			answer = big
		}
		c.put(digestOf(strconv.Itoa(i)), answer, time.Minute, now)
	}
	for i := range c {
		s, bytes := &c[i], 0
		for _, e := range s.entries {
			bytes += e.bytes
		}
		if len(s.entries) > mostEntries || s.bytes > mostBytes || bytes != s.bytes || len(s.entries) == 0 {
			t.Errorf("%d entries of %d bytes, counted as %d", len(s.entries), bytes, s.bytes)
		}
	}
}

func TestParseDurations(t *testing.T) {
	for _, text := range []string{"200", "x=5m", "200=x", "200=-5m", "=5m"} {
		if d, err := ParseDurations(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
	if d, err := ParseDurations(""); err != nil || len(d) > 0 {
		t.Errorf("%v, %v", d, err)
	}
}

// Failures are told, but not each of them, and without what clients sent.
func TestFailuresAreTold(t *testing.T) {
	var log bytes.Buffer
	c := client(t)
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	for range 100 {
		_, _ = c.Ask(t.Context(), &Question{Method: "GET", URL: "http://127.0.0.1:1/?token=secret", Fields: http.Header{}})
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "127.0.0.1:1") || strings.Contains(text, "secret") {
		t.Errorf("log:\n%s", text)
	}
	c.told.Store(0)
	_, _ = c.Ask(t.Context(), &Question{Method: "GET", URL: "http://127.0.0.1:1/", Fields: http.Header{}})
	if !strings.Contains(log.String(), "failures=100") {
		t.Errorf("log:\n%s", log.String())
	}
}
