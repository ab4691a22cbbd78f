package http11

// Error is why a message was refused.
type Error struct {
	// Status is what a server answers to a request like that. For a
	// response it has no meaning: a proxy answers 502.
	Status int
	// Text says what is wrong, in a few words that hold no byte of the
	// message.
	Text string
}

func (e *Error) Error() string { return e.Text }

// The errors, made once.
var (
	errBareLF            = &Error{400, "line does not end with CRLF"}
	errBareCR            = &Error{400, "CR without LF"}
	errStartLine         = &Error{400, "malformed request line"}
	errStartLineTooLong  = &Error{414, "request line is too long"}
	errHeadTooLarge      = &Error{431, "head is too large"}
	errTooManyFields     = &Error{431, "too many fields"}
	errMethod            = &Error{400, "malformed method"}
	errConnect           = &Error{501, "CONNECT is not implemented"}
	errTarget            = &Error{400, "malformed request target"}
	errTargetForm        = &Error{400, "request target is not in a form that this method has"}
	errAuthorityMismatch = &Error{400, "request target and Host differ"}
	errVersion           = &Error{400, "malformed HTTP version"}
	errVersionUnknown    = &Error{505, "HTTP version is not supported"}
	errFieldName         = &Error{400, "malformed field name"}
	errFieldValue        = &Error{400, "malformed field value"}
	errObsFold           = &Error{400, "folded field line"}
	errHostMissing       = &Error{400, "no Host"}
	errHostRepeated      = &Error{400, "more than one Host"}
	errHost              = &Error{400, "malformed Host"}
	errLength            = &Error{400, "malformed Content-Length"}
	errLengthRepeated    = &Error{400, "more than one Content-Length"}
	errCoding            = &Error{400, "transfer coding is not exactly chunked"}
	errCodingRepeated    = &Error{400, "more than one Transfer-Encoding"}
	errCodingVersion     = &Error{400, "Transfer-Encoding in HTTP/1.0"}
	errBothLengths       = &Error{400, "both Content-Length and Transfer-Encoding"}
	errExpect            = &Error{417, "expectation cannot be met"}
	errNominated         = &Error{400, "Connection names a field that is not its own"}
	errConnection        = &Error{400, "malformed Connection"}
	errStatusLine        = &Error{400, "malformed status line"}
	errChunkSize         = &Error{400, "malformed chunk size"}
	errChunkTooLong      = &Error{400, "chunk line is too long"}
	errChunkExtension    = &Error{400, "malformed chunk extension"}
	errChunkEnd          = &Error{400, "chunk does not end with CRLF"}
	errChunkOverhead     = &Error{400, "chunked body is mostly framing"}
	errTrailers          = &Error{431, "trailers are too large"}
	errPath              = &Error{400, "malformed percent-encoding in path"}
)
