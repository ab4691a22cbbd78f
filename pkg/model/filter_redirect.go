package model

// AppRoot sends requests for exactly "/" elsewhere (ingress-nginx: app-root).
type AppRoot struct {
	// Path is where to, a path. Empty: nowhere.
	Path string
}

func (a AppRoot) settings() []setting { return []setting{{"app-root", a.Path}} }

// Redirect answers every request with a redirect (ingress-nginx: permanent-redirect,
// temporal-redirect).
type Redirect struct {
	// URL is the value of Location. Empty: none.
	URL string
	// Code is the status.
	Code int
}

func (r Redirect) settings() []setting {
	return []setting{{"redirect", r.URL}, {"redirect-code", r.Code}}
}

// HTTPSRedirect sends requests in clear text to https (ingress-nginx: ssl-redirect,
// force-ssl-redirect).
type HTTPSRedirect struct {
	// On redirects where the host has a certificate, Force everywhere.
	On, Force bool
	// Code is the status. 0 means 308.
	Code int
	// KeepSlash leaves a slash at the end of the path.
	KeepSlash bool
	// Exempt are prefixes of paths that are not redirected, separated by commas.
	Exempt string
}

func (r HTTPSRedirect) settings() []setting {
	return []setting{
		{"ssl-redirect", r.On},
		{"force-ssl-redirect", r.Force},
		{"http-redirect-code", r.Code},
		{"preserve-trailing-slash", r.KeepSlash},
		{"no-tls-redirect-locations", r.Exempt},
	}
}

// HSTS tells browsers to come by https only (RFC 6797; ingress-nginx: hsts*).
type HSTS struct {
	On                         bool
	MaxAge                     int // seconds
	IncludeSubdomains, Preload bool
}

func (h HSTS) settings() []setting {
	return []setting{
		{"hsts", h.On},
		{"hsts-max-age", h.MaxAge},
		{"hsts-include-subdomains", h.IncludeSubdomains},
		{"hsts-preload", h.Preload},
	}
}
