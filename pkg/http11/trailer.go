package http11

import "github.com/shockwave-ingress/shockwave/pkg/message"

// dropControls removes from trailers the fields that must not be there (RFC 9110,
// section 6.5.1): those that say how to frame, route, authorize, process or cache
// a message were due before its body, and who merges them with its head would act
// on them too late. All names that the program knows are among them.
func dropControls(trailers *message.Fields) {
	for i := range trailers.Len() {
		if n, name, _, ok := trailers.At(i); ok && (n != message.Unknown || isControl(name)) {
			trailers.Remove(i)
		}
	}
}

// isControl tells whether a field that the program does not know must not be in
// trailers.
func isControl(name []byte) bool {
	for _, control := range controls {
		if message.EqualFold(name, control) {
			return true
		}
	}
	for _, prefix := range controlPrefixes {
		if len(name) > len(prefix) && message.EqualFold(name[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

var (
	controls = [...]string{
		"Accept-Ranges", "Age", "Cache-Control", "Expires", "Max-Forwards", "Pragma", "Range", "Retry-After",
		"Vary", "Warning", "WWW-Authenticate",
	}
	controlPrefixes = [...]string{"Content-", "If-", "X-Forwarded-", "X-Original-"}
)
