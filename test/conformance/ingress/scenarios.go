package ingress

import (
	"fmt"
	"strings"
)

// rule is one line of an Ingress: host, path type, path and the Service.
type rule struct{ host, kind, path, service string }

// ingressOf writes an Ingress with these rules, each in an entry of its own.
func ingressOf(name string, rules ...rule) string {
	return ingressWith(name, "ingressClassName: shockwave", rules...)
}

func ingressWith(name, spec string, rules ...rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s, namespace: default}\nspec:\n  %s\n", name, spec)
	if len(rules) > 0 {
		b.WriteString("  rules:\n")
	}
	for _, r := range rules {
		b.WriteString("  - ")
		if r.host != "" {
			fmt.Fprintf(&b, "host: %q\n    ", r.host)
		}
		fmt.Fprintf(&b, "http: {paths: [{path: %s, pathType: %s, backend: {service: {name: %s, port: {name: http}}}}]}\n", r.path, r.kind, r.service)
	}
	return b.String()
}

func services(names ...string) map[string]int {
	m := make(map[string]int)
	for _, n := range names {
		m[n] = 1
	}
	return m
}

const catchAll = "ingressClassName: shockwave\n  defaultBackend: {service: {name: all, port: {number: 8080}}}"

// Scenarios are all scenarios, those of the conformance suite first.
var Scenarios = []Scenario{
	{
		Feature: "default_backend", Name: "an Ingress with only a default backend serves everything",
		Objects: ingressWith("all", catchAll), Services: services("all"),
		Requests: []Request{
			{Host: "my-host", Path: "/", Service: "all"},
			{Host: "my-host", Path: "/sub-path", Service: "all"},
			{Method: "POST", Host: "some-host", Path: "/", Service: "all"},
			{Method: "PUT", Path: "/resource", Service: "all"},
			{Method: "DELETE", Host: "some-host", Path: "/resource", Service: "all"},
			{Method: "PATCH", Host: "my-host", Path: "/resource", Service: "all"},
		},
	},
	{
		Feature: "host_rules", Name: "exact and wildcard hosts, with TLS",
		Objects: ingressWith("hosts", "ingressClassName: shockwave\n  tls: [{hosts: [foo.bar.com], secretName: foo-tls}]",
			rule{"*.foo.com", "Prefix", "/", "wildcard"}, rule{"foo.bar.com", "Prefix", "/", "exact"}),
		Services: services("wildcard", "exact"), Secrets: map[string]string{"foo-tls": "foo.bar.com"},
		Requests: []Request{
			{Scheme: "https", Host: "foo.bar.com", Path: "/", Service: "exact", ValidCertificate: true},
			{Host: "foo.bar.com", Path: "/", Service: "exact"},
			{Host: "subdomain.bar.com", Path: "/", Status: 404},
			{Host: "bar.foo.com", Path: "/", Service: "wildcard"},
			{Host: "baz.bar.foo.com", Path: "/", Status: 404},
			{Host: "foo.com", Path: "/", Status: 404},
		},
	},
	{
		Feature: "ingress_class", Name: "an Ingress of a class that does not exist is left alone",
		Objects:  ingressWith("other", "ingressClassName: some-invalid-class-name", rule{"other.example", "Prefix", "/", "app"}) + ingressOf("ours", rule{"ours.example", "Prefix", "/", "app"}),
		Services: services("app"), NoStatus: "other",
		Requests: []Request{
			{Host: "ours.example", Path: "/", Service: "app"},
			{Host: "other.example", Path: "/", Status: 404},
		},
	},
	{
		Feature: "load_balancing", Name: "ten pods share a hundred requests",
		Objects: ingressOf("many", rule{"load.example", "Prefix", "/", "many"}), Services: map[string]int{"many": 10},
		Requests: []Request{{Host: "load.example", Path: "/", Service: "many", Times: 100, Pods: 10}},
	},
	{
		Feature: "path_rules", Name: "Exact /foo",
		Objects: ingressOf("exact", rule{"exact.example", "Exact", "/foo", "app"}), Services: services("app"),
		Requests: []Request{
			{Host: "exact.example", Path: "/foo", Service: "app"},
			{Host: "exact.example", Path: "/foo/", Status: 404},
			{Host: "exact.example", Path: "/FOO", Status: 404},
			{Host: "exact.example", Path: "/bar", Status: 404},
		},
	},
	{
		Feature: "path_rules", Name: "Prefix /foo, /aaa/bbb and /aaa",
		Objects:  ingressOf("prefix", rule{"prefix.example", "Prefix", "/foo", "foo"}, rule{"prefix.example", "Prefix", "/aaa/bbb", "aaa-bbb"}, rule{"prefix.example", "Prefix", "/aaa", "aaa"}),
		Services: services("foo", "aaa-bbb", "aaa"),
		Requests: []Request{
			{Host: "prefix.example", Path: "/foo", Service: "foo"},
			{Host: "prefix.example", Path: "/foo/", Service: "foo"},
			{Host: "prefix.example", Path: "/FOO", Status: 404},
			{Host: "prefix.example", Path: "/aaa/bbb", Service: "aaa-bbb"},
			{Host: "prefix.example", Path: "/aaa/bbb/ccc", Service: "aaa-bbb"},
			{Host: "prefix.example", Path: "/aaa/ccc", Service: "aaa"},
			{Host: "prefix.example", Path: "/aaaccc", Status: 404},
		},
	},
	{
		Feature: "path_rules", Name: "Exact beats Prefix",
		Objects:  ingressOf("mixed", rule{"mixed.example", "Prefix", "/foo", "prefix"}, rule{"mixed.example", "Exact", "/foo", "exact"}),
		Services: services("prefix", "exact"),
		Requests: []Request{
			{Host: "mixed.example", Path: "/foo", Service: "exact"},
			{Host: "mixed.example", Path: "/foo/bar", Service: "prefix"},
		},
	},
	{
		Feature: "path_rules", Name: "a trailing slash in a rule",
		Objects:  ingressOf("slash", rule{"slash.example", "Prefix", "/aaa/bbb/", "aaa-bbb"}, rule{"slash.example", "Exact", "/foo/", "foo"}),
		Services: services("aaa-bbb", "foo"),
		Requests: []Request{
			{Host: "slash.example", Path: "/aaa/bbb", Service: "aaa-bbb"},
			{Host: "slash.example", Path: "/aaa/bbb/", Service: "aaa-bbb"},
			{Host: "slash.example", Path: "/foo/", Service: "foo"},
			{Host: "slash.example", Path: "/foo", Status: 404},
		},
	},
	{
		Feature: "specification", Name: "the longest prefix wins and ImplementationSpecific is Prefix",
		Objects:  ingressOf("longest", rule{"long.example", "Prefix", "/", "root"}, rule{"long.example", "ImplementationSpecific", "/a", "a"}, rule{"long.example", "Prefix", "/a/b", "ab"}),
		Services: services("root", "a", "ab"),
		Requests: []Request{
			{Host: "long.example", Path: "/", Service: "root"},
			{Host: "long.example", Path: "/ab", Service: "root"},
			{Host: "long.example", Path: "/a", Service: "a"},
			{Host: "long.example", Path: "/a/bc", Service: "a"},
			{Host: "long.example", Path: "/a/b/c?x=1", Service: "ab"},
		},
	},
	{
		Feature: "specification", Name: "an exact host beats a wildcard, and hosts are compared without case",
		Objects:  ingressOf("both", rule{"*.both.example", "Prefix", "/", "wildcard"}, rule{"exact.both.example", "Prefix", "/only", "exact"}),
		Services: services("wildcard", "exact"),
		Requests: []Request{
			{Host: "exact.both.example", Path: "/only", Service: "exact"},
			{Host: "exact.both.example", Path: "/other", Status: 404},
			{Host: "ANY.both.EXAMPLE", Path: "/", Service: "wildcard"},
		},
	},
	{
		Feature: "specification", Name: "a default backend with rules serves the other paths of their hosts",
		Objects: ingressWith("fallback", catchAll, rule{"fall.example", "Prefix", "/app", "app"}), Services: services("app", "all"),
		Requests: []Request{
			{Host: "fall.example", Path: "/app", Service: "app"},
			{Host: "fall.example", Path: "/elsewhere", Service: "all"},
		},
	},
	{
		Feature: "specification", Name: "503 without endpoints and without Service, 404 without route",
		Objects:  ingressOf("broken", rule{"broken.example", "Prefix", "/empty", "empty"}, rule{"broken.example", "Prefix", "/missing", "missing"}, rule{"broken.example", "Prefix", "/ok", "app"}),
		Services: map[string]int{"app": 1, "empty": 0},
		Requests: []Request{
			{Host: "broken.example", Path: "/ok", Service: "app"},
			{Host: "broken.example", Path: "/empty", Status: 503},
			{Host: "broken.example", Path: "/missing", Status: 503},
			{Host: "broken.example", Path: "/else", Status: 404},
		},
	},
}
