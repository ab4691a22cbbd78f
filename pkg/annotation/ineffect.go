package annotation

import (
	"maps"
	"slices"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Given is an annotation of an object as it was written.
type Given struct{ Name, Value string }

// InEffect lists the annotations of an Ingress whose values are taken, by name. On a
// canary they are those that count there. Those that do not parse, or that only part of
// can be used, are not among them; what other objects make of them is not looked at.
func (r Reader) InEffect(object model.ObjectRef, annotations map[string]string) []Given {
	var list []Given
	counts := func(a *Annotation) bool { return a.governs(Path | Upstream | Host) }
	if on, err := parseBool(r.Given(annotations, canary.Name), nginx); on && err == nil {
		counts = func(a *Annotation) bool { return a.governs(Path|Upstream|Host|Canary) && a.countsOnCanary() }
	}
	add := func(prefix string, values, stronger map[string]string, d dialect) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			setting := byName[name]
			_, hidden := stronger[name]
			if hidden || setting == nil || d == nginx && nginxByName[name] == nil || !counts(setting) {
				continue
			}
			full := prefix + "/" + name
			scratch, at := Defaults(model.ProfileNginx), place{d, Source{What: full, Object: object}, r.checks}
			if err := setting.apply(&scratch, values[name], at); err == nil {
				list = append(list, Given{full, annotations[full]})
			}
		}
	}
	own := named(annotations, Prefix)
	if r.nginxPrefix != Prefix {
		add(r.nginxPrefix, named(annotations, r.nginxPrefix), own, nginx)
	}
	add(Prefix, own, nil, ours)
	return list
}

// Snippets lists the annotations of an Ingress that hold raw nginx configuration, by
// name.
func (r Reader) Snippets(annotations map[string]string) []Given {
	var list []Given
	for _, name := range []string{"auth-snippet", "configuration-snippet", "modsecurity-snippet", "server-snippet", "stream-snippet"} {
		full := r.nginxPrefix + "/" + name
		if value := annotations[full]; value != "" {
			list = append(list, Given{full, value})
		}
	}
	return list
}

// Given returns what an Ingress has for an annotation of ours, or of ingress-nginx
// where ours is missing.
func (r Reader) Given(annotations map[string]string, name string) string {
	if value, ok := annotations[Prefix+"/"+name]; ok {
		return value
	}
	return annotations[r.nginxPrefix+"/"+name]
}
