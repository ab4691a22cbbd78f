package annotation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// A canary is an Ingress that gets a share of what another one is asked for. A value
// here that cannot be used costs the canary requests, never its primary.

var canary = define("canary", Canary,
	"\"true\" makes the Ingress a canary: it gets a share of the requests of the Ingress with the same host, path and pathType, as the other canary-* say. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.IsCanary = on }).protecting(diverts).
	example("true").defaults("false")

// mostWeight bounds weights and their total.
const mostWeight = 1_000_000

var canaryWeight = define("canary-weight", Canary,
	"Share of the requests that the canary gets, of canary-weight-total, where neither header nor cookie decides. 0 by default.",
	parseCountWithin(0, mostWeight),
	func(v *Values, n int) { v.Canary.Weight = n }).
	example("10").defaults("0")

var canaryWeightTotal = define("canary-weight-total", Canary,
	"What canary-weight is a share of. 100 by default; a smaller value has no effect.",
	parseWeightTotal,
	func(v *Values, n int) { v.Canary.Total = n }).
	example("1000").defaults("100")

// parseWeightTotal refuses what ingress-nginx passes over in silence (ingress-nginx:
// rootfs/etc/nginx/lua/balancer.lua).
func parseWeightTotal(text string, d dialect) (int, error) {
	n, err := parseCountWithin(0, mostWeight)(text, d)
	if err == nil && n < model.LeastCanaryTotal {
		err = fmt.Errorf("it is %d at least", model.LeastCanaryTotal)
	}
	return n, err
}

// longestRule bounds the texts that requests are compared with.
const longestRule = 512

var canaryByHeader = define("canary-by-header", Canary,
	"Name of a field of requests. With the value \"always\" the canary gets the request, with \"never\" it does not. Left out by default.",
	parseRuleName,
	func(v *Values, name string) { v.Canary.Header = name }).
	example("X-Canary")

// parseRuleName reads a token (RFC 9110, section 5.6.2), or nothing.
func parseRuleName(text string, _ dialect) (string, error) {
	if len(text) > longestAttribute || !consistsOf(text, tokenBytes) {
		return "", fmt.Errorf("want the name of a field, %d bytes at most", longestAttribute)
	}
	return text, nil
}

var canaryByHeaderValue = define("canary-by-header-value", Canary,
	"Value of canary-by-header for which the canary gets the request, in place of \"always\" and \"never\". Left out by default.",
	parseFieldValue,
	func(v *Values, value string) { v.Canary.Value = value }).
	example("insider")

func parseFieldValue(text string, _ dialect) (string, error) {
	if len(text) > longestRule || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "", fmt.Errorf("want %d bytes at most, without controls", longestRule)
	}
	return text, nil
}

var canaryByHeaderPattern = define("canary-by-header-pattern", Canary,
	"Regular expression (RE2) that canary-by-header is searched for, in place of \"always\" and \"never\". canary-by-header-value goes before it. Left out by default.",
	parsePattern,
	func(v *Values, pattern string) { v.Canary.Pattern = pattern }).
	example("^(ann|bob)$")

// matchesNothing takes the place of an expression that is not understood: without one,
// "always" and "never" would have a meaning that the author did not want.
const matchesNothing = `[^\x00-\x{10FFFF}]`

func parsePattern(text string, _ dialect) (string, error) {
	if len(text) > longestRule {
		return matchesNothing, partial{fmt.Errorf("want %d bytes at most: nothing matches it", longestRule)}
	}
	if _, err := pattern.Search(text); err != nil {
		return matchesNothing, partial{fmt.Errorf("%w: nothing matches it", err)}
	}
	return text, nil
}

var canaryByCookie = define("canary-by-cookie", Canary,
	"Name of a cookie. With the value \"always\" the canary gets the request, with \"never\" it does not. canary-by-header goes before it. Left out by default.",
	parseRuleName, // of the same form (RFC 6265, section 4.1.1)
	func(v *Values, name string) { v.Canary.Cookie = name }).
	example("canary")

var affinityCanaryBehavior = define("affinity-canary-behavior", Canary,
	"On a canary whose primary has affinity: sticky, the default, keeps clients at the side that they were served by; legacy decides for each request.",
	parseCanaryBehavior,
	func(v *Values, legacy bool) { v.Canary.Legacy = legacy }).
	example("legacy").defaults("sticky")

func parseCanaryBehavior(text string, _ dialect) (legacy bool, err error) {
	switch text {
	case "sticky", "":
		return false, nil
	case "legacy":
		return true, nil
	}
	return false, errors.New("want sticky or legacy")
}

// defaultCanary are the rules of a canary that says nothing.
func defaultCanary() model.CanaryRules {
	return model.CanaryRules{Total: model.LeastCanaryTotal}
}

// Unused is an annotation of a canary that has no effect.
type Unused struct {
	// Name is the annotation's, with its prefix.
	Name string
	// Protects tells that its author may rely on it.
	Protects bool
}

// Unused returns the annotations of a canary that do not count, as those of its primary
// do in their place. Where the two have the same value it is not listed: controllers
// that make canaries copy them.
func (r Reader) Unused(canary, primary map[string]string) []Unused {
	var list []Unused
	for _, full := range slices.Sorted(maps.Keys(canary)) {
		prefix, name, _ := strings.Cut(full, "/")
		row := byName[name]
		if prefix != Prefix && prefix != r.nginxPrefix || row == nil || row.countsOnCanary() {
			continue
		}
		if value, ok := primary[full]; ok && value == canary[full] {
			continue
		}
		list = append(list, Unused{full, row.effect != plain})
	}
	return list
}

// countsOnCanary tells whether a has an effect on a canary: what is about its endpoints
// and the connections there. Clients are kept by the primary's cookie.
func (a *Annotation) countsOnCanary() bool {
	switch {
	case a.Scope&Canary != 0:
		return true
	case strings.HasPrefix(a.Name, "session-cookie-"), strings.HasPrefix(a.Name, "affinity"):
		return false
	}
	return a.Scope&Upstream != 0
}
