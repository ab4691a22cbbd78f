package model

// Errors says which answers with an error are replaced (ingress-nginx:
// custom-http-errors, disable-proxy-intercept-errors). Branches.Errors says by whom.
type Errors struct {
	// Codes are statuses in ascending order, separated by commas.
	Codes string
	// OwnOnly leaves the answers of endpoints as they are: only those of the proxy
	// are replaced.
	OwnOnly bool
}

func (e Errors) settings() []setting {
	return []setting{{"custom-http-errors", e.Codes}, {"disable-proxy-intercept-errors", e.OwnOnly}}
}
