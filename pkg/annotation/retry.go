package annotation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var proxyNextUpstream = define("proxy-next-upstream", Path,
	"When a request is sent to another endpoint: a list of "+strings.Join(model.RetryNames, ", ")+
		", with spaces between them, or off. POST, LOCK and PATCH are repeated with non_idempotent only, unless they were not sent yet. \"error timeout\" by default.",
	parseRetryOn,
	func(v *Values, on model.RetryOn) { v.Options.Retry.On = on }).
	example("error timeout http_502").defaults("error timeout")

var proxyNextUpstreamTries = define("proxy-next-upstream-tries", Path,
	"Endpoints that a request is sent to, the first one included. 3 by default; 0 means as many as there are.",
	parseCount(0),
	func(v *Values, n int) { v.Options.Retry.Tries = n }).
	example("2").defaults("3")

var proxyNextUpstreamTimeout = define("proxy-next-upstream-timeout", Path,
	"Time in which a request may be sent to another endpoint. 0, the default, means no limit.",
	parseDuration,
	func(v *Values, d time.Duration) { v.Options.Retry.Timeout = d }).
	example("10").defaults("0")

var retryNonIdempotent = define("retry-non-idempotent", Path,
	"Adds non_idempotent to every proxy-next-upstream that is not off. \"false\" by default.",
	parseBool,
	func(v *Values, b bool) { v.parts.retryNonIdempotent = b }).
	example("true").defaults("false")

// parseRetryOn reads a list of conditions. "off" among others turns retries off,
// as in nginx.
func parseRetryOn(text string, _ dialect) (model.RetryOn, error) {
	var on model.RetryOn
	off := false
	words := strings.Fields(text)
	for _, word := range words {
		switch i := slices.Index(model.RetryNames, word); {
		case i >= 0:
			on |= 1 << i
		case word == "off":
			off = true
		default:
			return 0, fmt.Errorf("%s is none of %s and off", quote(word), strings.Join(model.RetryNames, ", "))
		}
	}
	if len(words) == 0 {
		return 0, fmt.Errorf("want off, or some of %s", strings.Join(model.RetryNames, ", "))
	}
	if off {
		return 0, nil
	}
	return on, nil
}
