package peers

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reused asks many times and tells over how many connections the application was asked,
// which tells the port of each.
func reused(t *testing.T, c *http.Client, url string) (connections int) {
	t.Helper()
	ports := map[string]bool{}
	for range 50 {
		resp, text := get(t, c, url)
		port := resp.Header.Get("X-Port")
		if resp.StatusCode != 200 || port == "" {
			t.Fatalf("%s %s", resp.Status, text)
		}
		ports[port] = true
	}
	return len(ports)
}

// largeBody is longer than what sockets and proxies hold.
var largeBody = bytes.Repeat([]byte("0123456789abcde\n"), 2<<20)

// upload sends a large body, with and without its length, and one that waits for 100.
func upload(t *testing.T, c *http.Client) {
	t.Helper()
	for _, fields := range [][]string{nil, {"Expect", "100-continue"}} {
		for name, body := range map[string]io.Reader{"length": bytes.NewReader(largeBody), "chunks": struct{ io.Reader }{bytes.NewReader(largeBody)}} {
			resp, text := do(t, c, http.MethodPut, "http://"+host+"/upload", body, fields...)
			if want := fmt.Sprintf("%d <nil>", len(largeBody)); resp.StatusCode != 200 || line(text, "body") != want {
				t.Errorf("%s %v: %s, %q, want %q", name, fields, resp.Status, line(text, "body"), want)
			}
		}
	}
}

func TestNginxAsUpstream(t *testing.T) {
	www := t.TempDir()
	for name, content := range map[string][]byte{"large": largeBody, "small.txt": []byte(strings.Repeat("small ", 1000))} {
		if err := os.WriteFile(filepath.Join(www, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(www), 0o755); err != nil {
		t.Fatal(err)
	}
	addr := nginx(t, fmt.Sprintf(`
		root %s; keepalive_requests 100000;
		add_header X-Port $remote_port;
		gzip on; gzip_min_length 1; gzip_proxied any; gzip_types text/plain;
		location /upload { proxy_pass http://%s; proxy_http_version 1.1; }
		location /early { return 413; }`, www, tell(t)))
	p := start(t, app{addr: addr})
	c := client(t, p.HTTP, "")
	if n := reused(t, c, "http://"+host+"/small.txt"); n != 1 {
		t.Errorf("50 requests came over %d connections", n)
	}
	resp, text := get(t, c, "http://"+host+"/large")
	if resp.ContentLength != int64(len(largeBody)) || crc32.ChecksumIEEE([]byte(text)) != crc32.ChecksumIEEE(largeBody) {
		t.Errorf("a large response has %d bytes, announced %d", len(text), resp.ContentLength)
	}
	resp, text = get(t, c, "http://"+host+"/large", "Range", "bytes=16-31")
	if resp.StatusCode != 206 || text != string(largeBody[16:32]) {
		t.Errorf("a range: %s %q", resp.Status, text)
	}
	resp, text = get(t, c, "http://"+host+"/small.txt", "Accept-Encoding", "gzip")
	unpacked, err := gzip.NewReader(strings.NewReader(text))
	if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("not compressed: %v %v", err, resp.Header)
	}
	if plain, err := io.ReadAll(unpacked); err != nil || len(plain) != 6000 {
		t.Errorf("%d bytes, %v", len(plain), err)
	}
	etag := resp.Header.Get("Last-Modified")
	if resp, text = get(t, c, "http://"+host+"/small.txt", "If-Modified-Since", etag); resp.StatusCode != 304 || text != "" {
		t.Errorf("not modified: %s %q", resp.Status, text)
	}
	if resp, _ = do(t, c, http.MethodHead, "http://"+host+"/large", nil); resp.ContentLength != int64(len(largeBody)) {
		t.Errorf("HEAD announces %d bytes", resp.ContentLength)
	}
	upload(t, c)
	// It answers before it has read the body, and goes on reading for a while.
	if resp, _ = do(t, c, http.MethodPut, "http://"+host+"/early", bytes.NewReader(largeBody[:100<<10])); resp.StatusCode != 413 {
		t.Errorf("an early answer: %s", resp.Status)
	}
}

func TestHAProxyAsUpstream(t *testing.T) {
	addr := haproxy(t, "http", fmt.Sprintf(`
	http-request return status 200 content-type text/plain string "ok" hdr X-Port "%%[src_port]" if { path /small }
	http-request deny deny_status 403 if { path /denied }
	default_backend app`), fmt.Sprintf(`
backend app
	server app %s`, tell(t)))
	p := start(t, app{addr: addr})
	c := client(t, p.HTTP, "")
	if n := reused(t, c, "http://"+host+"/small"); n != 1 {
		t.Errorf("50 requests came over %d connections", n)
	}
	upload(t, c)
	if resp, _ := do(t, c, http.MethodPut, "http://"+host+"/denied", bytes.NewReader(largeBody[:100<<10])); resp.StatusCode != 403 {
		t.Errorf("an early answer: %s", resp.Status)
	}
}
