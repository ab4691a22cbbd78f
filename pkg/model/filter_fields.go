package model

// RequestFields says which fields of requests endpoints get.
type RequestFields struct {
	// Host is the value of Host, with variables (upstream-vhost). Empty: that of the
	// client.
	Host string
	// Set are fields with their values, which may have variables, each "Name: value",
	// one per line (proxy-set-headers). They stand in place of those of the same name.
	// One without a value is taken away.
	Set string
	// Connection is close or keep-alive, the value of that field
	// (connection-proxy-header). Empty: what the exchange needs.
	Connection string
}

func (f RequestFields) settings() []setting {
	return []setting{{"upstream-vhost", f.Host}, {"proxy-set-headers", f.Set}, {"connection-proxy-header", f.Connection}}
}

// ResponseFields says which fields of responses clients get.
type ResponseFields struct {
	// Set is that of RequestFields, for responses (custom-headers, add-headers).
	Set string
	// Hide are names of fields in lower case that endpoints' responses lose, separated
	// by commas (hide-headers).
	Hide string
	// HideServer takes away the field Server of endpoints
	// (allow-backend-server-header), and Server sends one of ours where there is none
	// (server-tokens).
	HideServer, Server bool
}

func (f ResponseFields) settings() []setting {
	return []setting{
		{"custom-headers", f.Set},
		{"hide-headers", f.Hide},
		{"server-tokens", f.Server},
		{"allow-backend-server-header", !f.HideServer},
	}
}
