package annotation

import (
	"errors"
	"fmt"
	"strings"
)

var proxyRedirectFrom = define("proxy-redirect-from", Path,
	"Beginning of the URL in Location and Refresh of an endpoint's response that proxy-redirect-to stands in place of. off and default change nothing. Regular expressions are not supported.",
	parseRedirectFrom,
	func(v *Values, text string) { v.Filters.ResponseRewrite.RedirectFrom = text }).
	example("http://cart.default.svc/").defaults("off")

var proxyRedirectTo = defineAt("proxy-redirect-to", Path,
	"What stands in place of proxy-redirect-from. It may have variables. off changes nothing.",
	func(text string, at place) (string, error) {
		text, err := parseURLPart(text, at.dialect)
		if err == nil {
			err = at.checks.expression(text)
		}
		return text, err
	},
	func(v *Values, text string, _ place) { v.Filters.ResponseRewrite.RedirectTo = text }).
	example("https://$host/").defaults("off")

var proxyCookieDomain = define("proxy-cookie-domain", Path,
	"Two domains: the one in Set-Cookie of an endpoint's response, and the one that stands in place of it. off, the default, changes none. Regular expressions and variables are not supported.",
	parsePair,
	func(v *Values, text string) { v.Filters.ResponseRewrite.CookieDomain = text }).
	example("cart.default.svc shop.example").defaults("off")

var proxyCookiePath = define("proxy-cookie-path", Path,
	"Two beginnings of paths: that in Set-Cookie of an endpoint's response, and the one that stands in place of it. off, the default, changes none. Regular expressions and variables are not supported.",
	parsePair,
	func(v *Values, text string) { v.Filters.ResponseRewrite.CookiePath = text }).
	example("/app /").defaults("off")

// parseURLPart reads the beginning of a URL. off is none.
func parseURLPart(text string, _ dialect) (string, error) {
	switch {
	case text == "off":
		return "", nil
	case text == "" || len(text) > longestURL || !isGraphic(text):
		return "", fmt.Errorf("want off or the beginning of a URL, without spaces, of %d bytes at most", longestURL)
	}
	return text, nil
}

func parseRedirectFrom(text string, d dialect) (string, error) {
	switch {
	case text == "default": // that rewrites the address of nginx's own upstream, which nobody sees
		return "", nil
	case strings.HasPrefix(text, "~"):
		return "", errors.New("regular expressions are not supported: want the beginning of a URL")
	case strings.Contains(text, "$"):
		return "", errors.New("variables are not supported: want the beginning of a URL")
	}
	return parseURLPart(text, d)
}

// parsePair reads two words of an attribute of a cookie (RFC 6265, section 4.1.1). off
// is none.
func parsePair(text string, _ dialect) (string, error) {
	words := strings.Fields(text)
	switch {
	case text == "off":
		return "", nil
	case len(words) != 2 || len(text) > longestURL:
		return "", fmt.Errorf("want off or two words, of %d bytes at most", longestURL)
	case strings.HasPrefix(text, "~"):
		return "", errors.New("regular expressions are not supported")
	}
	for _, word := range words {
		if !isGraphic(word) || strings.ContainsAny(word, ";,$\"") {
			return "", fmt.Errorf("%s cannot stand in a cookie", quote(word))
		}
	}
	return words[0] + " " + words[1], nil
}
