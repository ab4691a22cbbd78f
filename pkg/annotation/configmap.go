package annotation

import (
	"maps"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// ConfigMap sets in v what the keys of the controller's ConfigMap set. The keys
// are the names of Table and those of ingress-nginx's ConfigMap; durations may
// be bare seconds or Go's. denied is why all routes answer 503: a key that
// protects them cannot be honoured. It is empty when none is.
func (r Reader) ConfigMap(object model.ObjectRef, data map[string]string, v *Values) (denied string, problems []model.Problem) {
	in := reading{
		object: object, noun: "key ", allowed: Path | Upstream | Listener | Stream | Global, values: v, checks: r.checks,
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		value := strings.TrimSpace(data[key])
		usual, known := configKeys[key]
		if slices.Contains(usualToo[key], value) {
			continue
		}
		if newer, older := hiddenBy(data, key); older {
			in.older(key, newer)
			continue
		}
		switch {
		case byName[key] != nil && !byName[key].governs(in.allowed):
			in.problem(model.ReasonUnknownSetting, "%s is an annotation of Ingresses, not a key of this ConfigMap", key)
		case byName[key] != nil:
			in.set(byName[key], model.Excerpt(key), value, ours)
		case known && usual != meaningless && !strings.EqualFold(value, usual) && protectingKeys[key]:
			in.deny(protects, key+" is not supported")
			in.problem(model.ReasonDenied, "%s protects every path and is not supported: all paths answer 503", key)
		case known && usual != meaningless && !strings.EqualFold(value, usual):
			in.problem(model.ReasonUnsupportedSetting, "%s is not supported and has no effect%s", key, configAdvice[key])
		case !known:
			in.unknownKey(key)
		}
	}
	if f := &v.Listener.Forwarded; f.Full && !f.Fields {
		in.problem(model.ReasonNoEffect, "compute-full-forwarded-for: no effect without use-forwarded-headers")
	}
	return in.result.Denied, in.result.Problems
}

func (in *reading) unknownKey(key string) {
	hint := ""
	if near := suggest(key, configNames); near != "" && len(in.result.Problems) < mostProblems {
		hint = ": did you mean " + near + "?"
	}
	in.problem(model.ReasonUnknownSetting, "%s is not a key of this ConfigMap%s", model.Excerpt(key), hint)
}

// ConfigKeys are the keys of the controller's ConfigMap, each list in the order of
// the reference page.
type ConfigKeys struct {
	// Read are those with an effect.
	Read []Annotation
	// Denied make every path answer 503, and Ignored are Problems, unless they
	// have their usual value. Meaningless ones are accepted without a word.
	Denied, Ignored []ConfigKey
	Meaningless     []string
}

// ConfigKey is a key that is not implemented.
type ConfigKey struct {
	Name string
	// Usual is the value that asks for what happens anyway. Empty for none.
	Usual string
	// Advice says what to do instead. It may be empty.
	Advice string
}

// ListConfigKeys lists the keys of the controller's ConfigMap.
func ListConfigKeys() ConfigKeys {
	var list ConfigKeys
	for _, a := range Table {
		if a.governs(Path | Upstream | Listener | Stream | Global) {
			list.Read = append(list.Read, a)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(configKeys)) {
		key := ConfigKey{name, configKeys[name], strings.TrimPrefix(configAdvice[name], ": ")}
		switch {
		case key.Usual == meaningless:
			list.Meaningless = append(list.Meaningless, name)
		case protectingKeys[name]:
			list.Denied = append(list.Denied, key)
		default:
			list.Ignored = append(list.Ignored, key)
		}
	}
	return list
}

// configNames are the keys that a misspelling may mean.
var configNames = func() []string {
	names := slices.Sorted(maps.Keys(configKeys))
	for _, a := range Table {
		names = append(names, a.Name)
	}
	return names
}()
