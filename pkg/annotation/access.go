package annotation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var allowlistSourceRange = defineAt("allowlist-source-range", Path,
	"Networks and addresses of the clients that are served, with commas between them; others are answered 403. All by default. The paths answer 503 while a part of it cannot be read.",
	parseRanges,
	func(v *Values, list string, _ place) { v.Filters.Access.Allow = list }).
	example("10.0.0.0/8,fd00::/8").defaults("").protecting(protects)

var whitelistSourceRange = defineAt("whitelist-source-range", Path,
	"The older name of allowlist-source-range, which holds where both stand. All by default.",
	parseRanges,
	func(v *Values, list string, _ place) { v.Filters.Access.Allow = list }).
	example("10.0.0.0/8,fd00::/8").defaults("").protecting(protects).olderNameOf("allowlist-source-range")

var denylistSourceRange = defineAt("denylist-source-range", Path,
	"Networks and addresses of clients that are answered 403, with commas between them, whatever allowlist-source-range says. None by default. The paths answer 503 while a part of it cannot be read.",
	parseRanges,
	func(v *Values, list string, _ place) { v.Filters.Access.Deny = list }).
	example("192.0.2.0/24").defaults("").protecting(protects)

var satisfy = define("satisfy", Path,
	"all, the default, serves a request that the lists of addresses and each kind of authentication let through; any serves one that either of them does.",
	parseSatisfy,
	func(v *Values, either bool) { v.Filters.Access.Any = either }).
	example("any").defaults("all")

// parseSatisfy takes what it does not know for all, as ingress-nginx does: that is the
// stricter one.
func parseSatisfy(text string, _ dialect) (either bool, err error) {
	switch text {
	case "any":
		return true, nil
	case "all":
		return false, nil
	}
	return false, partial{errors.New("want all or any: all holds")}
}

// mostRanges bounds a list of clients' networks.
const mostRanges = 16 << 10

// parseRanges reads a list of networks that decides who is served, and returns it in
// normal form. An empty one is a mistake on an Ingress, as in ingress-nginx, and no
// list elsewhere.
func parseRanges(text string, at place) (string, error) {
	if text == "" && at.from.Object.Kind == ingressKind {
		return "", errors.New("want networks, such as 10.0.0.0/8,fd00::/8")
	}
	return parseRangeList(text, at.dialect)
}

// parseRangeList reads a list of networks that may be empty. Nothing of it may be
// wrong.
func parseRangeList(text string, _ dialect) (string, error) {
	if strings.Count(text, ",") >= mostRanges {
		return "", fmt.Errorf("want %d networks at most", mostRanges)
	}
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		network, err := parseNetwork(part)
		if err != nil {
			return "", fmt.Errorf("%s is no network, such as 10.0.0.0/8", quote(part))
		}
		list = append(list, network.String())
	}
	if len(list) == 0 && text != "" {
		return "", errors.New("want networks, such as 10.0.0.0/8,fd00::/8")
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ","), nil
}
