package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// annotationsPage is the reference of annotations and keys of the ConfigMap.
func annotationsPage() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Annotations

Each name below is an annotation with the prefix %[1]s, and a key of the ConfigMap
([`+"`--configmap`"+`](flags.md), [the keys](configmap.md)) without a prefix. Those that ingress-nginx has as an
annotation are read under %[2]s (or `+"`--annotations-prefix`"+`) too, and the last column says how
common they are there; with both present, %[1]s wins.

A default stands for the value that asks for what happens anyway; a second one is that of the profile
%[4]s ([`+"`--compatibility`"+`](flags.md)), which is the profile of the class of ingress-nginx. Without one, the
meaning says what happens.

From weakest to strongest: built-in defaults, flags, ConfigMap, ListenerConfig, annotations of the IngressClass,
annotations of the Ingress. What chose an allocation mode stands beside it in `+"`/configuration`, `shockwave check -o model`"+`
and `+"`shockwave explain`"+`. A value that does not parse changes nothing and is a problem; where it may have meant a protection
(%[3]s), the paths answer 503 as well. Durations are numbers of seconds and,
but for %[2]s, Go durations such as 1m30s. Sizes are bytes, or 8k, 1m, 2g.

`, code(annotation.Prefix+"/"), code(annotation.DefaultNginxPrefix+"/"), codes(protecting()), code(string(model.ProfileNginx)))

	for _, group := range []struct {
		title, about string
		belongs      func(annotation.Scope) bool
	}{
		{"Routes", "On an Ingress, for its paths. On the IngressClass or in the ConfigMap, the default of all Ingresses.",
			func(s annotation.Scope) bool { return s&annotation.Path != 0 }},
		{"Connections to endpoints", "On an Ingress, for the Services it names. Two Ingresses that disagree on a Service have connections, balance and health of their own. On the IngressClass or in the ConfigMap, the default of all Ingresses; `proxy-ssl-secret` stands on an Ingress only.",
			func(s annotation.Scope) bool { return s == annotation.Upstream }},
		{"TLS of hosts", "On an Ingress, for its hosts, and so for the paths that other Ingresses have there; they are no keys of the ConfigMap. The oldest Ingress with an opinion decides.",
			func(s annotation.Scope) bool { return s&annotation.Host != 0 }},
		{"Canaries", "On an Ingress only.",
			func(s annotation.Scope) bool { return s&annotation.Canary != 0 }},
		{"Connections from clients", "On the IngressClass that `--ingress-class` names, or in the ConfigMap; on an Ingress they are a problem.",
			func(s annotation.Scope) bool { return s&annotation.Listener != 0 && s&annotation.Path == 0 }},
		{"All that is served", "In the ConfigMap only.",
			func(s annotation.Scope) bool { return s == annotation.Global }},
		{"TCP and UDP services", "In the ConfigMap only. `proxy-connect-timeout` is for them too.",
			func(s annotation.Scope) bool { return s == annotation.Stream }},
	} {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", group.title, group.about)
		var rows [][]string
		for _, a := range annotation.Table {
			if !group.belongs(a.Scope) {
				continue
			}
			rows = append(rows, []string{a.Name, meaning(a), defaultOf(a), code(a.Example), use(a)})
		}
		table(&b, []string{"name", "meaning", "default", "example", "in ingress-nginx"}, rows)
		b.WriteString("\n")
	}

	b.WriteString(`## Endpoints

An EndpointSlice with the annotation ` + "`shockwave.dev/weight`" + `, a number from 1 to 100, gives its endpoints this share beside others,
which have 1. Another value is ignored without a problem: most slices are written by controllers. With
` + "`--enable-topology-aware-routing`" + `, endpoints whose hints name the zone of the process go before others, as long as every
endpoint that is ready has hints.

`)
	u := annotation.ListUnsupported()
	b.WriteString(`## Annotations of ingress-nginx that are not implemented

Each is reported as a problem, unless its value asks for what happens anyway (such as "false" for a feature that is off).
`)
	for _, part := range []struct {
		about string
		names []string
	}{
		{"**They protect something**, so the paths of their Ingress answer 503 instead of being served without the protection:", u.Denied},
		{"**Of these, some protect whole hosts**: the paths that other Ingresses of the same namespace have for these hosts answer 503 too:", u.DeniedHosts},
		{"**They have no effect** besides the problem:", u.Ignored},
	} {
		if len(part.names) > 0 {
			fmt.Fprintf(&b, "\n%s\n\n%s.\n", part.about, codes(part.names))
		}
	}
	return b.String()
}

// meaning is what a setting does, and what is different where ingress-nginx is
// followed.
func meaning(a annotation.Annotation) string {
	if a.Differs == "" {
		return a.Help
	}
	return a.Help + " *ingress-nginx:* " + a.Differs
}

// defaultOf are the defaults of a setting.
func defaultOf(a annotation.Annotation) string {
	if a.NginxDefault == a.Default {
		return code(a.Default)
	}
	return code(cmp.Or(a.Default, "-")) + "; " + code(cmp.Or(a.NginxDefault, "-"))
}

// protecting are the settings whose values fail closed.
func protecting() []string {
	var names []string
	for _, a := range annotation.Table {
		if a.FailsClosed() {
			names = append(names, a.Name)
		}
	}
	return names
}
