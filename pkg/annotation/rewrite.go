package annotation

import (
	"errors"
	"fmt"
	"strings"
)

var useRegex = define("use-regex", Path,
	"\"true\" makes the paths of type ImplementationSpecific of the Ingress regular expressions, which are matched in any case, from the path's first byte on and not to its end. An expression that cannot be matched in bounded time, such as one with look-around, is a problem, and what it may stand for answers 503. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.UseRegex = on }).
	example("true").defaults("false").
	differs("As in ingress-nginx, all paths of a host are such expressions, those of other Ingresses and types too, as soon as one path there has use-regex or a rewrite-target other than itself.")

var rewriteTarget = defineAt("rewrite-target", Path,
	"Path that is asked for of the endpoint, in which $1 to $9 are what the groups of the rule's path have matched, and which may have variables. The query stays. A URL with http:// or https:// is answered as a redirect, 302. By default the path stays as it is.",
	parseRewriteTarget,
	func(v *Values, target string, _ place) { v.Filters.Rewrite.Target = target }).
	example("/$2").defaults("")

// Bounds of a rewrite-target, and of what else has a similar form.
const (
	longestRewrite = 1024
	mostReferences = 16 // each may add some kilobytes to a path
)

// parseRewriteTarget reads a target as ingress-nginx does, which accepts no question mark
// in it (ingress-nginx: internal/ingress/annotations/rewrite).
func parseRewriteTarget(text string, at place) (string, error) {
	if len(text) > longestRewrite {
		return "", fmt.Errorf("want %d bytes at most", longestRewrite)
	}
	if !consistsOf(text, letters+digits+"-._~/:$") {
		return "", errors.New("want a path or a URL of letters, digits and -._~/:, with $1 to $9 for what groups have matched")
	}
	if strings.Count(text, "$") > mostReferences {
		return "", fmt.Errorf("want %d groups and variables at most", mostReferences)
	}
	if text == "" {
		return "", nil
	}
	return text, at.checks.expression(withoutGroups(text))
}

// withoutGroups is a target with something literal in place of $1 to $9.
func withoutGroups(target string) string {
	var b strings.Builder
	for i := 0; i < len(target); i++ {
		if target[i] == '$' && i+1 < len(target) && '1' <= target[i+1] && target[i+1] <= '9' {
			b.WriteByte('/')
			i++
			continue
		}
		b.WriteByte(target[i])
	}
	return b.String()
}

var xForwardedPrefix = define("x-forwarded-prefix", Path,
	"Value of the field X-Forwarded-Prefix for endpoints. By default the field is what the client sent.",
	parseForwardedPrefix,
	func(v *Values, prefix string) { v.Filters.Rewrite.Prefix = prefix }).
	example("/shop").defaults("").
	differs("It is set where a rewrite-target has an effect, only.")

func parseForwardedPrefix(text string, _ dialect) (string, error) {
	if len(text) > longestRewrite || !consistsOf(text, letters+digits+"-._~/:") {
		return "", fmt.Errorf("want letters, digits and -._~/:, %d bytes at most", longestRewrite)
	}
	return text, nil
}

var upstreamVhost = defineAt("upstream-vhost", Path,
	"Host that is asked for of the endpoint, in place of the one that the client asked for, by default. It may have variables; a request for which they make no host is answered 400.",
	parseUpstreamVhost,
	func(v *Values, host string, _ place) { v.Filters.RequestFields.Host = host }).
	example("internal.example.com").defaults("")

func parseUpstreamVhost(text string, at place) (string, error) {
	if !isHostText(text) {
		return "", errNoHost
	}
	if text == "" {
		return "", nil
	}
	return text, at.checks.expression(text)
}

var errNoHost = fmt.Errorf("want a host, with or without a port, %d bytes at most", longestExpression)

// isHostText tells whether text can be a host, with or without variables.
func isHostText(text string) bool {
	return len(text) <= longestExpression && consistsOf(text, letters+digits+"-._:[]${}") &&
		(!strings.ContainsAny(text, "{}") || strings.Contains(text, "$"))
}
