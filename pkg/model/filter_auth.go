package model

// BasicAuth wants a user's name and password (RFC 7617; ingress-nginx: auth-type,
// auth-secret, auth-realm).
type BasicAuth struct {
	// Users names one of Config.Users. Empty: nobody is asked.
	Users string
	Realm string
}

func (a BasicAuth) settings() []setting {
	return []setting{{"auth-secret", a.Users}, {"auth-realm", a.Realm}}
}

// ExternalAuth asks a service whether a request may pass (ingress-nginx: auth-url and
// others).
type ExternalAuth struct {
	// URL is asked, Method how. URL may have variables. Empty: nobody is asked.
	URL, Method string
	// SignIn is where clients are sent that are not signed in; it may have
	// variables. RedirectParam is the argument that says where they came from.
	SignIn, RedirectParam string
	// ResponseFields are fields of the service's answer that the endpoint gets,
	// separated by commas.
	ResponseFields string
	// Redirect is the value of X-Auth-Request-Redirect, with variables. Empty means
	// $request_uri.
	Redirect string
}

func (a ExternalAuth) settings() []setting {
	return []setting{
		{"auth-url", a.URL},
		{"auth-method", a.Method},
		{"auth-signin", a.SignIn},
		{"auth-signin-redirect-param", a.RedirectParam},
		{"auth-response-headers", a.ResponseFields},
		{"auth-request-redirect", a.Redirect},
	}
}

// UserList is a list of users and their passwords' hashes. Name is "namespace/secret".
type UserList struct {
	Name string
	// Content has a line name:hash for each user, as htpasswd writes it.
	Content []byte
}
