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
	// Exempt are paths, separated by commas: on routes there and below nobody is asked
	// who they are (no-auth-locations).
	Exempt string
}

// Block refuses requests before all else (ingress-nginx: block-cidrs, block-user-agents,
// block-referers).
type Block struct {
	// Networks are those of clients, in the form of Access.
	Networks string
	// Agents and Referers are what User-Agent and Referer are compared with, separated
	// by commas: a text, in any case, or an expression after "~" or, in any case, "~*".
	Agents, Referers string
}

func (b Block) settings() []setting {
	return []setting{{"block-cidrs", b.Networks}, {"block-user-agents", b.Agents}, {"block-referers", b.Referers}}
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
	// Burst times a rate is how many requests may come at once beyond it. 0 means
	// UsualBurst.
	Burst int
	// Exempt are networks that are not limited, separated by commas.
	Exempt string
	// RateStatus and ConnectionStatus answer what exceeds a limit. 0 means 503.
	RateStatus, ConnectionStatus int
}

// UsualBurst is limit-burst-multiplier where nobody sets it.
const UsualBurst = 5

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
