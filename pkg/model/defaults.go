package model

import "time"

// DefaultOptions are the settings of a route without annotations in the profile
// kubernetes. Timeouts and sizes are those of ingress-nginx
// (internal/ingress/controller/config.go), except that a body has no limit.
func DefaultOptions() Options {
	return Options{
		Profile:            ProfileKubernetes,
		AllocationMode:     AllocStandard,
		AllocationModeFrom: FromDefault,
		ConnectTimeout:     5 * time.Second,
		SendTimeout:        60 * time.Second,
		ReadTimeout:        60 * time.Second,
		Retry:              Retry{On: RetryError | RetryTimeout, Tries: 3},
		Buffering: Buffering{
			RequestMemory:  16 << 10,
			ResponseMemory: 16 << 10,
			ResponseFile:   1 << 30,
		},
	}
}

// DefaultOptionsOf are the settings of a route without annotations in a profile. In
// that of ingress-nginx they are all its own.
func DefaultOptionsOf(p Profile) Options {
	o := DefaultOptions()
	if p != ProfileNginx {
		return o
	}
	o.Profile = p
	o.MaxBodyBytes = 1 << 20
	o.Buffering.Request = true
	o.Buffering.ResponseHead = 4 << 10
	filters := DefaultFilters(p)
	filters.Tidy()
	o.Filters = filters.Set()
	return o
}

// acmeChallenge is the path of those who verify that a host is its owner's (RFC 8555,
// section 8.3).
const acmeChallenge = "/.well-known/acme-challenge"

// DefaultFilters are the steps that a route without annotations has in a profile, with
// what holds once a step is switched on. In that of the specification none is on.
func DefaultFilters(p Profile) Filters {
	nginx := p == ProfileNginx
	f := Filters{
		CORS:  defaultCORS,
		HTTPS: HTTPSRedirect{On: nginx, Exempt: acmeChallenge},
		HSTS:  HSTS{On: nginx, MaxAge: 31536000, IncludeSubdomains: true},
		// It has an effect where somebody is asked.
		ExternalAuth:   ExternalAuth{Unverified: nginx},
		ResponseFields: ResponseFields{HideServer: nginx},
	}
	if nginx {
		f.Access.Exempt = acmeChallenge
	}
	return f
}

// DefaultListenerOf are the settings of downstream connections unless set otherwise,
// in a profile. In that of ingress-nginx they are its own
// (internal/ingress/controller/config/config.go).
func DefaultListenerOf(p Profile) Listener {
	l := DefaultListener()
	if p == ProfileNginx {
		l.Profile = p
		l.HeaderTimeout = 60 * time.Second
		l.Log.DefaultBackend = false
	}
	return l
}

// DefaultListener are the settings of downstream connections unless set
// otherwise, in the profile kubernetes (ingress-nginx: keep-alive,
// keep-alive-requests). The head's deadline is ours; its limits are those of nginx,
// four buffers of 8 KiB of which the first line has one.
func DefaultListener() Listener {
	return Listener{
		Profile:            ProfileKubernetes,
		AllocationMode:     AllocStandard,
		AllocationModeFrom: FromDefault,
		KeepAliveTimeout:   75 * time.Second,
		KeepAliveRequests:  1000,
		HeaderTimeout:      10 * time.Second,
		BodyTimeout:        60 * time.Second,
		MaxHeaderBytes:     32 << 10,
		MaxLineBytes:       8 << 10,
		HTTP2:              true,
		HTTP2Streams:       128,
		ProxyHeaderTimeout: 5 * time.Second,
		TrustedProxies:     "0.0.0.0/0,::/0",
		Forwarded:          Forwarded{AddressField: "X-Forwarded-For"},
		Log:                AccessLog{DefaultBackend: true},
		TLS:                ListenerTLS{Protocols: "TLSv1.2 TLSv1.3", Curves: "auto"},
	}
}

// DefaultStreamTimeouts are those of TCP and UDP services unless set otherwise
// (ingress-nginx: proxy-stream-*).
func DefaultStreamTimeouts() StreamTimeouts {
	return StreamTimeouts{Connect: 5 * time.Second, Idle: 600 * time.Second, Tries: 3, Responses: -1}
}
