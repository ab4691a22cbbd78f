package model

// Rewrite changes the path that is forwarded (ingress-nginx: rewrite-target).
type Rewrite struct {
	// Target is the new path, in which $1 to $9 are what the groups of the route's
	// path have matched. Empty: the path stays.
	Target string
	// Prefix is the value of X-Forwarded-Prefix, empty for none.
	Prefix string
}

func (r Rewrite) settings() []setting {
	return []setting{{"rewrite-target", r.Target}, {"x-forwarded-prefix", r.Prefix}}
}
