package http11

import "github.com/shockwave-ingress/shockwave/pkg/message"

// requestFraming tells how a request body is delimited (RFC 9112, section 6.3).
// A message that two recipients could frame differently is refused.
func requestFraming(f *message.Fields, minor uint8) (message.Framing, error) {
	length, chunked, err := bodyFields(f, minor)
	switch {
	case err != nil:
		return message.None, err
	case chunked:
		return message.Chunked, nil
	}
	return message.Framing(max(length, 0)), nil // no Content-Length means 0
}

// responseFraming tells how the body of a response is delimited, given the
// method of its request (RFC 9112, section 6.3), sets Body and Length, and Close
// where the connection is of no further use. It is as strict as requestFraming,
// also where there is no body.
func responseFraming(resp *message.Response, method message.Method) error {
	length, chunked, err := bodyFields(&resp.Fields, resp.Minor)
	switch {
	case err != nil:
		return err
	case resp.Status < 200 && (chunked || length > 0):
		// RFC 9110, section 8.6, and RFC 9112, section 6.1, forbid it. What
		// comes next may be this body or the next head.
		return errInterimBody
	case resp.Status < 200:
	case method == message.HEAD || resp.Status == 304:
		resp.Length = length
	case resp.Status == 204:
		// Forbidden as well, but seen. The bytes that it announces may come yet.
		resp.Close = resp.Close || chunked || length > 0
	case chunked:
		resp.Body = message.Chunked
	case length >= 0:
		resp.Body = message.Framing(length)
	default:
		resp.Body, resp.Close = message.UntilClose, true
	}
	return nil
}

// bodyFields reads Content-Length and Transfer-Encoding, of which a message has
// at most one. length is -1 when there is no Content-Length.
func bodyFields(f *message.Fields, minor uint8) (length int64, chunked bool, err error) {
	hasLength, coded := f.Has(message.ContentLength), f.Has(message.TransferEncoding)
	switch {
	case hasLength && coded:
		return -1, false, errBothLengths
	case hasLength:
		length, err = contentLength(f)
		return length, false, err
	case !coded:
		return -1, false, nil
	case minor == 0:
		// RFC 9112, section 6.1: its framing is faulty, whatever it says.
		return -1, false, errCodingVersion
	}
	return -1, true, onlyChunked(f)
}

// maxLengthDigits keeps a Content-Length inside an int64.
const maxLengthDigits = 18

// contentLength returns the value of Content-Length: one field of digits only
// (RFC 9110, section 8.6). A list or a repetition is refused even if all its
// values are equal.
func contentLength(f *message.Fields) (int64, error) {
	if f.Count(message.ContentLength) > 1 {
		return -1, errLengthRepeated
	}
	value, _ := f.Get(message.ContentLength)
	if len(value) == 0 || len(value) > maxLengthDigits {
		return -1, errLength
	}
	length := int64(0)
	for _, c := range value {
		if !isDigit(c) {
			return -1, errLength
		}
		length = length*10 + int64(c-'0')
	}
	return length, nil
}

// onlyChunked fails unless chunked is the only transfer coding (RFC 9112, section
// 6.1): any other, any list and any repetition is refused, so that nobody further
// on can find another one in it.
func onlyChunked(f *message.Fields) error {
	if f.Count(message.TransferEncoding) > 1 {
		return errCodingRepeated
	}
	if value, _ := f.Get(message.TransferEncoding); !message.EqualFold(value, "chunked") {
		return errCoding
	}
	return nil
}
