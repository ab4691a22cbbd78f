package annotation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

var blockCIDRs = define("block-cidrs", Path,
	"Networks and addresses of clients that are answered 403 before all else, with commas between them. None by default. All paths answer 503 while a part of it cannot be read.",
	parseRangeList,
	func(v *Values, list string) { v.Filters.Block.Networks = list }).
	example("192.0.2.0/24").defaults("").protecting(protects).aboveIngresses()

var blockUserAgents = define("block-user-agents", Path,
	"Values of User-Agent that are answered 403 before all else, with commas between them: a text, in any case, or an expression after \"~\" or, in any case, \"~*\". Expressions are those of Go (RE2). None by default. All paths answer 503 while a part of it cannot be read.",
	parsePatterns,
	func(v *Values, list string) { v.Filters.Block.Agents = list }).
	example("~*badbot,BadAgent/1.0").defaults("").protecting(protects).aboveIngresses()

var blockReferers = define("block-referers", Path,
	"Values of Referer that are answered 403 before all else, in the form of block-user-agents. None by default.",
	parsePatterns,
	func(v *Values, list string) { v.Filters.Block.Referers = list }).
	example("~*spam\\.example").defaults("").protecting(protects).aboveIngresses()

var noAuthLocations = define("no-auth-locations", Path,
	"Paths of rules, with commas between them, where and below which nobody is asked who they are. /.well-known/acme-challenge by default in the profile of ingress-nginx, none in the other one.",
	parsePathList,
	func(v *Values, list string) { v.Filters.Access.Exempt = list }).
	example("/health,/.well-known/acme-challenge").defaults("", "/.well-known/acme-challenge").aboveIngresses()

// Bounds of a list of patterns. Each field of each request is compared with all.
const (
	mostPatterns    = 256
	longestPatterns = 16 << 10
)

// parsePatterns reads what nginx has in a map. A part may be in quotes. Expressions
// have no commas, as in ingress-nginx.
func parsePatterns(text string, _ dialect) (string, error) {
	if len(text) > longestPatterns || strings.Count(text, ",") >= mostPatterns {
		return "", fmt.Errorf("want %d texts and %d bytes at most", mostPatterns, longestPatterns)
	}
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		part = unquote(strings.TrimSpace(part))
		if part == "" {
			continue
		}
		if _, err := pattern.OfMap(part); err != nil {
			return "", fmt.Errorf("%s: %s", quote(part), whyNot(err))
		}
		list = append(list, part)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ","), nil
}

// unquote takes off the quotes that a text of nginx's configuration may have.
func unquote(text string) string {
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		return text[1 : n-1]
	}
	return text
}

// whyNot is why an expression is of no use.
func whyNot(err error) string { return strings.TrimPrefix(err.Error(), "error parsing regexp: ") }
