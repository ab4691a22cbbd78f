package annotation

import "github.com/shockwave-ingress/shockwave/pkg/model"

// Values is what settings set. It starts with the defaults, or with what
// weaker objects have set.
type Values struct {
	// Options, Policy and Filters are in the making: see Final.
	Options  model.Options
	Policy   model.Policy
	Filters  model.Filters
	Listener model.Listener
	Stream   model.StreamTimeouts

	// Host holds the settings of hosts. Its ClientAuth counts when there is an
	// AuthTLSSecret.
	Host model.HostTLS
	// AuthTLSSecret and ProxySSLSecret name Secrets, as "namespace/name". Empty
	// means none.
	AuthTLSSecret, ProxySSLSecret string
	// CustomHeaders, AddHeaders and ProxySetHeaders name ConfigMaps, as
	// "namespace/name", whose entries are fields. Empty means none.
	CustomHeaders, AddHeaders, ProxySetHeaders string
	// AllowedResponseFields are the names of fields that CustomHeaders may set, in
	// lower case, with commas between them.
	AllowedResponseFields string
	// ClientAuthWanted tells that a certificate of clients is asked for, with or
	// without a Secret to verify it with.
	ClientAuthWanted bool
	// AuthSetFields names the ConfigMap with the fields that an external
	// authentication gets, as "namespace/name". Empty means none.
	AuthSetFields string
	// GlobalAuth is asked where Filters has no external authentication of its own,
	// unless NoGlobalAuth.
	GlobalAuth   model.ExternalAuth
	NoGlobalAuth bool
	// UseRegex makes paths patterns.
	UseRegex bool
	// BasicAuth asks for a name and a password of AuthSecret, which names a Secret as
	// "namespace/name". AuthMap tells that each of its keys is a user.
	BasicAuth  bool
	AuthSecret string
	AuthMap    bool
	// AutoProtocol has the endpoints spoken to in HTTPS, as Encrypted says, when the client
	// uses TLS.
	AutoProtocol bool
	// Passthrough hands on the TLS connections to the hosts as they are.
	Passthrough bool
	// Aliases are other names of the hosts, separated by commas.
	Aliases string
	// FromToWWW redirects to the hosts from their names with www, or without.
	FromToWWW bool
	// StrictPaths reports paths of type Exact or Prefix with unusual characters.
	StrictPaths bool
	// HTTPSPort is what use-port-in-redirects puts into redirects to https.
	HTTPSPort int
	// IsCanary tells that an Ingress gets what Canary says of another one.
	IsCanary bool
	Canary   model.CanaryRules
	// DefaultBackend names a Service of the Ingress's namespace. Empty means none.
	DefaultBackend string

	parts parts
}

// parts are settings that several rows of Table make together.
type parts struct {
	retryNonIdempotent bool
	buffers            int
	bufferSize         int64
	cookieName         string
	streamOnce         bool
	headerBuffer       int
	serverKept         bool // by allow-backend-server-header

	permanent, temporal redirecting
}

// Defaults are the values of a profile that nothing has changed yet.
func Defaults(p model.Profile) Values {
	return Values{
		Options:  model.DefaultOptionsOf(p),
		Policy:   model.DefaultPolicy(),
		Filters:  model.DefaultFilters(p),
		Listener: model.DefaultListenerOf(p),
		Stream:   model.DefaultStreamTimeouts(),
		Host:     model.HostTLS{ClientAuth: model.ClientAuthOn},
		// What is verified by default is the same for both.
		GlobalAuth: model.DefaultFilters(p).ExternalAuth,
		Canary:     defaultCanary(),

		parts: parts{
			buffers: 4, bufferSize: 4 << 10, cookieName: defaultCookie, headerBuffer: 1 << 10,
			permanent: redirecting{code: 301}, temporal: redirecting{code: 302},
		},
		StrictPaths: p == model.ProfileNginx,
		HTTPSPort:   443,
	}
}

// Encrypted is the policy for clients that use TLS, where AutoProtocol makes that
// another one than Final returns.
func (v *Values) Encrypted() model.Policy {
	encrypted := *v
	encrypted.Policy.Transport.Protocol = model.HTTPS
	_, policy := encrypted.Final()
	return policy
}

// Final returns the options and the policy that the values come to. What has no
// effect without another setting is as it is by default, so that it makes no
// difference between two policies.
func (v *Values) Final() (model.Options, model.Policy) {
	options, policy, usual := v.Options, v.Policy, model.DefaultPolicy()
	filters := v.Filters
	if filters.ExternalAuth.URL == "" && !v.NoGlobalAuth {
		filters.ExternalAuth = v.GlobalAuth
	}
	v.finishRedirects(&filters)
	filters.Tidy()
	if options.Profile == model.ProfileNginx && filters.Rewrite.Target == "" {
		filters.Rewrite.Prefix = "" // IN: controller/template/template.go, buildProxyPass
	}
	options.Filters = filters.Set()
	if v.parts.retryNonIdempotent && options.Retry.On != 0 {
		options.Retry.On |= model.RetryNonIdempotent
	}
	if !policy.Transport.Protocol.Encrypted() {
		policy.Transport.TLS = usual.Transport.TLS
	}
	balance := &policy.Balance
	if balance.Sticky.Cookie == "" {
		balance.Sticky = model.Sticky{}
	}
	if balance.HashBy == "" && (balance.Sticky.Cookie == "" || balance.Sticky.Persistent) {
		balance.HashLoad = 0
	}
	if policy.Pool.MaxConnections == 0 {
		policy.Pool.MaxPending, policy.Pool.PendingTimeout = usual.Pool.MaxPending, usual.Pool.PendingTimeout
	}
	if policy.Health.Check.Kind == model.NoCheck {
		policy.Health.Check = usual.Health.Check
	}
	return options, policy
}

// finishRedirects puts together what several annotations say of redirects.
func (v *Values) finishRedirects(f *model.Filters) {
	r := v.parts.temporal // which nginx asks first
	if r.url == "" {
		r = v.parts.permanent
	}
	f.Redirect = model.Redirect{URL: r.url, Code: r.code}
	if v.Filters.Redirect.Port {
		f.HTTPS.Port = v.HTTPSPort
	}
}

// SlashRedirect returns what a redirect has that adds a slash to a path.
func (v *Values) SlashRedirect() model.Redirect {
	r := v.Filters.Redirect
	return model.Redirect{AddSlash: true, Code: 301, Relative: r.Relative, Port: r.Port}
}
