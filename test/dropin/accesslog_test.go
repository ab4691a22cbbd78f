package dropin

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// lines are those of the access log so far.
func (s *site) lines() []string {
	text, err := os.ReadFile(filepath.Join(s.dir, "access.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// logs waits for a line of the access log that matches an expression, and returns it.
func (s *site) logs(expression string) string {
	s.t.Helper()
	e := regexp.MustCompile(expression)
	found := ""
	s.eventually("a line of the access log that matches "+expression, func() bool {
		lines := s.lines()
		if i := slices.IndexFunc(lines, e.MatchString); i >= 0 {
			found = lines[i]
		}
		return found != ""
	})
	return found
}

// logsNot checks that there is no such line, after one that is there.
func (s *site) logsNot(expression, after string) {
	s.t.Helper()
	s.logs(after)
	time.Sleep(200 * time.Millisecond) // lines of other processors
	e := regexp.MustCompile(expression)
	for _, line := range s.lines() {
		if e.MatchString(line) {
			s.t.Errorf("the access log has %s", line)
		}
	}
}

// The default line is that of ingress-nginx.
func TestLogDefaultLine(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "")
		s.wants(s.do(request{url: "http://app.example/a?b=\"", fields: "User-Agent: a\"b\\\xff\nReferer: http://x/\nX-Request-ID: id1\n"}), 200)
		line := s.logs("id1$")
		want := `^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /a\?b=(\\x22|%22) HTTP/1\.1" 200 \d+ "http://x/" "a\\x22b\\x5C\\xFF" ` +
			`\d+ \d+\.\d{3} \[default-app-80\] \[\] 127\.0\.0\.1:\d+ \d+ \d+\.\d{3} 200 id1$`
		if !regexp.MustCompile(want).MatchString(line) {
			t.Errorf("the line is\n%s, want\n%s", line, want)
		}
	})
}

// A JSON format makes JSON, whatever a client sends.
func TestLogJSON(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, `log-format-escape-json: true
			log-format-upstream: {"time": "$time_iso8601", "remote_addr": "$remote_addr", "x_forwarded_for": "$http_x_forwarded_for", "request_id": "$req_id", "user": "$remote_user", "bytes_sent": $bytes_sent, "request_time": $request_time, "status": $status, "vhost": "$host", "path": "$uri", "query": "$args", "agent": "$http_user_agent", "cache": "$upstream_cache_status", "connection": "$connection", "requests": "$connection_requests", "done": "$request_completion"}`)
		for _, agent := range []string{"curl", "a\"b\\c", "\xff\xfe\xed\xa0\x80", "tab\there", "</script>\u2028é", `{"a":1}`, strings.Repeat("\"", 9000)} {
			s.wants(s.raw("GET /a%20b?c=\"d\\ HTTP/1.1\r\nHost: app.example\r\nX-Request-ID: id7\r\nUser-Agent: "+agent+"\r\nConnection: close\r\n\r\n"), 200)
		}
		s.wants(s.raw("nonsense\r\n\r\n"), 400)
		s.logs(`"status": 400`)
		s.logs(`(\\"){20}`)
		time.Sleep(200 * time.Millisecond)
		for _, line := range s.lines() {
			var got map[string]any
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Errorf("%v: %q", err, line)
				continue
			}
			if got["status"] == 200.0 && (got["vhost"] != "app.example" || got["request_id"] != "id7" || got["query"] != `c="d\` || got["cache"] != "" || got["done"] != "OK" || got["requests"] != "1") {
				t.Errorf("the line has %v", got)
			}
		}
	})
}

// A variable that does not exist is told, and absent; a format that is none leaves the
// default.
func TestLogFormatProblems(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "log-format-upstream: $status [$geoip2_city] $request_uri")
		s.get("http://app.example/a")
		s.logs(`^200 \[-\] /a$`)
		if text := s.Log(); !strings.Contains(text, "geoip2_city is not known") {
			t.Errorf("the log does not tell of $geoip2_city:\n%s", text)
		}
		s = configured(t, profile, "log-format-upstream: costs $ 5")
		s.get("http://app.example/a")
		s.logs(`^127.0.0.1 - - \[`)
	})
}

// log-format-escape-none writes what came, on one line.
func TestLogNotEscaped(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "log-format-escape-none: true\nlog-format-upstream: $http_user_agent|$remote_user|$status")
		s.wants(s.do(request{url: "http://app.example/", fields: "User-Agent: a\"b\xe9\nAuthorization: Basic YQpiOnBhc3M=\n"}), 200)
		s.logs(`^a"b.\|a b\|200$`)
	})
}

// What the ConfigMap skips is not logged, and what an Ingress keeps out neither.
func TestLogSkips(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			configMap("skip-access-log-urls: /healthz, ~^/static/")+
				ingress("app", "app.example", "", "/ prefix app")+
				ingress("quiet", "quiet.example", "enable-access-log: false", "/ prefix app"),
			withConfigMap)
		for _, url := range []string{"http://app.example/healthz", "http://app.example/static/a", "http://quiet.example/silence"} {
			s.wants(s.get(url), 200)
		}
		s.wants(s.get("http://app.example/healthz?loud"), 200)
		s.logsNot(`"GET (/healthz|/static/a|/silence) `, `"GET /healthz\?loud `)
	})
}

// disable-access-log logs nothing, and a change of it holds at once.
func TestLogIsTurnedOffAndOn(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := configured(t, profile, "disable-access-log: true")
		s.wants(s.get("http://app.example/one"), 200)
		s.write("manifests.yaml", configMap("")+ingress("app", "app.example", "", "/ prefix app"))
		s.eventually("a line of the access log", func() bool {
			s.wants(s.get("http://app.example/two"), 200)
			return s.lines()[0] != ""
		})
		s.logsNot("GET /one ", "GET /two ")
	})
}

// Hosts that nobody serves are logged by default in the profile kubernetes, and not in
// that of ingress-nginx; malformed requests always are.
func TestLogOfUnknownHosts(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		for _, c := range []struct {
			keys string
			want bool
		}{
			{"", profile == kubernetes},
			{"enable-access-log-for-default-backend: true", true},
			{"enable-access-log-for-default-backend: false", false},
		} {
			s := configured(t, profile, c.keys)
			s.wants(s.get("http://other.example/who"), 404)
			s.wants(s.raw("GET / HTTP/1.1\r\n\r\n"), 400)
			s.wants(s.get("http://app.example/last"), 200)
			if c.want {
				s.logs(`"GET /who HTTP/1.1" 404 `)
			} else {
				s.logsNot("GET /who ", "GET /last ")
			}
			s.logs(`" 400 `)
		}
	})
}
