package http11

// Limits bound what a peer can make us hold.
type Limits struct {
	// StartLine is the longest request line or status line, in bytes.
	StartLine int
	// Head is the largest head: start line and fields, in bytes.
	Head int
	// Fields is the most field lines of a head.
	Fields int
	// TrailerBytes and TrailerFields are Head and Fields for trailers.
	TrailerBytes, TrailerFields int
	// ChunkLine is the longest line with a chunk's size and extensions.
	ChunkLine int
	// Underscores keeps fields whose name has an underscore. They are
	// dropped otherwise, since applications that read names from the
	// environment take X_Real_IP for X-Real-IP (nginx:
	// underscores_in_headers).
	Underscores bool
}

// DefaultLimits are those for requests.
func DefaultLimits() Limits {
	return Limits{
		StartLine: 8 << 10, Head: 32 << 10, Fields: 100,
		TrailerBytes: 8 << 10, TrailerFields: 20, ChunkLine: 256,
	}
}

// ResponseLimits are those for responses of an upstream.
func ResponseLimits() Limits {
	return Limits{
		StartLine: 8 << 10, Head: 64 << 10, Fields: 200,
		TrailerBytes: 8 << 10, TrailerFields: 20, ChunkLine: 256,
		Underscores: true,
	}
}
