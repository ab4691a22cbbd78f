package model

// AppRoot sends requests for exactly "/" elsewhere (ingress-nginx: app-root).
type AppRoot struct {
	// Path is where to: a path, with a query if need be. Empty: nowhere.
	Path string
}

func (a AppRoot) settings() []setting { return []setting{{"app-root", a.Path}} }

// Redirect answers every request with a redirect. At most one of URL, Host and AddSlash
// is set.
type Redirect struct {
	// URL is the value of Location (ingress-nginx: permanent-redirect,
	// temporal-redirect).
	URL string
	// Host gets the requests as they are: scheme, port, path and query stay
	// (from-to-www-redirect).
	Host string
	// AddSlash sends to the path with a slash at its end, as nginx does where only that
	// path is served. Relative leaves scheme and host out of what it says
	// (relative-redirects), Port puts the port in (use-port-in-redirects).
	AddSlash, Relative, Port bool
	// Code is the status.
	Code int
}

// On tells whether requests are redirected.
func (r Redirect) On() bool { return r.URL != "" || r.Host != "" || r.AddSlash }

func (r Redirect) settings() []setting {
	return []setting{
		{"redirect", r.URL},
		{"redirect-to-host", r.Host},
		{"redirect-to-slash", r.AddSlash},
		{"redirect-code", r.Code},
		{"relative-redirects", r.Relative},
		{"use-port-in-redirects", r.Port},
	}
}

// HTTPSRedirect sends requests in clear text to https (ingress-nginx: ssl-redirect,
// force-ssl-redirect).
type HTTPSRedirect struct {
	// On redirects where the host has a certificate (Host.Secured), Force everywhere.
	On, Force bool
	// Code is the status. 0 means 308.
	Code int
	// KeepSlash leaves a slash at the end of the path.
	KeepSlash bool
	// Exempt are the beginnings of the paths of routes that are not redirected,
	// separated by commas.
	Exempt string
	// Port is put into the URL (use-port-in-redirects). 0: none.
	Port int
}

func (r HTTPSRedirect) settings() []setting {
	return []setting{
		{"ssl-redirect", r.On},
		{"force-ssl-redirect", r.Force},
		{"http-redirect-code", r.Code},
		{"preserve-trailing-slash", r.KeepSlash},
		{"no-tls-redirect-locations", r.Exempt},
		{"ssl-redirect-port", r.Port},
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
