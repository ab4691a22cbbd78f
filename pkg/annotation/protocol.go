package annotation

import (
	"errors"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var backendProtocol = define("backend-protocol", Upstream,
	"What endpoints speak, in any case: HTTP, the default, HTTPS, GRPC or GRPCS; H2C and H2 are HTTP/2 like GRPC and GRPCS. AUTO_HTTP is HTTPS for clients that use TLS, and HTTP for others. FCGI is not supported. The paths answer 503 for a value that is not, since it may mean encryption.",
	parseProtocol,
	func(v *Values, p model.Protocol) {
		v.AutoProtocol = p == autoProtocol
		if v.AutoProtocol {
			p = model.HTTP
		}
		v.Policy.Transport.Protocol = p
	}).
	example("GRPC").defaults("HTTP").protecting(protects)

// autoProtocol is the value that has endpoints spoken to as the client speaks.
const autoProtocol model.Protocol = "AUTO_HTTP"

func parseProtocol(text string, _ dialect) (model.Protocol, error) {
	switch p := model.Protocol(strings.ToUpper(text)); p {
	case model.HTTP, model.HTTPS, model.GRPC, model.GRPCS, model.H2C, model.H2, autoProtocol:
		return p, nil
	case "FCGI":
		return "", errors.New("this protocol is not supported")
	}
	return "", errors.New("want HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS, H2C or H2")
}

var upstreamProxyProtocol = define("upstream-proxy-protocol", Upstream,
	"Version of the PROXY header that tells endpoints the client's address: v1, v2, or off, the default. A connection then carries one exchange.",
	parseProxyProtocol,
	func(v *Values, version uint8) { v.Policy.Transport.ProxyProtocol = version }).
	example("v2").defaults("off")

func parseProxyProtocol(text string, _ dialect) (uint8, error) {
	switch strings.ToLower(text) {
	case "off":
		return 0, nil
	case "v1":
		return 1, nil
	case "v2":
		return 2, nil
	}
	return 0, errors.New("want off, v1 or v2")
}
