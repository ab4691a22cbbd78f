package http11

// Limits bound what a peer can make us hold, and say what a head may have. They
// must not change while a message is read.
type Limits struct {
	// StartLine is the longest request line or status line, in bytes, without
	// its CRLF. A longer request line is answered with 414.
	StartLine int
	// Head is the largest head, in bytes: start line, field lines and the
	// empty line. A larger one is answered with 431.
	Head int
	// Fields is the most field lines of a head, 431 beyond.
	Fields int
	// TrailerBytes and TrailerFields are what Head and Fields are, for the
	// trailer section of a chunked body.
	TrailerBytes, TrailerFields int
	// ChunkLine is the longest line with a chunk's size and extensions, in
	// bytes, with its CRLF.
	ChunkLine int
	// Underscores keeps fields whose name has an underscore. They are dropped
	// otherwise, since applications that read names from the environment take
	// X_Real_IP for X-Real-IP (nginx: underscores_in_headers).
	Underscores bool
	// PlainNames drops fields whose name has other bytes than letters, digits, - and
	// _: a dot may be taken for a hyphen just so (nginx: ignore_invalid_headers).
	PlainNames bool
	// NoEmptyLine refuses an empty line before the start line. Otherwise one
	// is skipped, as a server should (RFC 9112, section 2.2).
	NoEmptyLine bool
}

// DefaultLimits are those for requests: a request line of 8 KB, a head of 32 KB
// and 100 fields, trailers of 8 KB and 20 fields, a chunk line of 256 bytes.
func DefaultLimits() Limits {
	return Limits{
		StartLine: 8 << 10, Head: 32 << 10, Fields: 100,
		TrailerBytes: 8 << 10, TrailerFields: 20, ChunkLine: 256,
	}
}

// ResponseLimits are those for responses of an upstream: a head of 64 KB and 200
// fields, with any names; the rest as for requests.
func ResponseLimits() Limits {
	return Limits{
		StartLine: 8 << 10, Head: 64 << 10, Fields: 200,
		TrailerBytes: 8 << 10, TrailerFields: 20, ChunkLine: 256,
		Underscores: true, NoEmptyLine: true,
	}
}

// dropped are the classes of bytes that drop a field with one of them in its name.
func (l *Limits) dropped() (classes uint8) {
	if !l.Underscores {
		classes |= underscore
	}
	if l.PlainNames {
		classes |= odd
	}
	return classes
}
