package annotation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var customHeaders = define("custom-headers", Path,
	"ConfigMap whose entries are fields that all responses get, as namespace/name; fields of that name in the endpoint's response go. None by default. A name that global-allowed-response-headers does not have, an entry that cannot be sent, or a missing ConfigMap makes the paths answer 503.",
	parseOptionalConfigMap,
	func(v *Values, name string) { v.CustomHeaders = name }).protecting(protects).onIngressOnly().
	example("shop/fields")

var globalAllowedResponseHeaders = define("global-allowed-response-headers", Global,
	"Names of fields that custom-headers may set, with commas between them. None by default.",
	parseFieldNames,
	func(v *Values, names string) { v.AllowedResponseFields = names }).
	example("X-Frame-Options,Content-Security-Policy")

var addHeaders = define("add-headers", Global,
	"ConfigMap whose entries are fields that all responses get, as namespace/name. Values may have variables. An empty value takes the field away. Those of custom-headers go before them. None by default.",
	parseOptionalConfigMap,
	func(v *Values, name string) { v.AddHeaders = name }).
	example("ingress/response-fields")

var proxySetHeaders = define("proxy-set-headers", Global,
	"ConfigMap whose entries are fields that endpoints get in place of those of the same name that the client sent or the proxy sets, as namespace/name. Values may have variables. An empty value takes the field away. Host must be a host: a request for which variables make something else is answered 400. None by default.",
	parseOptionalConfigMap,
	func(v *Values, name string) { v.ProxySetHeaders = name }).
	example("ingress/request-fields")

var hideHeaders = define("hide-headers", Path,
	"Names of fields that responses of endpoints lose, with commas between them. None by default.",
	parseFieldNames,
	func(v *Values, names string) { v.Filters.ResponseFields.Hide = names }).
	example("X-Powered-By")

var serverTokens = define("server-tokens", Path,
	"\"true\" sends the field Server: shockwave with each response. \"false\", the default with --compatibility=ingress-nginx, sends none, and takes away that of the endpoint.",
	parseBool,
	func(v *Values, on bool) {
		v.Filters.ResponseFields.Server = on
		if !v.parts.serverKept {
			v.Filters.ResponseFields.HideServer = true
		}
	}).
	example("true").defaults("", "false")

var allowBackendServerHeader = define("allow-backend-server-header", Path,
	"\"true\" passes on the field Server of endpoints, as happens anyway with --compatibility=kubernetes and without server-tokens. \"false\" takes it away.",
	parseBool,
	func(v *Values, on bool) {
		v.parts.serverKept, v.Filters.ResponseFields.HideServer = on, !on
	}).
	example("true").defaults("", "false")

var connectionProxyHeader = define("connection-proxy-header", Path,
	"close or keep-alive: the field Connection that endpoints get; by default it is what the exchange needs. Then they cannot be asked for another protocol, such as WebSocket.",
	parseConnection,
	func(v *Values, option string) { v.Filters.RequestFields.Connection = option }).
	example("close")

func parseConnection(text string, _ dialect) (string, error) {
	option := strings.ToLower(text)
	if option != "close" && option != "keep-alive" {
		return "", errors.New("want close or keep-alive")
	}
	return option, nil
}

// parseFieldNames reads a list of names of fields and returns it in lower case,
// sorted. A part that is no name is left out.
func parseFieldNames(text string, _ dialect) (string, error) {
	if len(text) > longestList {
		return "", fmt.Errorf("want %d bytes at most", longestList)
	}
	var names []string
	var wrong error
	for name := range strings.SplitSeq(strings.ToLower(text), ",") {
		switch name = strings.TrimSpace(name); {
		case name == "":
		case !consistsOf(name, fieldNameBytes):
			wrong = partial{fmt.Errorf("%s is not the name of a field: the others hold", quote(name))}
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ","), wrong
}
