package annotation

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

var authTLSSecret = defineAt("auth-tls-secret", Host,
	"Secret with the authority of the certificates that clients must have (ca.crt, and ca.crl if it has one): a name, or namespace/name in the namespace of the Ingress. It governs the hosts of the Ingress as a whole: the oldest Ingress that names one decides. The paths answer 503 while it is missing or of no use.",
	parseSecret,
	func(v *Values, name string, _ place) { v.AuthTLSSecret = name }).
	example("clients-ca").defaults("").protecting(protectsHost)

var authTLSVerifyClient = define("auth-tls-verify-client", Host,
	"Which certificate a client must have: on, the default where there is an auth-tls-secret, wants a valid one, optional a valid one or none, optional_no_ca any or none. off wants none.",
	parseVerifyClient,
	func(v *Values, auth model.ClientAuth) {
		v.Host.ClientAuth, v.ClientAuthWanted = auth, auth != model.ClientAuthOff
	}).
	example("optional").defaults("").protecting(protects)

// parseVerifyClient takes what it does not know for on, as ingress-nginx does.
func parseVerifyClient(text string, _ dialect) (model.ClientAuth, error) {
	switch auth := model.ClientAuth(text); auth {
	case model.ClientAuthOn, model.ClientAuthOptional, model.ClientAuthNoCA:
		return auth, nil
	case "off":
		return model.ClientAuthOff, nil
	}
	return model.ClientAuthOn, partial{errors.New("want on, off, optional or optional_no_ca: on holds")}
}

var authTLSVerifyDepth = define("auth-tls-verify-depth", Host,
	"How many certificates may stand between the client's and the trusted one, neither of which counts, 100 at most. 1 by default, and for 0.",
	parseDepth,
	func(v *Values, n int) { v.Host.Depth = n }).
	example("2").defaults("")

var authTLSErrorPage = define("auth-tls-error-page", Host,
	"URL that clients without a valid certificate are sent to. By default they are answered 400.",
	parsePage,
	func(v *Values, page string) { v.Host.ErrorPage = page }).
	example("https://example.com/certificates").defaults("")

var authTLSMatchCN = define("auth-tls-match-cn", Host,
	"Expression, beginning with CN=, that is looked for in the subject of the client's certificate, such as CN=(alice|bob),OU=shop; others are answered 403. Any will do by default. Expressions are those of Go (RE2). It needs an auth-tls-secret; the paths answer 503 while it cannot be read.",
	parseMatchCN,
	func(v *Values, expression string) { v.Host.MatchName = expression }).
	example("CN=(alice|bob)").defaults("").protecting(protectsHost)

// longestMatch bounds an expression that names are looked at with.
const longestMatch = 1024

func parseMatchCN(text string, _ dialect) (string, error) {
	if !strings.HasPrefix(text, "CN=") {
		return "", errors.New("want CN= and an expression")
	}
	if len(text) > longestMatch {
		return "", fmt.Errorf("want %d bytes at most", longestMatch)
	}
	if _, err := pattern.Search(text); err != nil {
		return "", errors.New(whyNot(err))
	}
	return text, nil
}

// longestURL bounds a URL that clients are sent to.
const longestURL = 2048

// parsePage reads an absolute URL. It goes into a field of the response.
func parsePage(text string, _ dialect) (string, error) {
	u, err := url.Parse(text)
	switch {
	case strings.HasPrefix(text, "@"), strings.HasPrefix(text, "/"):
		return "", errors.New("want a URL: paths and named locations are not supported")
	case len(text) > longestURL:
		return "", fmt.Errorf("want %d bytes at most", longestURL)
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil,
		!isGraphic(text), strings.ContainsAny(text, "\"<>\\^`{|}$"):
		return "", errors.New("want a URL, such as https://example.com/certificates, without variables")
	}
	return text, nil
}

var authTLSPassCertificate = define("auth-tls-pass-certificate-to-upstream", Host,
	"\"true\" sends the client's certificate to the endpoint. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Host.PassCertificate = on }).
	example("true").defaults("false")
