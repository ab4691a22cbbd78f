package main

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
)

// configMapPage is the reference of the keys of the controller's ConfigMap.
func configMapPage() string {
	keys := annotation.ListConfigKeys()
	var b strings.Builder
	fmt.Fprintf(&b, `# Keys of the ConfigMap

The ConfigMap that %[1]s names ([flags](flags.md)) sets what holds where no ListenerConfig, IngressClass or Ingress says otherwise.
Its keys are those of ingress-nginx's ConfigMap, and names of [annotations](annotations.md) without a prefix. Durations are
numbers of seconds or Go durations such as 1m30s. A value that does not parse changes nothing and is a problem, as is a key
that nobody knows. A second default is that of the profile ingress-nginx.

## Keys with an effect

`, code("--configmap"))
	var rows [][]string
	for _, a := range keys.Read {
		where := ""
		if a.Scope&(annotation.Path|annotation.Upstream) != 0 {
			where = "Ingress, IngressClass"
		} else if a.Scope&annotation.Listener != 0 {
			where = "IngressClass"
		}
		rows = append(rows, []string{a.Name, meaning(a), defaultOf(a), code(a.Example), where})
	}
	table(&b, []string{"key", "meaning", "default", "example", "an annotation of"}, rows)

	b.WriteString("\n## Keys that are not implemented\n\nEach is a problem, unless it has the value that asks for what happens anyway.\n\n")
	if len(keys.Denied) > 0 {
		b.WriteString("**They protect every path**, so all paths answer 503 instead of being served without the protection:\n\n")
		unread(&b, keys.Denied)
		b.WriteString("\n")
	}
	if len(keys.Ignored) > 0 {
		b.WriteString("**They have no effect** besides the problem:\n\n")
		unread(&b, keys.Ignored)
	}
	fmt.Fprintf(&b, `
## Keys without meaning here

They tune processes, tables and files of nginx, and are accepted without a word:

%s.
`, codes(keys.Meaningless))
	return b.String()
}

// unread writes keys that are not implemented.
func unread(b *strings.Builder, keys []annotation.ConfigKey) {
	var rows [][]string
	for _, key := range keys {
		rows = append(rows, []string{key.Name, code(key.Usual), key.Advice})
	}
	table(b, []string{"key", "no problem with", "instead"}, rows)
}
