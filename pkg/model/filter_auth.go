package model

import "strings"

// BasicAuth wants a user's name and password (RFC 7617; ingress-nginx: auth-type,
// auth-secret, auth-realm).
type BasicAuth struct {
	// Users names one of Config.Users. Empty: nobody is asked.
	Users string
	// Realm is what clients are told that the password is for.
	Realm string
}

func (a BasicAuth) settings() []setting {
	return []setting{{"auth-secret", a.Users}, {"auth-realm", a.Realm}}
}

// ExternalAuth asks a service whether a request may pass (ingress-nginx: auth-url and
// others).
type ExternalAuth struct {
	// URL is asked, Method how; empty means GET. URL may have variables. Empty: nobody
	// is asked.
	URL, Method string
	// Unverified takes any certificate of an https service; otherwise it must be one
	// that the system's authorities vouch for.
	Unverified bool
	// SetFields are fields that the service gets besides those of the request, with
	// their values, which may have variables, each "Name: value", one per line.
	SetFields string
	// SignIn is where clients are sent that are not signed in; it may have
	// variables. RedirectParam is the argument that says where they came from; empty
	// means rd.
	SignIn, RedirectParam string
	// ResponseFields are fields of the service's answer that the endpoint gets,
	// separated by commas. Nobody else can set them.
	ResponseFields string
	// Redirect is the value of X-Auth-Request-Redirect, with variables. Empty means
	// $request_uri.
	Redirect string
	// AlwaysSetCookie gives clients the cookies of the service's answer whatever the
	// status of the response.
	AlwaysSetCookie bool
	// CacheKey tells requests apart that may have different answers, with variables.
	// Empty: each request is asked about. CacheDurations says how long answers hold,
	// by status, such as "200=5m0s,401=1m0s"; "any" stands for all others.
	CacheKey, CacheDurations string
}

// DefaultCacheDurations hold where there is a CacheKey (ingress-nginx:
// auth-cache-duration).
const DefaultCacheDurations = "200=5m0s,202=5m0s,401=5m0s"

func (a ExternalAuth) settings() []setting {
	return []setting{
		{"auth-url", a.URL},
		{"auth-method", a.Method},
		{"auth-url-verify", onOff(!a.Unverified)},
		{"auth-proxy-set-headers", a.SetFields},
		{"auth-signin", a.SignIn},
		{"auth-signin-redirect-param", a.RedirectParam},
		{"auth-response-headers", a.ResponseFields},
		{"auth-request-redirect", a.Redirect},
		{"auth-always-set-cookie", a.AlwaysSetCookie},
		{"auth-cache-key", a.CacheKey},
		{"auth-cache-duration", a.CacheDurations},
	}
}

// Tidy takes back what has no effect without another setting.
func (a *ExternalAuth) Tidy() {
	switch {
	case a.URL == "":
		*a = ExternalAuth{}
		return
	case a.CacheKey == "":
		a.CacheDurations = ""
	case a.CacheDurations == "":
		a.CacheDurations = DefaultCacheDurations
	}
	if a.SignIn == "" {
		a.RedirectParam = ""
	}
	if scheme, _, _ := strings.Cut(a.URL, ":"); scheme == "http" {
		a.Unverified = false
	}
}

// Authority is the part of the URL that says who is asked: host and port.
func (a ExternalAuth) Authority() string {
	_, rest, _ := strings.Cut(a.URL, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// OfRequest tells whether the request's own host is asked. Where the route has no
// host, clients would then say who decides about them. port tells whether the port is
// that of the request, which clients choose.
func (a ExternalAuth) OfRequest() (host, port bool) {
	authority := strings.ToLower(strings.ReplaceAll(a.Authority(), "{", ""))
	port = strings.Contains(authority, "$http_host")
	return port || strings.Contains(authority, "$host"), port
}

// UserList is a list of users and their passwords' hashes. It is compared by content.
type UserList struct {
	// Name is "namespace/secret", with "#map" after it where each key of the Secret is
	// a user.
	Name string
	// Content has a line name:hash for each user, as htpasswd writes it.
	Content []byte
}
