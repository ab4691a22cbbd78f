package annotation

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var serverAlias = define("server-alias", Host,
	"Other names of the hosts of the Ingress, separated by commas: names, or wildcards such as *.example.com for one more label. A host of a rule goes before an alias, and the oldest Ingress of a host decides on its aliases.",
	parseAliases,
	func(v *Values, list string) { v.Aliases = list }).
	example("shop.example.net, *.shop.example")

// mostAliases bounds a list of aliases.
const mostAliases = 64

var errAlias = errors.New("want names, or wildcards such as *.example.com: regular expressions are not supported")

// parseAliases reads a list of names and returns it in lower case, without what stands
// around them and without what stands there twice. It leaves out what is no name.
func parseAliases(text string, _ dialect) (string, error) {
	var names, wrong []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, err := parseName(strings.TrimPrefix(part, "*."), ours)
		switch {
		case err != nil:
			wrong = append(wrong, part)
			continue
		case strings.HasPrefix(part, "*."):
			name = "*." + name
		}
		switch {
		case slices.Contains(names, name):
		case len(names) == mostAliases:
			return strings.Join(names, ","), partial{fmt.Errorf("want %d names at most", mostAliases)}
		default:
			names = append(names, name)
		}
	}
	list := strings.Join(names, ",")
	if len(wrong) > 0 {
		return list, partial{fmt.Errorf("%s: %w", model.Excerpt(strings.Join(wrong, ", ")), errAlias)}
	}
	return list, nil
}

var fromToWWWRedirect = define("from-to-www-redirect", Host,
	"Redirects www.HOST to each HOST of the Ingress, and for a host www.NAME the NAME to it, unless that name has a rule of its own. false by default.",
	parseBool,
	func(v *Values, on bool) { v.FromToWWW = on }).
	example("true").defaults("false")

var strictValidatePathType = define("strict-validate-path-type", Path,
	"Reports paths of type Exact or Prefix that have other characters than letters, digits, and any of ._-/ in them: they may be meant for regular expressions, and are served as they are written. Where something protects such a path, all that it may stand for answers 503. true by default under ingress-nginx's class, false otherwise.",
	parseBool,
	func(v *Values, on bool) { v.StrictPaths = on }).
	example("false").defaults("false", "true")
