package filter

import "strings"

// Paths that are exempt from a filter are compared with the path of the route, as in
// ingress-nginx (template.go, isLocationInLocationList). Compared with that of the
// request they would open a part of an application that is protected as a whole.

// unasked tells whether nobody is asked on the route who they are (no-auth-locations).
// Unlike in ingress-nginx paths are compared in whole segments: /health does not open
// /healthcare.
func (s *Settings) unasked() bool {
	for path := range strings.SplitSeq(s.Filters.Access.Exempt, ",") {
		rest, below := strings.CutPrefix(s.Path, path)
		if path != "" && below && (rest == "" || rest[0] == '/' || path[len(path)-1] == '/') {
			return true
		}
	}
	return false
}

// unredirected tells whether requests for the route are not redirected to https
// (no-tls-redirect-locations). What begins so is exempt: that opens nothing.
func (s *Settings) unredirected() bool {
	for path := range strings.SplitSeq(s.Filters.HTTPS.Exempt, ",") {
		if path != "" && strings.HasPrefix(s.Path, path) {
			return true
		}
	}
	return false
}
