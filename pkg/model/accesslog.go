package model

// AccessLog says what is logged of exchanges, and how. Routes may be left out by
// Options.NoAccessLog.
type AccessLog struct {
	// Off logs nothing (disable-access-log).
	Off bool
	// Format is the form of a line, a text with variables (log-format-upstream).
	// Empty means that of ingress-nginx.
	Format string
	// Escape says how values are escaped in it.
	Escape LogEscape
	// Skip are request targets that are not logged, separated by commas: whole ones in
	// any case of letters, and regular expressions behind "~", or "~*" for any case
	// (skip-access-log-urls).
	Skip string
	// DefaultBackend logs requests for hosts that nobody serves, and those that the
	// default backend answers (enable-access-log-for-default-backend).
	DefaultBackend bool
}

// LogEscape is a way to escape, under the name of nginx's log_format.
type LogEscape string

// The values of LogEscape.
const (
	LogEscapeDefault LogEscape = ""
	LogEscapeJSON    LogEscape = "json"
	LogEscapeNone    LogEscape = "none"
)

func (l AccessLog) settings() []setting {
	return []setting{
		{"disable-access-log", l.Off},
		{"log-format-upstream", l.Format},
		{"log-format-escape", string(l.Escape)},
		{"skip-access-log-urls", l.Skip},
		{"enable-access-log-for-default-backend", l.DefaultBackend},
	}
}
