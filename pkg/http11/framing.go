package http11

import "github.com/shockwave-ingress/shockwave/pkg/message"

// requestFraming tells how a request body is delimited (RFC 9112, section 6.3).
// A message that two recipients could frame differently is refused.
func requestFraming(f *message.Fields, minor uint8) (message.Framing, error) {
	length, hasLength, err := contentLength(f)
	coded, codingErr := transferCoding(f)
	switch {
	case err != nil:
		return message.None, err
	case codingErr != nil:
		return message.None, codingErr
	case coded && hasLength:
		return message.None, errBothLengths
	case coded && minor == 0:
		return message.None, errCodingVersion
	case coded:
		return message.Chunked, nil
	}
	return message.Framing(length), nil // no Content-Length means 0
}

// responseFraming tells how the body of a response to a request with a method
// is delimited (RFC 9112, section 6.3), and which length it announces, -1 for
// none. It is as strict as requestFraming.
func responseFraming(f *message.Fields, minor uint8, status int, method message.Method) (body message.Framing, announced int64, err error) {
	length, hasLength, err := contentLength(f)
	if err != nil {
		return message.None, -1, err
	}
	coded, err := transferCoding(f)
	if err != nil {
		return message.None, -1, err
	}
	announced = -1
	if hasLength {
		announced = length
	}
	switch {
	case coded && hasLength:
		return message.None, -1, errBothLengths
	case coded && minor == 0:
		return message.None, -1, errCodingVersion
	case status < 200 || status == 204 || status == 304 || method == message.HEAD:
		return message.None, announced, nil
	case coded:
		return message.Chunked, -1, nil
	case hasLength:
		return message.Framing(length), length, nil
	}
	return message.UntilClose, -1, nil
}

// maxLengthDigits keeps a Content-Length inside an int64.
const maxLengthDigits = 18

// contentLength returns the value of Content-Length: one field, digits only (RFC
// 9110, section 8.6). A list or a repetition is refused even if all are equal.
func contentLength(f *message.Fields) (length int64, ok bool, err error) {
	value, ok := f.Get(message.ContentLength)
	if !ok {
		return 0, false, nil
	}
	if f.Count(message.ContentLength) > 1 {
		return 0, true, errLengthRepeated
	}
	if len(value) == 0 || len(value) > maxLengthDigits {
		return 0, true, errLength
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, true, errLength
		}
		length = length*10 + int64(c-'0')
	}
	return length, true, nil
}

// transferCoding tells whether the message is chunked. Any other coding, and a
// list of codings, is refused.
func transferCoding(f *message.Fields) (chunked bool, err error) {
	value, ok := f.Get(message.TransferEncoding)
	if !ok {
		return false, nil
	}
	if f.Count(message.TransferEncoding) > 1 {
		return true, errCodingRepeated
	}
	if !message.EqualFold(value, "chunked") {
		return true, errCoding
	}
	return true, nil
}
