package model

// Forwarded says what is believed of what a proxy in front tells of the client, in
// fields of a request or in a PROXY header, and what endpoints are told. Networks that
// are believed are Listener.TrustedProxies.
type Forwarded struct {
	// Fields believes X-Forwarded-Proto, -Port and -Host, and the client's address
	// (use-forwarded-headers).
	Fields bool
	// Address believes the client's address alone (enable-real-ip).
	Address bool
	// AddressField is the field with the client's address, in the spelling that it was
	// given in (forwarded-for-header).
	AddressField string
	// Full appends to X-Forwarded-For rather than replace it, where Fields is set
	// (compute-full-forwarded-for).
	Full bool
	// NoRequestID leaves requests without an X-Request-ID as they are
	// (generate-request-id).
	NoRequestID bool
	// OriginalURI sends the request target in X-Original-URI
	// (proxy-add-original-uri-header).
	OriginalURI bool
}

func (f Forwarded) settings() []setting {
	return []setting{
		{"use-forwarded-headers", f.Fields},
		{"enable-real-ip", f.Address},
		{"forwarded-for-header", f.AddressField},
		{"compute-full-forwarded-for", f.Full},
		{"generate-request-id", !f.NoRequestID},
		{"proxy-add-original-uri-header", f.OriginalURI},
	}
}
