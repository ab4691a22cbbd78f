package annotation

import "errors"

var useForwardedHeaders = define("use-forwarded-headers", Listener,
	"\"true\" believes the fields X-Forwarded-For, -Proto, -Port and -Host of peers in proxy-real-ip-cidr. \"false\" by default: they are written anew.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Forwarded.Fields = on }).
	example("true").defaults("false")

var enableRealIP = define("enable-real-ip", Listener,
	"\"true\" believes what the field forwarded-for-header tells of the client's address, and nothing else. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Forwarded.Address = on }).
	example("true").defaults("false")

var forwardedForHeader = define("forwarded-for-header", Listener,
	"Field with the client's address, for use-forwarded-headers and enable-real-ip. X-Forwarded-For by default.",
	parseFieldName,
	func(v *Values, name string) { v.Listener.Forwarded.AddressField = name }).
	example("CF-Connecting-IP").defaults("X-Forwarded-For")

var computeFullForwardedFor = define("compute-full-forwarded-for", Listener,
	"\"true\" appends the peer's address to X-Forwarded-For rather than replace the field with the client's, with use-forwarded-headers. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Forwarded.Full = on }).
	example("true").defaults("false")

var generateRequestID = define("generate-request-id", Listener,
	"\"false\" sends no X-Request-ID with requests that came without one. \"true\" by default: they get one of 32 random digits.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Forwarded.NoRequestID = !on }).
	example("false").defaults("true")

var proxyAddOriginalURIHeader = define("proxy-add-original-uri-header", Listener,
	"\"true\" sends the request target as received in X-Original-URI. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Forwarded.OriginalURI = on }).
	example("true").defaults("false")

// parseFieldName reads the name of a field that is believed. When it cannot be read no
// field is: clients may write the usual one as they like.
func parseFieldName(text string, _ dialect) (string, error) {
	if !isFieldName(text) {
		return "", partial{errors.New("want the name of a field, such as X-Forwarded-For: none is believed")}
	}
	return text, nil
}
