package model

import "time"

// DefaultOptions are the settings of a route without annotations. Timeouts and
// sizes are those of ingress-nginx (internal/ingress/controller/config.go),
// except that a body has no limit in the kubernetes profile.
func DefaultOptions() Options {
	return Options{
		AllocationMode:     AllocStandard,
		AllocationModeFrom: FromDefault,
		ConnectTimeout:     5 * time.Second,
		SendTimeout:        60 * time.Second,
		ReadTimeout:        60 * time.Second,
	}
}

// DefaultPool is how connections are kept unless set otherwise
// (ingress-nginx: upstream-keepalive-connections, -timeout, -requests, -time).
func DefaultPool() Pool {
	return Pool{
		IdleConnections: 320,
		IdleTimeout:     60 * time.Second,
		MaxRequests:     10000,
		MaxAge:          time.Hour,
	}
}

// DefaultListener are the settings of downstream connections unless set
// otherwise (ingress-nginx: keep-alive, keep-alive-requests). The head's limits
// and deadline are ours.
func DefaultListener() Listener {
	return Listener{
		AllocationMode:     AllocStandard,
		AllocationModeFrom: FromDefault,
		KeepAliveTimeout:   75 * time.Second,
		KeepAliveRequests:  1000,
		HeaderTimeout:      10 * time.Second,
		BodyTimeout:        60 * time.Second,
		MaxHeaderBytes:     32 << 10,
	}
}
