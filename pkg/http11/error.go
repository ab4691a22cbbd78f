package http11

// Error is why a message was refused. There is one value for each reason, so
// that refusing costs nothing; compare them by Text, which is constant.
type Error struct {
	// Status is what a server answers to such a request: 400, 414, 417, 431,
	// 501 or 505. For a response it has no meaning: a proxy answers 502.
	Status int
	// Text says what is wrong, in a few words that hold no byte of the
	// message.
	Text string
}

func (e *Error) Error() string { return e.Text }

// Heads.
var (
	errBareLF           = &Error{400, "line does not end with CRLF"}
	errBareCR           = &Error{400, "CR without LF"}
	errControl          = &Error{400, "control character"}
	errIncomplete       = &Error{400, "head is not complete"}
	errAfterHead        = &Error{400, "bytes after the end of the head"}
	errStartLine        = &Error{400, "malformed start line"}
	errStartLineTooLong = &Error{414, "start line is too long"}
	errHeadTooLarge     = &Error{431, "head is too large"}
	errTooManyFields    = &Error{431, "too many fields"}
	errFieldName        = &Error{400, "malformed field name"}
	errFieldValue       = &Error{400, "malformed field value"}
	errObsFold          = &Error{400, "folded field line"}
)

// Start lines.
var (
	errMethod         = &Error{400, "malformed method"}
	errConnect        = &Error{501, "CONNECT is not implemented"}
	errTarget         = &Error{400, "malformed request target"}
	errTargetForm     = &Error{400, "request target is in no form that this method has"}
	errPath           = &Error{400, "malformed percent-encoding in path"}
	errVersion        = &Error{400, "malformed HTTP version"}
	errVersionUnknown = &Error{505, "HTTP version is neither 1.0 nor 1.1"}
	errStatusCode     = &Error{400, "malformed status code"}
	errReason         = &Error{400, "malformed reason phrase"}
)

// Fields that routing and framing rest on.
var (
	errHostMissing    = &Error{400, "no Host"}
	errHostRepeated   = &Error{400, "more than one Host"}
	errHost           = &Error{400, "malformed Host"}
	errHostDiffers    = &Error{400, "request target and Host differ"}
	errLength         = &Error{400, "malformed Content-Length"}
	errLengthRepeated = &Error{400, "more than one Content-Length"}
	errCoding         = &Error{400, "transfer coding is not exactly chunked"}
	errCodingRepeated = &Error{400, "more than one Transfer-Encoding"}
	errCodingVersion  = &Error{400, "Transfer-Encoding in HTTP/1.0"}
	errInterimBody    = &Error{400, "interim response with a body"}
	errBothLengths    = &Error{400, "both Content-Length and Transfer-Encoding"}
	errExpect         = &Error{417, "expectation cannot be met"}
	errConnection     = &Error{400, "malformed Connection"}
	errOptions        = &Error{400, "too many connection options"}
	errNominated      = &Error{400, "Connection names a field that is not its own"}
)

// Bodies in chunks.
var (
	errChunkSize      = &Error{400, "malformed chunk size"}
	errChunkLine      = &Error{400, "chunk line is too long"}
	errChunkExtension = &Error{400, "malformed chunk extension"}
	errChunkEnd       = &Error{400, "chunk does not end with CRLF"}
	errChunkOverhead  = &Error{400, "chunked body is mostly framing"}
	errTrailers       = &Error{431, "trailers are too large"}
)
