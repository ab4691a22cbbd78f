package annotation

import (
	"errors"
	"fmt"
)

var authType = define("auth-type", Path,
	"basic asks clients for a name and a password that auth-secret has (RFC 7617). Nobody is asked by default. digest is not supported: the paths answer 503.",
	parseAuthType,
	func(v *Values, on bool) { v.BasicAuth = on }).
	example("basic").defaults("").protecting(protects)

func parseAuthType(text string, _ dialect) (bool, error) {
	switch text {
	case "basic":
		return true, nil
	case "digest":
		return false, errors.New("not supported: use basic, with https")
	}
	return false, errors.New("want basic")
}

var authSecret = defineAt("auth-secret", Path,
	"Secret with users and the hashes of their passwords: a name, or namespace/name in the namespace of the Ingress. Hashes may be of bcrypt (htpasswd -B), $apr1$, $1$, $5$, $6$, {SHA} and {SSHA}. The paths answer 503 while it is missing or of no use.",
	parseSecret,
	func(v *Values, name string, _ place) { v.AuthSecret = name }).
	example("users").defaults("").protecting(protects).onIngressOnly()

var authSecretType = define("auth-secret-type", Path,
	"auth-file, the default, finds the users in the key auth of the Secret, in the form of htpasswd; auth-map takes each key of the Secret for a user, and its value for the hash.",
	parseAuthSecretType,
	func(v *Values, isMap bool) { v.AuthMap = isMap }).
	example("auth-map").defaults("auth-file").protecting(protects)

func parseAuthSecretType(text string, _ dialect) (isMap bool, err error) {
	switch text {
	case "auth-file":
		return false, nil
	case "auth-map":
		return true, nil
	}
	return false, errors.New("want auth-file or auth-map")
}

var authRealm = define("auth-realm", Path,
	"What clients are told that the name and password are for. Empty by default.",
	parseRealm,
	func(v *Values, realm string) { v.Filters.BasicAuth.Realm = realm }).
	example("The shop").defaults("")

// longestRealm bounds a realm, in bytes.
const longestRealm = 256

// parseRealm reads a text that is sent in a quoted string (RFC 9110, section 5.6.4).
func parseRealm(text string, _ dialect) (string, error) {
	if len(text) > longestRealm {
		return "", fmt.Errorf("want %d bytes at most", longestRealm)
	}
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return "", errors.New("want ASCII without control characters")
		}
	}
	return text, nil
}
