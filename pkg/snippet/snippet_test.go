package snippet

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
)

func TestAdvise(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // what each piece of advice has in it, "" for none
	}{
		{`more_set_headers "X-Frame-Options: DENY";`, []string{"custom-headers, with X-Frame-Options: \"DENY\""}},
		{`add_header X-Robots-Tag "noindex, nofollow" always;`, []string{"X-Robots-Tag: \"noindex, nofollow\""}},
		{`more_set_headers "A: 1" 'B: 2';`, []string{"with A: \"1\" in its ConfigMap and A in global-allowed-response-headers (or add-headers, for all Ingresses); annotation custom-headers, with B: \"2\""}},
		{`more_set_headers -s 404 "Access-Control-Allow-Origin: *";`, []string{`enable-cors: "true" and cors-allow-origin: "*"`}},
		{`add_header Strict-Transport-Security "max-age=1";`, []string{"hsts-max-age"}},
		{`add_header X-Id $request_id;`, []string{""}},
		{`more_clear_headers Server X-Powered-By;`, []string{"hide-headers of the ConfigMap: \"Server\"; key hide-headers of the ConfigMap: \"X-Powered-By\""}},
		{`proxy_set_header Host internal.example;`, []string{`upstream-vhost: "internal.example"`}},
		{"proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";", []string{"WebSocket always work", "WebSocket always work"}},
		{`more_set_input_headers "X-Team: a";`, []string{"proxy-set-headers of the ConfigMap, whose ConfigMap has X-Team: \"a\""}},
		{`return 301 https://example.org/;`, []string{`permanent-redirect: "https://example.org/"`}},
		{`return 308 https://example.org/;`, []string{`permanent-redirect-code: "308"`}},
		{`return 301 https://$host$request_uri;`, []string{"force-ssl-redirect"}},
		{`return 302 https://new.example.org$request_uri;`, []string{`rewrite-target with a URL: "https://new.example.org/$1"`}},
		{`return 403;`, []string{"denylist-source-range"}},
		{`return 200 "ok";`, []string{""}},
		{"deny 10.0.0.1; allow 10.0.0.0/8; deny all;", []string{`denylist-source-range: "10.0.0.1"`, `allowlist-source-range: "10.0.0.0/8"`, "allowlist-source-range"}},
		{`if ($http_user_agent ~* (bot|crawler)) { return 403; }`, []string{`block-user-agents of the ConfigMap: "~*(bot|crawler)"`}},
		{`if ($http_user_agent ~* "bot") {
			return 403;
		}`, []string{"block-user-agents"}},
		{`if ($scheme = http) { return 301 https://$host$request_uri; }`, []string{"force-ssl-redirect"}},
		{`if ($args ~ x) { set $y 1; }`, []string{""}},
		{`rewrite ^/$ /app redirect;`, []string{`app-root: "/app"`}},
		{`rewrite ^/old/(.*)$ https://example.org/$1 permanent;`, []string{`rewrite-target: "https://example.org/$1"`}},
		{`rewrite ^/a/(.*)$ /b/$1 break;`, []string{`the path "/a/(.*)$", use-regex: "true" and rewrite-target: "/b/$1"`}},
		{`proxy_read_timeout 5m;`, []string{`proxy-read-timeout: "300"`}},
		{`grpc_read_timeout 30s;`, []string{`proxy-read-timeout: "30"`}},
		{`client_max_body_size 50m;`, []string{`proxy-body-size: "50m"`}},
		{"# a comment; with { signs }\nproxy_buffers 8 16k; # and one more\n", []string{`proxy-buffers-number: "8"`}},
		{`location /private { deny all; }`, []string{"an Ingress, or a path of one, for /private"}},
		{`rewrite_by_lua_block { ngx.say("}") if x then y() end }`, []string{""}},
		{`sub_filter a b;`, []string{""}},
		{``, nil},
	} {
		got, err := Advise(c.text)
		if err != nil && !strings.Contains(c.text, "lua") {
			t.Errorf("%s: %v", c.text, err)
		}
		if len(got) != len(c.want) {
			if !strings.Contains(c.text, "lua") {
				t.Errorf("%s: %+v, want %d", c.text, got, len(c.want))
			}
			continue
		}
		for i, want := range c.want {
			if (want == "") != (got[i].Instead == "") || !strings.Contains(got[i].Instead, want) {
				t.Errorf("%s: %q, want %q", c.text, got[i].Instead, want)
			}
		}
	}
}

// Whatever is advised exists.
func TestAdviceNamesSettings(t *testing.T) {
	known := make(map[string]bool)
	for _, name := range annotation.NginxNames() {
		known[name] = true
	}
	keys := annotation.ListConfigKeys()
	for _, a := range keys.Read {
		known[a.Name] = true
	}
	for _, key := range append(keys.Ignored, keys.Denied...) {
		known[key.Name] = true
	}
	settings := regexp.MustCompile("`?\\b(?:annotations?|keys?) ([a-z0-9-]+)")
	for _, file := range []string{"advise.go", "instead.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if at := strings.IndexAny(line, "\"`"); at >= 0 {
				for _, m := range settings.FindAllStringSubmatch(line[at:], -1) {
					if !known[m[1]] && m[1] != "of" && m[1] != "that" {
						t.Errorf("%s advises %s, which does not exist", file, m[1])
					}
				}
			}
		}
	}
	for _, name := range cors {
		if !known[name] {
			t.Errorf("%s does not exist", name)
		}
	}
}

func TestAdviceTellsLines(t *testing.T) {
	got, err := Advise("\nadd_header A 1;\n# c\nif ($http_referer ~ x) {\n  return 403;\n}\n")
	if err != nil || len(got) != 2 || got[0].Line != 2 || got[1].Line != 5 || got[1].Directive != "if ($http_referer ~ x) return 403;" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseMistakes(t *testing.T) {
	for text, want := range map[string]error{
		"return 403": errEnd, "if (a) { return 403; ": errUnclosed, "}": errBrace, "{ a; }": errBrace,
		`add_header A "b`: errUnclosed, strings.Repeat("a;", mostDirectives+1): errLong,
		strings.Repeat("a {", mostDepth+2): errLong, strings.Repeat("a", mostBytes+1): errLong,
	} {
		if _, err := Parse(text); err != want {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

// Whatever a snippet holds, it is read in bounded time, and each directive is at a
// line of the text.
func FuzzAdvise(f *testing.F) {
	for _, seed := range []string{"add_header A 1;", "if ($a ~ b) { return 403; }", "a { b { c; } }", "x ${y} 'z' \"w\\\"\" \\;;", "l_by_lua_block { } }"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, _ := Advise(text)
		for _, a := range got {
			if a.Line < 1 || a.Line > 1+strings.Count(text, "\n") || len(a.Directive) > 200 {
				t.Errorf("%+v", a)
			}
		}
	})
}
