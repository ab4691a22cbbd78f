package annotation

import "github.com/shockwave-ingress/shockwave/pkg/model"

// dependent are settings that have no effect without another one.
type dependent struct {
	names, needs string
	// beside says that the other one must be missing.
	beside bool
	// idle tells that it is so.
	idle func(v *Values) bool
	// part is what the settings set. It is comparable.
	part func(v *Values) any
}

var dependents = []dependent{
	{
		names: "permanent-redirect", needs: "temporal-redirect", beside: true,
		idle: func(v *Values) bool { return v.parts.temporal.url != "" },
		part: func(v *Values) any { return v.parts.permanent.url },
	},
	{
		names: "permanent-redirect-code", needs: "permanent-redirect",
		idle: func(v *Values) bool { return v.parts.permanent.url == "" },
		part: func(v *Values) any { return v.parts.permanent.code },
	},
	{
		names: "temporal-redirect-code", needs: "temporal-redirect",
		idle: func(v *Values) bool { return v.parts.temporal.url == "" },
		part: func(v *Values) any { return v.parts.temporal.code },
	},
	{
		names: "preserve-trailing-slash, http-redirect-code and no-tls-redirect-locations", needs: "ssl-redirect or force-ssl-redirect",
		idle: func(v *Values) bool { return !v.Filters.HTTPS.On && !v.Filters.HTTPS.Force && !v.FromToWWW },
		part: func(v *Values) any {
			https := v.Filters.HTTPS
			https.On, https.Force = false, false
			return https
		},
	},
	{
		names: "hsts-*", needs: "hsts",
		idle: func(v *Values) bool { return !v.Filters.HSTS.On },
		part: func(v *Values) any {
			hsts := v.Filters.HSTS
			hsts.On = false
			return hsts
		},
	},
	{
		names: "proxy-ssl-*", needs: "backend-protocol HTTPS, AUTO_HTTP, GRPCS or H2",
		idle: func(v *Values) bool { return !v.Policy.Transport.Protocol.Encrypted() && !v.AutoProtocol },
		part: func(v *Values) any {
			return [2]any{v.Policy.Transport.TLS, v.ProxySSLSecret}
		},
	},
	{
		names: "session-cookie-* and affinity-mode", needs: "affinity",
		idle: func(v *Values) bool { return v.Policy.Balance.Sticky.Cookie == "" },
		part: func(v *Values) any {
			sticky := v.Policy.Balance.Sticky
			sticky.Cookie = v.parts.cookieName
			return sticky
		},
	},
	{
		names: "upstream-hash-load", needs: "upstream-hash-by or a balanced affinity",
		idle: func(v *Values) bool {
			_, policy := v.Final()
			return policy.Balance.HashLoad == 0
		},
		part: func(v *Values) any { return v.Policy.Balance.HashLoad },
	},
	{
		names: "upstream-max-pending and upstream-pending-timeout", needs: "upstream-max-connections",
		idle: func(v *Values) bool { return v.Policy.Pool.MaxConnections == 0 },
		part: func(v *Values) any { return [2]any{v.Policy.Pool.MaxPending, v.Policy.Pool.PendingTimeout} },
	},
	{
		names: "health-check-*", needs: "health-check",
		idle: func(v *Values) bool { return v.Policy.Health.Check.Kind == model.NoCheck },
		part: func(v *Values) any {
			check := v.Policy.Health.Check
			check.Kind = model.NoCheck
			return check
		},
	},
	{
		names: "auth-method, auth-signin, auth-response-headers and others", needs: "auth-url",
		idle: func(v *Values) bool { return v.Filters.ExternalAuth.URL == "" },
		part: func(v *Values) any { return [2]any{v.Filters.ExternalAuth, v.AuthSetFields} },
	},
	{
		names: "auth-signin-redirect-param", needs: "auth-signin",
		idle: func(v *Values) bool { return v.Filters.ExternalAuth.URL != "" && v.Filters.ExternalAuth.SignIn == "" },
		part: func(v *Values) any { return v.Filters.ExternalAuth.RedirectParam },
	},
	{
		names: "auth-cache-duration", needs: "auth-cache-key",
		idle: func(v *Values) bool { return v.Filters.ExternalAuth.URL != "" && v.Filters.ExternalAuth.CacheKey == "" },
		part: func(v *Values) any { return v.Filters.ExternalAuth.CacheDurations },
	},
	{
		names: "cors-*", needs: "enable-cors",
		idle: func(v *Values) bool { return !v.Filters.CORS.On },
		part: func(v *Values) any {
			cors := v.Filters.CORS
			cors.On = false
			return cors
		},
	},
	{
		names: "proxy-redirect-to", needs: "proxy-redirect-from",
		idle: func(v *Values) bool { return v.Filters.ResponseRewrite.RedirectFrom == "" },
		part: func(v *Values) any { return v.Filters.ResponseRewrite.RedirectTo },
	},
	{
		names: "proxy-redirect-from", needs: "proxy-redirect-to",
		idle: func(v *Values) bool { return v.Filters.ResponseRewrite.RedirectTo == "" },
		part: func(v *Values) any { return v.Filters.ResponseRewrite.RedirectFrom },
	},
	{
		names: "auth-realm and auth-secret-type", needs: "auth-type",
		idle: func(v *Values) bool { return !v.BasicAuth && v.AuthSecret == "" },
		part: func(v *Values) any { return [2]any{v.Filters.BasicAuth, v.AuthMap} },
	},
	{
		names: "limit-burst-multiplier, limit-allowlist and limit-*-status-code", needs: "limit-rps, limit-rpm or limit-connections",
		idle: func(v *Values) bool {
			l := v.Filters.Limits
			return l.PerSecond == 0 && l.PerMinute == 0 && l.Connections == 0
		},
		part: func(v *Values) any { return v.Filters.Limits },
	},
	{
		names: "auth-tls-*", needs: "auth-tls-secret",
		idle: func(v *Values) bool { return v.AuthTLSSecret == "" && !v.ClientAuthWanted },
		part: func(v *Values) any { return [3]any{v.Host.Depth, v.Host.ErrorPage, v.Host.PassCertificate} },
	},
	{
		names: "x-forwarded-prefix", needs: "rewrite-target",
		idle: func(v *Values) bool {
			return v.Options.Profile == model.ProfileNginx && v.Filters.Rewrite.Target == ""
		},
		part: func(v *Values) any { return v.Filters.Rewrite.Prefix },
	},
	{
		names: "canary-* and affinity-canary-behavior", needs: "canary",
		idle: func(v *Values) bool { return !v.IsCanary },
		part: func(v *Values) any { return v.Canary },
	},
	{
		names: "canary-by-header-value and canary-by-header-pattern", needs: "canary-by-header",
		idle: func(v *Values) bool { return v.IsCanary && v.Canary.Header == "" },
		part: func(v *Values) any { return [2]string{v.Canary.Value, v.Canary.Pattern} },
	},
	{
		names: "disable-proxy-intercept-errors", needs: "custom-http-errors",
		idle: func(v *Values) bool { return v.Filters.Errors.Codes == "" },
		part: func(v *Values) any { return v.Filters.Errors.OwnOnly },
	},
}

// tellIdle tells the author of an Ingress, which started from before, of settings
// there that have no effect. Where the Ingress is denied, or not served, more than they
// is wrong.
func (in *reading) tellIdle(before *Values) {
	if in.result.Denied != "" || in.result.Diverted || in.result.Set == 0 {
		return
	}
	for i := range dependents {
		if d := &dependents[i]; d.idle(in.values) && d.part(in.values) != d.part(before) {
			relation := "without"
			if d.beside {
				relation = "beside"
			}
			in.problem(model.ReasonNoEffect, "%s: no effect %s %s", d.names, relation, d.needs)
		}
	}
}
