package annotation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

var enableAccessLog = define("enable-access-log", Path,
	"\"false\" keeps requests out of the access log. \"true\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Options.NoAccessLog = !on }).
	example("false").defaults("true")

var disableAccessLog = define("disable-access-log", Listener,
	"\"true\" logs no request at all. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Log.Off = on }).
	example("true").defaults("false")

var disableHTTPAccessLog = define("disable-http-access-log", Listener,
	"The same as disable-access-log, \"false\" by default: what TCP and UDP services do is not logged anyway.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Log.Off = v.Listener.Log.Off || on }).
	example("true").defaults("false")

var accessLogForDefaultBackend = define("enable-access-log-for-default-backend", Listener,
	"\"true\" logs requests for hosts that nobody serves, answered by the default backend or not. \"false\" by default in the profile ingress-nginx, \"true\" otherwise.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Log.DefaultBackend = on }).
	example("true").defaults("true", "false")

var logFormatUpstream = defineAt("log-format-upstream", Listener,
	"Form of the lines of the access log: a text with variables. That of ingress-nginx by default.",
	parseLogFormat,
	func(v *Values, format string, _ place) { v.Listener.Log.Format = format }).
	example(`$remote_addr "$request" $status $request_time`)

var logFormatEscapeJSON = define("log-format-escape-json", Listener,
	"\"true\" writes values in log-format-upstream as the content of JSON strings. \"false\" by default: what could be mistaken is written as \\xHH.",
	parseBool,
	func(v *Values, on bool) { v.escapeLog(model.LogEscapeJSON, on) }).
	example("true").defaults("false")

var logFormatEscapeNone = define("log-format-escape-none", Listener,
	"\"true\" writes values in log-format-upstream as they are, but for control characters, which become spaces. \"false\" by default. It goes before log-format-escape-json.",
	parseBool,
	func(v *Values, on bool) { v.escapeLog(model.LogEscapeNone, on) }).
	example("true").defaults("false")

var skipAccessLogURLs = define("skip-access-log-urls", Listener,
	"Request targets (path and query) that are not logged, with commas between them: whole ones, or regular expressions behind ~, or ~* for any case of letters. None by default.",
	parseLogSkip,
	func(v *Values, list string) { v.Listener.Log.Skip = list }).
	example("/healthz,~^/static/")

// escapeLog turns a way to escape on, or off when it is the one in force.
func (v *Values) escapeLog(way model.LogEscape, on bool) {
	switch log := &v.Listener.Log; {
	case on:
		log.Escape = way
	case log.Escape == way:
		log.Escape = model.LogEscapeDefault
	}
}

// nginxQuotes undoes what is escaped in a text between quotes of nginx's
// configuration, where ingress-nginx puts the format, and makes it one line.
var nginxQuotes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, `'`, `\t`, " ", `\r`, " ", `\n`, " ",
	"\t", " ", "\r", " ", "\n", " ")

// parseLogFormat reads a format. Variables that there are not are told, and are absent
// from lines.
func parseLogFormat(text string, at place) (string, error) {
	format := nginxQuotes.Replace(text)
	return format, at.checks.logFormat(format)
}

// Bounds of a list of what is not logged: every request is compared with all of it.
const (
	mostLogSkips   = 64
	longestLogSkip = 256
)

// parseLogSkip reads a list of targets and returns it in normal form. A part that
// cannot be read is left out.
func parseLogSkip(text string, _ dialect) (string, error) {
	if strings.Count(text, ",") >= mostLogSkips {
		return "", fmt.Errorf("want %d of them at most", mostLogSkips)
	}
	var list []string
	var wrong error
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if err := checkLogSkip(part); err != nil {
			wrong = partial{fmt.Errorf("%s: %w: the others hold", quote(part), err)}
			continue
		}
		list = append(list, part)
	}
	return strings.Join(list, ","), wrong
}

func checkLogSkip(part string) error {
	if len(part) > longestLogSkip {
		return fmt.Errorf("want %d characters at most", longestLogSkip)
	}
	if _, err := pattern.OfMap(part); err != nil {
		return errors.New(whyNot(err))
	}
	return nil
}
