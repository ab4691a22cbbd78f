package model

// ResponseRewrite changes what responses of endpoints tell of their own addresses
// (ingress-nginx: proxy-redirect-*, proxy-cookie-*).
type ResponseRewrite struct {
	// RedirectFrom at the beginning of a URL in Location or Refresh becomes RedirectTo,
	// which may have variables. Empty: nothing does.
	RedirectFrom, RedirectTo string
	// CookieDomain and CookiePath are "from to": a cookie for the domain, or for a path
	// that begins so, is for the other one. Empty: it stays.
	CookieDomain, CookiePath string
}

func (r ResponseRewrite) settings() []setting {
	return []setting{
		{"proxy-redirect-from", r.RedirectFrom},
		{"proxy-redirect-to", r.RedirectTo},
		{"proxy-cookie-domain", r.CookieDomain},
		{"proxy-cookie-path", r.CookiePath},
	}
}
