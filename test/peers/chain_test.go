package peers

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// Behind nginx, what that tells of the client is passed on under names that do not claim
// to be ours.
func TestBehindNginx(t *testing.T) {
	p := start(t, app{addr: tell(t)})
	front := nginx(t, fmt.Sprintf(`
		location / {
			proxy_pass http://%s; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Host shop.example; proxy_set_header X-Forwarded-Proto https;
		}`, p.HTTP))
	c := client(t, front.String(), "127.0.0.7")
	resp, text := get(t, c, "http://"+host+"/a%20b?c=d", "X-Forwarded-For", "192.0.2.1")
	if resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, text)
	}
	for name, want := range map[string]string{
		"Host":                      host,
		"X-Real-Ip":                 "127.0.0.1",
		"X-Forwarded-For":           "127.0.0.1",
		"X-Forwarded-Host":          host,
		"X-Forwarded-Proto":         "http",
		"X-Original-Forwarded-For":  "192.0.2.1, 127.0.0.7",
		"X-Original-Forwarded-Host": "shop.example",
	} {
		if got := line(text, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	_, text = do(t, c, http.MethodPut, "http://"+host+"/", struct{ io.Reader }{bytes.NewReader(largeBody)})
	if want := fmt.Sprintf("%d <nil>", len(largeBody)); line(text, "body") != want {
		t.Errorf("of a large body came %q", line(text, "body"))
	}
}

// Behind HAProxy the address in the PROXY header is the client's, in both versions, in
// clear text and over TLS.
func TestBehindHAProxy(t *testing.T) {
	p := start(t, app{addr: tell(t), settings: `use-proxy-protocol: "true"`})
	for _, version := range []string{"send-proxy", "send-proxy-v2"} {
		for scheme, to := range map[string]string{"http": p.HTTP, "https": p.HTTPS} {
			t.Run(version+" "+scheme, func(t *testing.T) {
				front := haproxy(t, "tcp", "default_backend shockwave", fmt.Sprintf(`
backend shockwave
	server shockwave %s %s`, to, version))
				c := client(t, front.String(), "127.0.0.7")
				for range 3 {
					resp, text := get(t, c, scheme+"://"+host+"/")
					if resp.StatusCode != 200 || line(text, "X-Real-IP") != "127.0.0.7" || line(text, "X-Forwarded-For") != "127.0.0.7" || line(text, "X-Forwarded-Proto") != scheme {
						t.Errorf("%s\n%s", resp.Status, text)
					}
				}
			})
		}
	}
	t.Run("without the header", func(t *testing.T) {
		if resp, err := client(t, p.HTTP, "").Get("http://" + host + "/"); err == nil {
			resp.Body.Close()
			t.Errorf("answered %s", resp.Status)
		}
	})
}
