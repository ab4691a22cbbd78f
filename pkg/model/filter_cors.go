package model

// CORS answers the questions of browsers about other origins (the CORS protocol of
// the Fetch standard; ingress-nginx: enable-cors, cors-*).
type CORS struct {
	On bool
	// Origins are those allowed: in lower case, with commas between them, where the
	// first label of a host may be *, or "*" for all. Empty allows none.
	Origins string
	// Methods, Headers and Expose are the values of the fields of that meaning. Empty:
	// the field is not sent.
	Methods, Headers, Expose string
	NoCredentials            bool
	MaxAge                   int // seconds
}

// defaultCORS are the settings of CORS unless set otherwise (ingress-nginx:
// internal/ingress/annotations/cors/main.go).
var defaultCORS = CORS{
	Origins: "*",
	Methods: "GET, PUT, POST, DELETE, PATCH, OPTIONS",
	Headers: "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
	MaxAge:  1728000,
}

// settings are those that hold, or would if c were on, so that only what differs from
// them is shown.
func (c CORS) settings() []setting {
	if !c.On {
		c = defaultCORS
	}
	return []setting{
		{"enable-cors", c.On},
		{"cors-allow-origin", c.Origins},
		{"cors-allow-methods", c.Methods},
		{"cors-allow-headers", c.Headers},
		{"cors-expose-headers", c.Expose},
		{"cors-allow-credentials", !c.NoCredentials},
		{"cors-max-age", c.MaxAge},
	}
}
