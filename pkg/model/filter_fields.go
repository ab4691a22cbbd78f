package model

// RequestFields says which fields of requests endpoints get.
type RequestFields struct {
	// Host is the value of Host, with variables (upstream-vhost). Empty: that of the
	// client.
	Host string
	// Set are fields with their values, which may have variables, each "Name: value",
	// one per line (proxy-set-headers).
	Set string
}

func (f RequestFields) settings() []setting {
	return []setting{{"upstream-vhost", f.Host}, {"proxy-set-headers", f.Set}}
}

// ResponseFields says which fields of responses clients get.
type ResponseFields struct {
	// Set are fields with their values, each "Name: value", one per line
	// (custom-headers, add-headers).
	Set string
	// Hide are names of fields that endpoints' responses lose, separated by commas
	// (hide-headers).
	Hide string
}

func (f ResponseFields) settings() []setting {
	return []setting{{"custom-headers", f.Set}, {"hide-headers", f.Hide}}
}
