package annotation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var customHTTPErrors = define("custom-http-errors", Path,
	"Statuses from 400 to 599, separated by commas, in whose place the default backend answers. Empty by default.",
	parseCodes,
	func(v *Values, codes string) { v.Filters.Errors.Codes = codes }).
	example("404,503")

// parseCodes reads a list of statuses and returns it sorted, each once.
func parseCodes(text string, _ dialect) (string, error) {
	if text == "" {
		return "", nil
	}
	var codes []string
	for code := range strings.SplitSeq(text, ",") {
		code = strings.TrimSpace(code)
		n, err := strconv.Atoi(code)
		if err != nil || len(code) != 3 || n < 400 || n > 599 {
			return "", fmt.Errorf("%s is no status from 400 to 599", quote(code))
		}
		if !slices.Contains(codes, code) { // 200 at most
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return strings.Join(codes, ","), nil
}

var disableProxyInterceptErrors = define("disable-proxy-intercept-errors", Path,
	"\"true\" has custom-http-errors replace answers of the proxy only, not those of endpoints. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.Errors.OwnOnly = on }).
	example("true").defaults("false")

var defaultBackend = defineAt("default-backend", Path,
	"Service of the namespace whose first port serves the paths while their own Service has no endpoints, and answers for custom-http-errors. None by default.",
	parseServiceName,
	func(v *Values, name string, _ place) { v.DefaultBackend = name }).onIngressOnly().
	example("error-pages")

func parseServiceName(text string, at place) (string, error) {
	switch {
	case text == "":
		return "", nil
	case strings.HasPrefix(text, at.from.Object.Namespace+"/"):
		text = text[len(at.from.Object.Namespace)+1:]
	case strings.Contains(text, "/"):
		return "", errors.New("a Service of another namespace must not be used")
	}
	if text == "" || len(text) > 63 || !consistsOf(text, letters+digits+"-") {
		return "", errors.New("want the name of a Service")
	}
	return text, nil
}

var serviceUpstream = define("service-upstream", Upstream,
	"\"true\" sends requests to the cluster IP of the Service in place of its endpoints: the cluster chooses one, so that affinity, retries and health checks know only this address. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Policy.ClusterIP = on }).
	example("true").defaults("false")
