package dropin

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// usersSecret has the password s3cret in the forms of htpasswd, in the Secret "users".
const usersSecret = `---
apiVersion: v1
kind: Secret
metadata: {name: users}
stringData:
  auth: |
    jane:$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG
    apr1:$apr1$abcdefgh$M2T3erDstkD7SsE2QQnfH0
    md5:$1$abcdefgh$7.vq19w/w3Vm.hk1FOA7Q/
    sha512:$6$rounds=2000$abcdefgh$ghK/ALAXVo9LRuVBRAI8.KytYl8VcGugNJnwaeO65cqOSO26tv7c7bpzUGR3xzOYWyJOGgg/MH0oBp8xqUBZJ1
    sha:{SHA}/vNB+F2HQ559kaLUZbmHHvZrXpg=
    ssha:{SSHA}JVrhyTqab1YvH3vR2b1RYUumqqZzYWx0
`

func login(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password)) + "\n"
}

func TestBasicAuthentication(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil}, usersSecret+
			ingress("file", "file.example", "auth-type: basic\nauth-secret: users\nauth-realm: The \"shop\"", "/ prefix app")+
			ingress("map", "map.example", "auth-type: basic\nauth-secret: default/team\nauth-secret-type: auth-map", "/ prefix app")+`---
apiVersion: v1
kind: Secret
metadata: {name: team}
stringData: {john: "{SHA}/vNB+F2HQ559kaLUZbmHHvZrXpg="}
`)
		for _, name := range []string{"jane", "apr1", "md5", "sha512", "sha", "ssha"} {
			for range 2 {
				a := s.do(request{url: "http://file.example/", fields: login(name, "s3cret")})
				s.wants(a, 200)
				if a.echo.Fields.Get("Authorization") != "" { // H8
					t.Errorf("%s: the backend got the credentials", name)
				}
			}
			s.wants(s.do(request{url: "http://file.example/", fields: login(name, "other")}), 401, `WWW-Authenticate: Basic realm="The \"shop\""`)
		}
		s.wants(s.get("http://file.example/"), 401, `WWW-Authenticate: Basic realm="The \"shop\""`)
		s.wants(s.do(request{url: "http://file.example/", fields: login("nobody", "s3cret")}), 401)
		s.wants(s.do(request{url: "http://file.example/", fields: login("john", "s3cret")}), 401)
		s.wants(s.do(request{url: "http://map.example/", fields: login("john", "s3cret")}), 200)
		s.wants(s.get("http://map.example/"), 401, `WWW-Authenticate: Basic realm=""`)
		if text := s.configuration(); strings.Contains(text, "M2T3er") {
			t.Errorf("/configuration shows hashes:\n%s", text)
		}
		s.logs(` - jane \[`)

		// A changed Secret counts at once, and no longer the old one.
		s.write("manifests-2.yaml", strings.NewReplacer("metadata: {name: users}", "metadata: {name: other}").Replace(usersSecret)+
			ingress("later", "later.example", "auth-type: basic\nauth-secret: later", "/ prefix app"))
		s.soon(request{url: "http://later.example/"}, 503)
		s.write("later.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: later}\nstringData: {auth: \"a:{PLAIN}one\"}\n")
		s.soon(request{url: "http://later.example/", fields: login("a", "one")}, 200)
		s.write("later.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: later}\nstringData: {auth: \"a:{PLAIN}two\"}\n")
		s.soon(request{url: "http://later.example/", fields: login("a", "one")}, 401)
		s.wants(s.do(request{url: "http://later.example/", fields: login("a", "two")}), 200)
	})
}

// TestR7WhatCannotBeHadIsClosed: authentication, lists and limits that cannot be read
// leave nothing open.
func TestR7WhatCannotBeHadIsClosed(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		wrong := []string{
			"auth-type: basic\nauth-secret: gone", "auth-type: basic\nauth-secret: empty", "auth-type: basic\nauth-secret: other/users",
			"auth-type: basic", "auth-type: digest\nauth-secret: users", "auth-type: ntlm\nauth-secret: users",
			"auth-type: basic\nauth-secret: users\nauth-secret-type: auth-list",
			"whitelist-source-range: everywhere", "denylist-source-range: 10.0.0.0/33", "limit-rps: many", "limit-connections: -1",
		}
		manifests := usersSecret + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: empty}\n"
		for i, annotations := range wrong {
			manifests += ingress(fmt.Sprintf("i%d", i), fmt.Sprintf("i%d.example", i), annotations, "/ prefix app")
		}
		s := serve(t, profile, map[string]http.Handler{"app": nil}, manifests)
		for i, annotations := range wrong {
			a := s.do(request{url: fmt.Sprintf("http://i%d.example/", i), fields: login("jane", "s3cret")})
			if a.status != 503 {
				t.Errorf("%q: %d, want 503", annotations, a.status)
			}
		}
	})
}

// TestSatisfy asks from 127.0.0.1, which one list has and the other has not.
func TestSatisfy(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		const auth = "auth-type: basic\nauth-secret: users\n"
		cases := []struct {
			name, annotations string
			none, wrong, good int
		}{
			{"allowed", "allowlist-source-range: 127.0.0.0/8", 200, 200, 200},
			{"other", "whitelist-source-range: 10.0.0.0/8", 403, 403, 403},
			{"everyone", "whitelist-source-range: 0.0.0.0/0,::/0", 200, 200, 200},
			{"denied", "denylist-source-range: 127.0.0.1\nallowlist-source-range: 127.0.0.0/8", 403, 403, 403},
			{"auth", auth, 401, 401, 200},
			{"both-allowed", auth + "allowlist-source-range: 127.0.0.0/8", 401, 401, 200},
			{"both-other", auth + "allowlist-source-range: 10.0.0.0/8\nsatisfy: all", 403, 403, 403},
			{"any-allowed", auth + "allowlist-source-range: 127.0.0.0/8\nsatisfy: any", 200, 200, 200},
			{"any-other", auth + "allowlist-source-range: 10.0.0.0/8\nsatisfy: any", 401, 401, 200},
			{"unknown-other", auth + "allowlist-source-range: 10.0.0.0/8\nsatisfy: some", 403, 403, 403},
			{"any-denied", auth + "denylist-source-range: 127.0.0.1\nsatisfy: any", 401, 401, 200},
		}
		manifests := usersSecret
		for _, c := range cases {
			manifests += ingress(c.name, c.name+".example", c.annotations, "/ prefix app")
		}
		s := serve(t, profile, map[string]http.Handler{"app": nil}, manifests)
		for _, c := range cases {
			url := "http://" + c.name + ".example/"
			none, wrong := s.get(url).status, s.do(request{url: url, fields: login("jane", "x")}).status
			good := s.do(request{url: url, fields: login("jane", "s3cret")})
			if none != c.none || wrong != c.wrong || good.status != c.good {
				t.Errorf("%s: %d without, %d with wrong and %d with good credentials, want %d, %d, %d", c.name, none, wrong, good.status, c.none, c.wrong, c.good)
			}
			if got := good.echo.Fields.Get("Authorization"); strings.Contains(c.annotations, auth) && got != "" {
				t.Errorf("%s: the backend got %q", c.name, got)
			}
		}
	})
}

// TestT2ChallengesAreExempt: nobody is asked for a password where certificates are
// proved, by the path of the rule.
func TestT2ChallengesAreExempt(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil}, usersSecret+
			ingress("app", "app.example", "auth-type: basic\nauth-secret: users", "/ prefix app")+
			ingress("solver", "solver.example", "auth-type: basic\nauth-secret: users", "/ prefix app\n/.well-known/acme-challenge/token exact app"))
		s.wants(s.get("http://app.example/.well-known/acme-challenge/token"), 401)
		s.wants(s.get("http://solver.example/"), 401)
		want := 200
		if profile == kubernetes {
			want = 401 // there nothing is exempt that nobody has asked for
		}
		s.wants(s.get("http://solver.example/.well-known/acme-challenge/token"), want)
	})
}

// TestU13Limits: a burst of five times the rate, and then the rate; per Ingress, and
// in order with the others.
func TestU13Limits(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		started, finish := make(chan bool), make(chan bool)
		slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { started <- true; <-finish })
		s := serve(t, profile, map[string]http.Handler{"app": nil, "slow": slow},
			ingress("rpm", "rpm.example", "limit-rpm: 2\nlimit-burst-multiplier: 3", "/ prefix app\n/b prefix app")+
				ingress("rps", "rps.example", "limit-rps: 1", "/ prefix app")+
				ingress("other", "other.example", "limit-rps: 1", "/ prefix app")+
				ingress("exempt", "exempt.example", "limit-rps: 1\nlimit-whitelist: 127.0.0.0/8", "/ prefix app")+
				ingress("order", "order.example", "limit-rpm: 1\nlimit-burst-multiplier: 1\nallowlist-source-range: 10.0.0.0/8", "/ prefix app")+
				ingress("conn", "conn.example", "limit-connections: 1", "/ prefix slow\n/app prefix app"))
		for i := range 7 { // one, and three times two
			s.wants(s.get([]string{"http://rpm.example/", "http://rpm.example/b"}[i%2]), 200)
		}
		s.wants(s.get("http://rpm.example/"), 503)
		refused := 0
		for range 40 {
			if s.get("http://rps.example/").status == 503 {
				refused++
			}
			s.wants(s.get("http://exempt.example/"), 200)
		}
		if refused < 10 {
			t.Errorf("%d of 40 requests refused by a limit of one a second", refused)
		}
		s.wants(s.get("http://other.example/"), 200)
		s.soon(request{url: "http://rps.example/"}, 200)
		for _, want := range []int{403, 403, 503} { // limits come before lists, and count what those refuse
			s.wants(s.get("http://order.example/"), want)
		}

		done := make(chan answer)
		go func() { a, _ := s.try(request{url: "http://conn.example/"}); done <- a }()
		<-started
		s.wants(s.get("http://conn.example/app"), 503)
		finish <- true
		s.wants(<-done, 200)
		s.wants(s.get("http://conn.example/app"), 200)

		// A change of something else forgets nothing.
		s.write("more.yaml", ingress("more", "more.example", "", "/ prefix app"))
		s.soon(request{url: "http://more.example/"}, 200)
		s.wants(s.get("http://rpm.example/"), 503)
	})
}

// TestConfigMapLists: what the ConfigMap allows holds where an Ingress says nothing,
// and what it blocks is blocked everywhere.
func TestConfigMapLists(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil}, `---
apiVersion: v1
kind: ConfigMap
metadata: {name: controller, namespace: system}
data:
  whitelist-source-range: "10.0.0.0/8"
  block-user-agents: "~*badbot,Exactly This"
  block-referers: "~spam"
  limit-req-status-code: "429"
`+ingress("none", "none.example", "", "/ prefix app")+
			ingress("own", "own.example", "whitelist-source-range: 127.0.0.0/8\nlimit-rpm: 1\nlimit-burst-multiplier: 1", "/ prefix app"),
			"--configmap", "system/controller")
		s.wants(s.get("http://none.example/"), 403)
		s.wants(s.do(request{url: "http://own.example/", fields: "User-Agent: a BadBot/1.0"}), 403)
		s.wants(s.do(request{url: "http://own.example/", fields: "User-Agent: exactly this"}), 403)
		s.wants(s.do(request{url: "http://own.example/", fields: "Referer: http://spam.example/"}), 403)
		s.wants(s.get("http://own.example/"), 200) // what was blocked does not count
		s.wants(s.get("http://own.example/"), 200)
		s.wants(s.get("http://own.example/"), 429)
	})
}
