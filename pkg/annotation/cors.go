package annotation

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

var enableCORS = define("enable-cors", Path,
	"\"true\" answers what browsers ask about other origins (CORS): every OPTIONS request of an allowed origin with 204, and all other responses get the fields of cors-*, in place of those of the endpoint. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.CORS.On = on }).
	example("true").defaults("false")

var corsAllowOrigin = define("cors-allow-origin", Path,
	"Origins that may read responses, with commas between them, such as https://shop.example, http://localhost:8080, https://*.example.com for exactly one more label, or null. *, the default, allows all.",
	parseOrigins,
	func(v *Values, list string) { v.Filters.CORS.Origins = list }).
	example("https://shop.example,https://*.shop.example").defaults("*")

var corsAllowMethods = define("cors-allow-methods", Path,
	"Methods that other origins may use, with commas between them. GET, PUT, POST, DELETE, PATCH, OPTIONS by default.",
	parseListOf("a method", letters),
	func(v *Values, list string) { v.Filters.CORS.Methods = list }).
	example("GET, POST").defaults("GET, PUT, POST, DELETE, PATCH, OPTIONS")

var corsAllowHeaders = define("cors-allow-headers", Path,
	"Fields that requests of other origins may have, with commas between them. DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization by default.",
	parseListOf("the name of a field", fieldNameBytes+"*"),
	func(v *Values, list string) { v.Filters.CORS.Headers = list }).
	example("Content-Type, Authorization")

var corsExposeHeaders = define("cors-expose-headers", Path,
	"Fields of responses that scripts of other origins may read, with commas between them. None by default.",
	parseListOf("the name of a field", fieldNameBytes+"*"),
	func(v *Values, list string) { v.Filters.CORS.Expose = list }).
	example("X-Total-Count")

var corsAllowCredentials = define("cors-allow-credentials", Path,
	"\"true\", the default, lets browsers send cookies and credentials from other origins.",
	parseBool,
	func(v *Values, on bool) { v.Filters.CORS.NoCredentials = !on }).
	example("false").defaults("true")

var corsMaxAge = define("cors-max-age", Path,
	"Seconds for which a browser may rely on the answer to an OPTIONS request. 1728000 by default. -1 has it ask each time.",
	parseMaxAge,
	func(v *Values, n int) { v.Filters.CORS.MaxAge = n }).
	example("3600").defaults("1728000")

func parseMaxAge(text string, d dialect) (int, error) {
	if text == "-1" {
		return -1, nil
	}
	return parseCountWithin(0, math.MaxInt32)(text, d)
}

// Bounds of lists that are compared with, or sent in, each exchange.
const (
	mostListed  = 256
	longestList = 4 << 10
)

// parseListOf reads a list of words of these bytes, with commas or spaces between
// them, and returns it as a value of fields of that form (RFC 9110, section 5.6.1).
func parseListOf(what, bytes string) func(string, dialect) (string, error) {
	return func(text string, _ dialect) (string, error) {
		if len(text) > longestList {
			return "", fmt.Errorf("want %d bytes at most", longestList)
		}
		words := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
		if len(words) == 0 {
			return "", fmt.Errorf("want %s, or several with commas between them", what)
		}
		for _, word := range words {
			if !consistsOf(word, bytes) {
				return "", fmt.Errorf("%s is not %s", quote(word), what)
			}
		}
		return strings.Join(words, ", "), nil
	}
}

// parseOrigins reads a list of origins and returns it in lower case, as origins are
// compared. A part that cannot be read is left out: nobody is allowed by mistake,
// where ingress-nginx would allow all. A * anywhere stands for the whole list, as
// there.
func parseOrigins(text string, _ dialect) (string, error) {
	if len(text) > longestList || strings.Count(text, ",") >= mostListed {
		return "", partial{fmt.Errorf("want %d origins and %d bytes at most: no origin is allowed", mostListed, longestList)}
	}
	var list []string
	var wrong error
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case part == "*":
			return "*", nil
		case !isOrigin(part):
			wrong = partial{fmt.Errorf("%s is no origin, such as https://shop.example: the others hold", quote(part))}
		case !slices.Contains(list, part):
			list = append(list, part)
		}
	}
	if len(list) == 0 {
		wrong = partial{errors.New("want origins, such as https://shop.example: no origin is allowed")}
	}
	return strings.Join(list, ","), wrong
}

// isOrigin tells whether text is null, or a scheme, a host and perhaps a port (RFC
// 6454, section 6.1), where the first label of the host may be *.
func isOrigin(text string) bool {
	if text == "null" {
		return true
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme == "" || !consistsOf(scheme, letters+digits+"+-.") {
		return false
	}
	host, port, ported := strings.Cut(rest, ":")
	if ported && (!isDigits(port) || len(port) > 5) {
		return false
	}
	name := strings.TrimPrefix(host, "*.")
	return name != "" && name[0] != '.' && consistsOf(name, letters+digits+"-.")
}
