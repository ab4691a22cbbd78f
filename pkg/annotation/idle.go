package annotation

import "github.com/shockwave-ingress/shockwave/pkg/model"

// dependent are settings that have no effect without another one.
type dependent struct {
	names, needs string
	// idle tells that the other one is missing.
	idle func(v *Values) bool
	// part is what the settings set. It is comparable.
	part func(v *Values) any
}

var dependents = []dependent{
	{
		"proxy-ssl-*", "backend-protocol HTTPS, GRPCS or H2",
		func(v *Values) bool { return !v.Policy.Transport.Protocol.Encrypted() },
		func(v *Values) any {
			return [2]any{v.Policy.Transport.TLS, v.ProxySSLSecret}
		},
	},
	{
		"session-cookie-* and affinity-mode", "affinity",
		func(v *Values) bool { return v.Policy.Balance.Sticky.Cookie == "" },
		func(v *Values) any {
			sticky := v.Policy.Balance.Sticky
			sticky.Cookie = v.parts.cookieName
			return sticky
		},
	},
	{
		"upstream-hash-load", "upstream-hash-by or a balanced affinity",
		func(v *Values) bool {
			_, policy := v.Final()
			return policy.Balance.HashLoad == 0
		},
		func(v *Values) any { return v.Policy.Balance.HashLoad },
	},
	{
		"upstream-max-pending and upstream-pending-timeout", "upstream-max-connections",
		func(v *Values) bool { return v.Policy.Pool.MaxConnections == 0 },
		func(v *Values) any { return [2]any{v.Policy.Pool.MaxPending, v.Policy.Pool.PendingTimeout} },
	},
	{
		"health-check-*", "health-check",
		func(v *Values) bool { return v.Policy.Health.Check.Kind == model.NoCheck },
		func(v *Values) any {
			check := v.Policy.Health.Check
			check.Kind = model.NoCheck
			return check
		},
	},
	{
		"auth-method, auth-signin, auth-response-headers and others", "auth-url",
		func(v *Values) bool { return v.Filters.ExternalAuth.URL == "" },
		func(v *Values) any { return [2]any{v.Filters.ExternalAuth, v.AuthSetFields} },
	},
	{
		"auth-tls-*", "auth-tls-secret",
		func(v *Values) bool { return v.AuthTLSSecret == "" && !v.ClientAuthWanted },
		func(v *Values) any { return [3]any{v.Host.Depth, v.Host.ErrorPage, v.Host.PassCertificate} },
	},
	{
		"x-forwarded-prefix", "rewrite-target",
		func(v *Values) bool {
			return v.Options.Profile == model.ProfileNginx && v.Filters.Rewrite.Target == ""
		},
		func(v *Values) any { return v.Filters.Rewrite.Prefix },
	},
}

// tellIdle tells the author of an Ingress, which started from before, of settings
// there that have no effect. Where the Ingress is denied, more than they is wrong.
func (in *reading) tellIdle(before *Values) {
	if in.result.Denied != "" || in.result.Set&(Path|Upstream|Host) == 0 {
		return
	}
	for i := range dependents {
		if d := &dependents[i]; d.idle(in.values) && d.part(in.values) != d.part(before) {
			in.problem(model.ReasonNoEffect, "%s: no effect without %s", d.names, d.needs)
		}
	}
}
