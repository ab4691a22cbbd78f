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
		Retry:              Retry{On: RetryError | RetryTimeout, Tries: 3},
		Buffering: Buffering{
			RequestMemory:  16 << 10,
			ResponseMemory: 16 << 10,
			ResponseFile:   1 << 30,
		},
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
		HTTP2:              true,
		HTTP2Streams:       128,
		ProxyHeaderTimeout: 5 * time.Second,
		TrustedProxies:     "0.0.0.0/0,::/0",
		TLS:                ListenerTLS{Protocols: "TLSv1.2 TLSv1.3", Curves: "auto"},
	}
}

// DefaultStreamTimeouts are those of TCP and UDP services unless set otherwise
// (ingress-nginx: proxy-stream-*).
func DefaultStreamTimeouts() StreamTimeouts {
	return StreamTimeouts{Connect: 5 * time.Second, Idle: 600 * time.Second, Tries: 3, Responses: -1}
}
