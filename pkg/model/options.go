package model

import (
	"strings"
	"time"
)

// Options are the settings of one route. The zero value is not useful: start
// from DefaultOptions.
type Options struct {
	// Profile is whose behaviour holds where it differs.
	Profile Profile
	// AllocationMode governs the memory of the route's exchanges.
	AllocationMode AllocationMode
	// AllocationModeFrom says for people what chose the mode, such as
	// "annotation shockwave.dev/allocation-mode of Ingress default/shop". It
	// has no effect.
	AllocationModeFrom string
	// ConnectTimeout bounds dialling an endpoint, the TLS handshake included.
	ConnectTimeout time.Duration
	// SendTimeout bounds the gap between two writes to the upstream.
	SendTimeout time.Duration
	// ReadTimeout bounds the gap between two reads from the upstream.
	ReadTimeout time.Duration
	// RequestTimeout bounds the time from a request's head to the end of its
	// response. 0 means no limit.
	RequestTimeout time.Duration
	// MaxBodyBytes is the largest request body accepted. 0 means no limit.
	MaxBodyBytes int64
	// Retry says when a request is sent once more.
	Retry Retry
	// Buffering says what of a message is collected before it is passed on.
	Buffering Buffering
	// NoAccessLog keeps the route's exchanges out of the access log
	// (enable-access-log).
	NoAccessLog bool
	// Filters are the settings of the steps besides forwarding.
	Filters FilterSet
}

// Retry says when a request is sent to another endpoint (ingress-nginx:
// proxy-next-upstream*).
type Retry struct {
	// On are the conditions.
	On RetryOn
	// Tries is the most attempts, the first one included. 0 means as many as there
	// are endpoints.
	Tries int
	// Timeout bounds the time in which attempts may begin. 0 means no limit.
	Timeout time.Duration
}

// RetryOn is a set of conditions for another attempt.
type RetryOn uint16

// The conditions, under the names of proxy-next-upstream (see String).
const (
	RetryError RetryOn = 1 << iota
	RetryTimeout
	RetryInvalidHeader
	Retry500
	Retry502
	Retry503
	Retry504
	Retry403
	Retry404
	Retry429
	// RetryNonIdempotent extends the others to requests that may not be
	// repeated by themselves: POST, LOCK, PATCH.
	RetryNonIdempotent
)

// RetryNames are the names of the conditions, in the order of their values.
var RetryNames = []string{
	"error", "timeout", "invalid_header", "http_500", "http_502", "http_503", "http_504",
	"http_403", "http_404", "http_429", "non_idempotent",
}

// String lists the conditions as proxy-next-upstream does: "error timeout", or
// "off" for none.
func (r RetryOn) String() string {
	var names []string
	for i, name := range RetryNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "off"
	}
	return strings.Join(names, " ")
}

// Status is the condition that a status is, 0 for none.
func (r RetryOn) Status(status int) bool {
	var condition RetryOn
	switch status {
	case 500:
		condition = Retry500
	case 502:
		condition = Retry502
	case 503:
		condition = Retry503
	case 504:
		condition = Retry504
	case 403:
		condition = Retry403
	case 404:
		condition = Retry404
	case 429:
		condition = Retry429
	}
	return r&condition != 0
}

// Buffering says what of a message is collected before it is passed on.
type Buffering struct {
	// Request collects the whole body of a request before an endpoint is chosen
	// (ingress-nginx: proxy-request-buffering).
	Request bool
	// RequestMemory is how much of such a body is held in memory; the rest goes to
	// a temporary file (client-body-buffer-size).
	RequestMemory int64
	// Response reads a response as fast as the endpoint sends it, whatever the
	// client takes, so that the endpoint is free soon (proxy-buffering).
	Response bool
	// ResponseMemory is how much of a response is held in memory for that
	// (proxy-buffers-number times proxy-buffer-size), ResponseFile how much more in
	// a temporary file (proxy-max-temp-file-size).
	ResponseMemory, ResponseFile int64
	// ResponseHead is the longest head of a response that is accepted, in bytes
	// (proxy-buffer-size). 0 means 64 KiB.
	ResponseHead int64
}
