package model

import "unique"

// Branches are where some exchanges of a route go in place of its upstream. The zero
// value has none.
type Branches struct {
	// Canary takes a share of the exchanges.
	Canary Canary
	// Encrypted takes the exchanges of clients that use TLS (backend-protocol
	// AUTO_HTTP). A zero key: they go where all others go.
	Encrypted UpstreamKey
	// Errors answers in place of the statuses in Filters.Errors. A zero key: the
	// proxy does, with a page of its own.
	Errors UpstreamKey
	// StandIn has Errors serve the route while its upstream has no endpoints.
	StandIn bool
}

// Canary is another upstream that takes a share of the exchanges of a route
// (ingress-nginx: canary*).
type Canary struct {
	// Upstream gets the share. A zero key: there is no canary.
	Upstream UpstreamKey
	// Ingress is the canary's, "namespace/name".
	Ingress string
	CanaryRules
}

// CanaryRules say which exchanges a canary takes. The first that has an opinion
// decides: Sticky, the header, the cookie, the weight.
type CanaryRules struct {
	// Header is the name of a field of requests. Value, or else a match of Pattern
	// (RE2), selects the canary; without both "always" does, and "never" excludes it.
	Header, Value, Pattern string
	// Cookie is the name of a cookie, whose "always" selects the canary and whose
	// "never" excludes it.
	Cookie string
	// Weight of Total requests are the canary's. Total is at least 100.
	Weight, Total int
	// Legacy does not keep clients, whose cookie names an endpoint, on the side of
	// that endpoint (affinity-canary-behavior).
	Legacy bool
}

// Tidy takes back what has no effect: the rest of a header without name, and a pattern
// beside a value.
func (r *CanaryRules) Tidy() {
	if r.Header == "" {
		r.Value = ""
	}
	if r.Header == "" || r.Value != "" {
		r.Pattern = ""
	}
}

// ForErrors is what of b remains where Errors stands in for nothing: it answers for
// errors, if filters replace any.
func (b Branches) ForErrors(filters FilterSet) Branches {
	b.StandIn = false
	if filters.Filters().Errors.Codes == "" {
		b.Errors = UpstreamKey{}
	}
	return b
}

// settings lists the settings of b under the names of their annotations.
func (b *Branches) settings() []setting {
	c := &b.Canary
	behavior, total := "sticky", c.Total
	if c.Legacy {
		behavior = "legacy"
	}
	if total == LeastCanaryTotal { // as it is unless somebody asks for more
		total = 0
	}
	standIn, errors := b.Errors.text(), ""
	if !b.StandIn {
		standIn, errors = errors, standIn
	}
	return []setting{
		{"backend-of-https", b.Encrypted.text()},
		{"canary", c.Upstream.text()},
		{"canary-ingress", c.Ingress},
		{"canary-weight", c.Weight},
		{"canary-weight-total", total},
		{"canary-by-header", c.Header},
		{"canary-by-header-value", c.Value},
		{"canary-by-header-pattern", c.Pattern},
		{"canary-by-cookie", c.Cookie},
		{"affinity-canary-behavior", behavior},
		{"default-backend", standIn},
		{"error-backend", errors},
	}
}

// LeastCanaryTotal is the least Total of CanaryRules.
const LeastCanaryTotal = 100

// Changes lists what b has, each as two spaces and name=value.
func (b *Branches) Changes() string { return changes(b.settings(), new(Branches).settings()) }

// BranchSet is Branches that are as large as a pointer, like FilterSet. The zero value
// is that of the zero Branches.
type BranchSet struct{ shared unique.Handle[Branches] }

// Set makes a BranchSet of b.
func (b Branches) Set() BranchSet {
	if b == (Branches{}) {
		return BranchSet{}
	}
	return BranchSet{unique.Make(b)}
}

// Branches is what s was made of.
func (s BranchSet) Branches() Branches {
	if s == (BranchSet{}) {
		return Branches{}
	}
	return s.shared.Value()
}
