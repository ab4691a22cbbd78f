package annotation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var loadBalance = define("load-balance", Upstream,
	"How an endpoint is chosen: round_robin, the default, least_request, ewma or random.",
	parseAlgorithm,
	func(v *Values, a model.Algorithm) { v.Policy.Balance.Algorithm = a }).
	example("ewma").defaults("round_robin")

func parseAlgorithm(text string, _ dialect) (model.Algorithm, error) {
	if a := model.Algorithm(text); slices.Contains(model.Algorithms, a) {
		return a, nil
	}
	return "", errors.New("want round_robin, least_request, ewma or random")
}

var upstreamHashBy = defineAt("upstream-hash-by", Upstream,
	"Text with variables, such as $request_uri or $remote_addr; requests for which it is the same go to the same endpoint. It goes before load-balance. None by default.",
	parseExpression,
	func(v *Values, text string, _ place) { v.Policy.Balance.HashBy = text }).
	example("$remote_addr").defaults("")

// longestExpression bounds a text with variables.
const longestExpression = 256

// parseExpression checks the form of a text with variables, which is that of
// ingress-nginx (ingress-nginx: internal/ingress/annotations/upstreamhashby).
func parseExpression(text string, at place) (string, error) {
	if len(text) > longestExpression {
		return "", fmt.Errorf("want %d bytes at most", longestExpression)
	}
	if !consistsOf(text, letters+digits+"-_${}") {
		return "", errors.New("want letters, digits, - and _, and variables such as $request_uri or ${remote_addr}")
	}
	if text == "" {
		return "", nil
	}
	return text, at.checks.expression(text)
}

var upstreamHashLoad = define("upstream-hash-load", Upstream,
	"Requests that the endpoint chosen by upstream-hash-by, or by affinity in balanced mode, has at a time, in percent of the mean of all, from 101 to 1000; above it the next endpoint takes over. 0, the default, means no bound.",
	parseHashLoad,
	func(v *Values, n int) { v.Policy.Balance.HashLoad = n }).
	example("150").defaults("0")

func parseHashLoad(text string, d dialect) (int, error) {
	n, err := parseCountWithin(0, 1000)(text, d)
	if err != nil || n > 0 && n <= 100 {
		return 0, errors.New("want 0, or a whole number from 101 to 1000")
	}
	return n, nil
}

var slowStart = define("slow-start", Upstream,
	"Time in which the share of a new endpoint grows from a tenth to all of it, 1h at most. 0, the default, means that it has all at once.",
	parseDurationWithin(0, time.Hour),
	func(v *Values, d time.Duration) { v.Policy.Balance.SlowStart = d }).
	example("30s").defaults("0")

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// consistsOf tells whether text has no other bytes than these.
func consistsOf(text, bytes string) bool {
	return strings.Trim(text, bytes) == ""
}
