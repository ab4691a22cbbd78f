package model

// CORS answers the questions of browsers about other origins (ingress-nginx: enable-cors, cors-*).
type CORS struct {
	On bool
	// Origins, Methods, Headers and Expose are lists separated by commas.
	Origins, Methods, Headers, Expose string
	Credentials                       bool
	MaxAge                            int // seconds
}

func (c CORS) settings() []setting {
	return []setting{
		{"enable-cors", c.On},
		{"cors-allow-origin", c.Origins},
		{"cors-allow-methods", c.Methods},
		{"cors-allow-headers", c.Headers},
		{"cors-expose-headers", c.Expose},
		{"cors-allow-credentials", c.Credentials},
		{"cors-max-age", c.MaxAge},
	}
}
