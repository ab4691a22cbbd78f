package annotation

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// The attributes of a cookie are written into a field of the response as they are:
// no value may hold a byte that ends an attribute or the field (RFC 6265, section
// 4.1.1).

// defaultCookie is the name that ingress-nginx gives its cookie.
const defaultCookie = "INGRESSCOOKIE"

// longestAttribute bounds the name and each attribute of a cookie.
const longestAttribute = 256

var affinity = define("affinity", Upstream,
	"cookie keeps a client at an endpoint by a cookie; off, the default, does not.",
	parseAffinity,
	func(v *Values, on bool) {
		v.Policy.Balance.Sticky.Cookie = ""
		if on {
			v.Policy.Balance.Sticky.Cookie = v.parts.cookieName
		}
	}).
	example("cookie").defaults("off")

func parseAffinity(text string, _ dialect) (bool, error) {
	switch text {
	case "cookie":
		return true, nil
	case "off", "":
		return false, nil
	}
	return false, errors.New("want cookie or off")
}

var affinityMode = define("affinity-mode", Upstream,
	"balanced, the default, moves some clients when endpoints come, so that the load is even; persistent keeps each where it is.",
	parseAffinityMode,
	func(v *Values, persistent bool) { v.Policy.Balance.Sticky.Persistent = persistent }).
	example("persistent").defaults("balanced")

func parseAffinityMode(text string, _ dialect) (persistent bool, err error) {
	switch text {
	case "balanced":
		return false, nil
	case "persistent":
		return true, nil
	}
	return false, errors.New("want balanced or persistent")
}

var sessionCookieName = define("session-cookie-name", Upstream,
	"Name of the cookie of affinity. "+defaultCookie+" by default.",
	parseCookieName,
	func(v *Values, name string) {
		v.parts.cookieName = name
		if sticky := &v.Policy.Balance.Sticky; sticky.Cookie != "" {
			sticky.Cookie = name
		}
	}).
	example("route").defaults("INGRESSCOOKIE")

// parseCookieName reads a token (RFC 9110, section 5.6.2).
func parseCookieName(text string, _ dialect) (string, error) {
	if text == "" || len(text) > longestAttribute || !consistsOf(text, tokenBytes) {
		return "", fmt.Errorf("want letters, digits and any of !#$%%&'*+-.^_`|~, %d bytes at most", longestAttribute)
	}
	return text, nil
}

var sessionCookiePath = define("session-cookie-path", Upstream,
	"Attribute Path of the cookie. The path of the rule by default, / for a regular expression.",
	parseCookiePath,
	func(v *Values, path string) { v.Policy.Balance.Sticky.Path = path }).
	example("/app").defaults("")

func parseCookiePath(text string, _ dialect) (string, error) {
	if !strings.HasPrefix(text, "/") || len(text) > longestAttribute || !isGraphic(text) || strings.ContainsAny(text, ";,") {
		return "", fmt.Errorf("want a path that begins with /, of %d bytes at most, without spaces, commas and semicolons", longestAttribute)
	}
	return text, nil
}

var sessionCookieDomain = define("session-cookie-domain", Upstream,
	"Attribute Domain of the cookie. Left out by default.",
	parseCookieDomain,
	func(v *Values, domain string) { v.Policy.Balance.Sticky.Domain = domain }).
	example("example.com").defaults("")

func parseCookieDomain(text string, _ dialect) (string, error) {
	domain := strings.TrimPrefix(text, ".")
	if domain == "" || len(domain) > 253 || !consistsOf(domain, letters+digits+"-.") {
		return "", errors.New("want a domain, such as example.com")
	}
	return text, nil
}

var sessionCookieMaxAge = define("session-cookie-max-age", Upstream,
	"Attribute Max-Age of the cookie, in seconds. Left out by default, and for 0.",
	parseSeconds,
	func(v *Values, n int) { v.Policy.Balance.Sticky.MaxAge = n }).
	example("172800").defaults("0")

var sessionCookieExpires = define("session-cookie-expires", Upstream,
	"Attribute Expires of the cookie, in seconds from now. Left out by default, and for 0.",
	parseSeconds,
	func(v *Values, n int) { v.Policy.Balance.Sticky.Expires = n }).
	example("172800").defaults("0")

// parseSeconds reads whole seconds, which may be negative: such a cookie is over
// at once.
func parseSeconds(text string, d dialect) (int, error) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && isDigits(strings.TrimPrefix(text, "-")) {
		return int(n), nil
	}
	value, err := parseDuration(text, d)
	switch {
	case err != nil:
		return 0, err
	case value != value.Truncate(time.Second) || value/time.Second > math.MaxInt32:
		return 0, errors.New("want whole seconds")
	}
	return int(value / time.Second), nil
}

var sessionCookieSameSite = define("session-cookie-samesite", Upstream,
	"Attribute SameSite of the cookie: None, Lax or Strict. Left out by default.",
	parseSameSite,
	func(v *Values, site string) { v.Policy.Balance.Sticky.SameSite = site }).
	example("Lax").defaults("")

func parseSameSite(text string, _ dialect) (string, error) {
	for _, site := range []string{"None", "Lax", "Strict"} {
		if strings.EqualFold(text, site) {
			return site, nil
		}
	}
	return "", errors.New("want None, Lax or Strict")
}

var sessionCookieSecure = define("session-cookie-secure", Upstream,
	"Attribute Secure of the cookie: \"true\" sets it always, \"false\" never. By default it is set for clients that use TLS.",
	parseSecure,
	func(v *Values, s model.Secure) { v.Policy.Balance.Sticky.Secure = s }).
	example("true").defaults("").
	differs("\"false\" under the prefix of ingress-nginx sets it for clients that use TLS, as there.")

// parseSecure reads "false" as ingress-nginx does, which leaves the attribute
// where the client uses TLS (ingress-nginx: balancer/sticky.lua).
func parseSecure(text string, d dialect) (model.Secure, error) {
	switch on, err := parseBool(text, d); {
	case err != nil:
		return 0, err
	case on:
		return model.SecureAlways, nil
	case d == nginx:
		return model.SecureAuto, nil
	}
	return model.SecureNever, nil
}

var sessionCookieConditional = define("session-cookie-conditional-samesite-none", Upstream,
	"\"true\" leaves SameSite=None out for clients that are known to misunderstand it. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Policy.Balance.Sticky.ConditionalSameSite = on }).
	example("true").defaults("false")

var sessionCookieChangeOnFailure = define("session-cookie-change-on-failure", Upstream,
	"\"true\" gives a client a new endpoint when the one it has failed; \"false\", the default, sends only that request elsewhere.",
	parseBool,
	func(v *Values, on bool) { v.Policy.Balance.Sticky.ChangeOnFailure = on }).
	example("true").defaults("false")
