package server

import (
	"errors"

	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// ErrServerClosed is returned by Serve and its kin after Shutdown or Close.
var ErrServerClosed = downstream.ErrServerClosed

// Errors of reading a request's body. When one occurred and the handler answers
// nothing, the server does: 413, 400 or 408; the connection closes in any case.
var (
	// ErrBodyTooLarge says that the body exceeds Config.MaxRequestBodySize.
	ErrBodyTooLarge = message.ErrBodyTooLarge
	// ErrBodyMalformed says that the chunks of the body are not as they must be.
	ErrBodyMalformed = message.ErrBodyMalformed
	// ErrTimeout says that the client was too slow: in sending the body
	// (ReadTimeout, BodyTimeout), or in taking the response (WriteTimeout).
	ErrTimeout = message.ErrTimeout
	// ErrClientGone says that the connection ended before the message did.
	ErrClientGone = message.ErrClientGone
)

// ErrHeaderWritten is returned by WriteJSON and its kin when the response was begun
// already.
var ErrHeaderWritten = errors.New("response was begun already")

// errMistake is returned by writes to a response that became a 500.
var errMistake = errors.New("response cannot be sent: see the log")
