package upstream

import (
	"errors"

	"golang.org/x/net/http2"
)

// Canceled tells whether an error of RoundTrip, or of reading the response, means that
// the endpoint has given the request up without a fault of the protocol (RFC 9113,
// section 7, CANCEL). Servers of gRPC do so when the deadline of a call has passed.
func Canceled(err error) bool {
	var stream http2.StreamError
	return errors.As(err, &stream) && stream.Code == http2.ErrCodeCancel
}
