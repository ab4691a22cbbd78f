package http11

import "net/http"

// StatusText is the usual reason phrase of a status (RFC 9110, section 15), or
// "Unknown" for a status that has none, since an empty one confuses old clients.
func StatusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "Unknown"
}
