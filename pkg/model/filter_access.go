package model

// Access says which addresses of clients are served (ingress-nginx:
// allowlist-source-range, denylist-source-range, satisfy). Lists have networks in
// normal form, separated by commas.
type Access struct {
	// Allow are those served; empty for all. Deny goes before it.
	Allow, Deny string
	// Any serves a request that either Allow or one kind of authentication lets
	// through. Otherwise all must.
	Any bool
	// Exempt are prefixes of paths for which nobody is asked who they are, separated by
	// commas (no-auth-locations).
	Exempt string
}

func (a Access) settings() []setting {
	satisfy := "all"
	if a.Any {
		satisfy = "any"
	}
	return []setting{{"allowlist-source-range", a.Allow}, {"denylist-source-range", a.Deny}, {"satisfy", satisfy}, {"no-auth-locations", a.Exempt}}
}

// Limits bound what one address of a client may ask for (ingress-nginx: limit-*).
type Limits struct {
	// PerSecond and PerMinute are requests, Connections are those in progress at a
	// time. 0: no limit.
	PerSecond, PerMinute, Connections int
	// Burst is how many times a rate may be exceeded for a moment.
	Burst int
	// Exempt are networks that are not limited, separated by commas.
	Exempt string
	// RateStatus and ConnectionStatus answer what exceeds a limit. 0 means 503.
	RateStatus, ConnectionStatus int
}

func (l Limits) settings() []setting {
	return []setting{
		{"limit-rps", l.PerSecond},
		{"limit-rpm", l.PerMinute},
		{"limit-connections", l.Connections},
		{"limit-burst-multiplier", l.Burst},
		{"limit-allowlist", l.Exempt},
		{"limit-req-status-code", l.RateStatus},
		{"limit-conn-status-code", l.ConnectionStatus},
	}
}
