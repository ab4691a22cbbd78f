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
		object: object, noun: "key ", allowed: Path | Upstream | Listener | Stream, values: v, checks: r.checks,
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		value := strings.TrimSpace(data[key])
		usual, known := configKeys[key]
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
	return in.result.Denied, in.result.Problems
}

func (in *reading) unknownKey(key string) {
	hint := ""
	if near := suggest(key, configNames); near != "" && len(in.result.Problems) < mostProblems {
		hint = ": did you mean " + near + "?"
	}
	in.problem(model.ReasonUnknownSetting, "%s is not a key of this ConfigMap%s", model.Excerpt(key), hint)
}

// configNames are the keys that a misspelling may mean.
var configNames = func() []string {
	names := slices.Sorted(maps.Keys(configKeys))
	for _, a := range Table {
		names = append(names, a.Name)
	}
	return names
}()
