package annotation

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var upstreamMaxFailures = define("upstream-max-failures", Upstream,
	"Failed exchanges in a row (errors, timeouts, statuses 502, 503 and 504) after which an endpoint is left out for a while. 0, the default: only one that cannot be connected to is.",
	parseCount(0),
	func(v *Values, n int) { v.Policy.Health.MaxFailures = n }).
	example("5").defaults("0")

var upstreamEjectionTime = define("upstream-ejection-time", Upstream,
	"How long it is left out the first time, between 100ms and 1h; twice as long each time after that, up to ten times. 30s by default.",
	parseDurationWithin(100*time.Millisecond, time.Hour),
	func(v *Values, d time.Duration) { v.Policy.Health.EjectionTime = d }).
	example("10s").defaults("30s")

var upstreamMaxEjected = define("upstream-max-ejected", Upstream,
	"How many endpoints may be left out at a time, in percent; one is always kept. 50 by default.",
	parseCountWithin(0, 100),
	func(v *Values, n int) { v.Policy.Health.MaxEjected = n }).
	example("30").defaults("50")

var upstreamMaxActive = define("upstream-max-active", Upstream,
	"Exchanges with all endpoints of an upstream at a time; one more is answered 503. 0, the default, means no limit.",
	parseCount(0),
	func(v *Values, n int) { v.Policy.Health.MaxActive = n }).
	example("500").defaults("0")

var retryBudget = define("retry-budget", Upstream,
	"Retries, in percent of the exchanges of the last ten seconds, 1000 at most; some are always allowed. 20 by default; 0 means no bound.",
	parseCountWithin(0, 1000),
	func(v *Values, n int) { v.Policy.Health.RetryBudget = n }).
	example("10").defaults("20")

var healthCheck = define("health-check", Upstream,
	"Asks endpoints how they are: http by a GET request, tcp by a connection. off by default.",
	parseCheck,
	func(v *Values, kind model.CheckKind) { v.Policy.Health.Check.Kind = kind }).
	example("http").defaults("off")

func parseCheck(text string, _ dialect) (model.CheckKind, error) {
	switch kind := model.CheckKind(strings.ToLower(text)); kind {
	case model.CheckHTTP, model.CheckTCP:
		return kind, nil
	case "off":
		return model.NoCheck, nil
	}
	return "", errors.New("want off, http or tcp")
}

var healthCheckPath = define("health-check-path", Upstream,
	"Path, with a query if one is needed, of the request of health-check. / by default.",
	parseRequestPath,
	func(v *Values, path string) { v.Policy.Health.Check.Path = path }).
	example("/healthz").defaults("/")

// longestTarget bounds the request target of a check.
const longestTarget = 2048

// parseRequestPath reads a request target in origin-form (RFC 9112, section
// 3.2.1), which is written as it is.
func parseRequestPath(text string, _ dialect) (string, error) {
	if !strings.HasPrefix(text, "/") || len(text) > longestTarget || !isGraphic(text) || strings.Contains(text, "#") {
		return "", fmt.Errorf("want a path that begins with /, of %d bytes at most, without spaces and #", longestTarget)
	}
	return text, nil
}

var healthCheckHost = define("health-check-host", Upstream,
	"Host, with a port if one is needed, of the request of health-check. The address of the endpoint by default.",
	parseAuthority,
	func(v *Values, host string) { v.Policy.Health.Check.Host = host }).
	example("shop.example").defaults("")

// parseAuthority reads a host name or an address, with or without a port.
func parseAuthority(text string, d dialect) (string, error) {
	host := text
	if h, port, err := net.SplitHostPort(text); err == nil {
		host = h
		if _, err := parseCountWithin(1, 65535)(port, d); err != nil {
			return "", fmt.Errorf("port: %w", err)
		}
	} else if inner, ok := strings.CutPrefix(text, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	} else if strings.Contains(text, ":") {
		return "", errName
	}
	_, err := parseName(host, d)
	return text, err
}

var healthCheckPort = define("health-check-port", Upstream,
	"Port that health-check asks. 0, the default, means that of the endpoint.",
	parseCountWithin(0, 65535),
	func(v *Values, n int) { v.Policy.Health.Check.Port = uint16(n) }).
	example("8081").defaults("0")

var healthCheckInterval = define("health-check-interval", Upstream,
	"Time between two checks of an endpoint, between 1s and 1h. 10s by default.",
	parseDurationWithin(time.Second, time.Hour),
	func(v *Values, d time.Duration) { v.Policy.Health.Check.Interval = d }).
	example("5s").defaults("10s")

var healthCheckTimeout = define("health-check-timeout", Upstream,
	"Longest time that one check may take, between 100ms and 1m. 2s by default.",
	parseDurationWithin(100*time.Millisecond, time.Minute),
	func(v *Values, d time.Duration) { v.Policy.Health.Check.Timeout = d }).
	example("1s").defaults("2s")

var healthCheckHealthy = define("health-check-healthy", Upstream,
	"Checks in a row that must succeed before an endpoint is used again, 100 at most. 2 by default.",
	parseCountWithin(1, 100),
	func(v *Values, n int) { v.Policy.Health.Check.Healthy = n }).
	example("1").defaults("2")

var healthCheckUnhealthy = define("health-check-unhealthy", Upstream,
	"Checks in a row that must fail before an endpoint is left out, 100 at most. 3 by default.",
	parseCountWithin(1, 100),
	func(v *Values, n int) { v.Policy.Health.Check.Unhealthy = n }).
	example("5").defaults("3")
