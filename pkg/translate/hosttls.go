package translate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// readHostTLS reads what an Ingress wants of the TLS connections to its hosts.
// What it wants and cannot have denies its paths, and, where it protects a whole
// host, those that other Ingresses of the namespace have there (see denyHosts).
func (b *build) readHostTLS(in *ingress, values *annotation.Values) {
	in.tls = values.Host
	if !b.readClientAuth(in, values) {
		in.tls.ClientAuth, in.tls.Depth, in.tls.ErrorPage, in.tls.PassCertificate = model.ClientAuthOff, 0, "", false
		in.tls.MatchName = ""
	}
	switch {
	case !values.Passthrough:
	case !b.settings.EnableSSLPassthrough:
		b.denyPaths(in, "ssl-passthrough needs --enable-ssl-passthrough")
	case in.tls.ClientAuth != model.ClientAuthOff:
		b.denyPaths(in, "ssl-passthrough and auth-tls-secret exclude each other")
	case b.asksRequests(in, values):
		b.denyPaths(in, "ssl-passthrough hands on connections whose requests nobody looks at: it excludes lists of addresses, limits and authentication")
	default:
		in.passthrough = true
	}
}

// asksRequests tells whether an Ingress protects its paths by what can be told of
// requests only. What its class says is for whoever runs the controller to know.
func (b *build) asksRequests(in *ingress, values *annotation.Values) bool {
	own, class := &values.Filters, &b.classFor(in.Ingress).values.Filters
	return own.Access != class.Access || own.Limits != class.Limits || own.ExternalAuth != class.ExternalAuth || values.BasicAuth
}

// readClientAuth tells whether an Ingress wants certificates of clients and has
// what to verify them with.
func (b *build) readClientAuth(in *ingress, values *annotation.Values) bool {
	switch {
	case values.Host.ClientAuth == model.ClientAuthOff && values.Host.MatchName != "":
		// ingress-nginx refuses everybody there: nobody has a name without a certificate.
		in.hostsDenied = cmp.Or(in.hostsDenied, b.denyPaths(in, "auth-tls-match-cn needs certificates of clients: auth-tls-verify-client is off"))
		return false
	case values.Host.ClientAuth == model.ClientAuthOff:
		return false
	case values.AuthTLSSecret == "" && values.Host.MatchName != "" && in.hostsDenied == "":
		in.hostsDenied = b.denyPaths(in, "auth-tls-match-cn needs an auth-tls-secret")
		return false
	case values.AuthTLSSecret == "":
		if values.ClientAuthWanted && in.hostsDenied == "" {
			b.denyPaths(in, "auth-tls-verify-client needs an auth-tls-secret")
		}
		return false
	}
	name := objectName(values.AuthTLSSecret)
	var why string
	switch a := b.authority(name); {
	case a == nil:
		why = b.denyPaths(in, "auth-tls-secret: Secret %s does not exist", model.Excerpt(name.String()))
	case a.err != nil:
		why = b.denyPaths(in, "auth-tls-secret: Secret %s is of no use: %v", name, a.err)
	default:
		in.tls.Authority = name.String()
		return true
	}
	in.hostsDenied = cmp.Or(in.hostsDenied, why)
	return false
}

// addHostSettings gives hosts the settings of their Ingresses, of which the oldest
// that has an opinion decides for the host, with all paths of others there (IN:
// controller.go, getBackendServers and createServers). One that wants a protection
// and does not get it is denied: its paths would be left with another one, or with
// none.
func (b *build) addHostSettings(ingresses []*ingress) {
	if !slices.ContainsFunc(ingresses, func(in *ingress) bool { return in.passthrough || in.tls != model.HostTLS{} }) {
		return
	}
	for _, in := range ingresses {
		for name := range in.hosts() {
			h := b.hosts[name]
			if h == nil {
				continue
			}
			if h.oldest == nil {
				h.oldest = in
			}
			b.addPassthrough(in, h)
			b.addClientAuth(in, h)
			b.addCiphers(in, h)
			h.tls.NoHTTP2 = h.tls.NoHTTP2 || in.tls.NoHTTP2
		}
	}
}

func (b *build) addClientAuth(in *ingress, h *host) {
	want := in.tls
	switch {
	case want.ClientAuth == model.ClientAuthOff:
	case h.passedBy != nil:
		b.denyOn(in, h, "%v has the TLS connections to the host passed through: clients are not asked for certificates", nameOf(h.passedBy.ref))
	case h.authBy == nil:
		h.authBy = in
		h.tls.ClientAuth, h.tls.Authority, h.tls.Depth = want.ClientAuth, want.Authority, want.Depth
		h.tls.ErrorPage, h.tls.PassCertificate, h.tls.MatchName = want.ErrorPage, want.PassCertificate, want.MatchName
	case want.ClientAuth != h.tls.ClientAuth, want.Authority != h.tls.Authority, max(want.Depth, 1) != max(h.tls.Depth, 1),
		want.MatchName != h.tls.MatchName:
		b.denyOn(in, h, "%v wants other certificates of the clients of the host", nameOf(h.authBy.ref))
	case want.ErrorPage != h.tls.ErrorPage, want.PassCertificate != h.tls.PassCertificate:
		b.tell(in, model.ReasonTLSConflict, "%s already has the auth-tls-error-page and auth-tls-pass-certificate-to-upstream of %v",
			h.label(), nameOf(h.authBy.ref))
	}
}

func (b *build) addCiphers(in *ingress, h *host) {
	switch {
	case in.tls.Ciphers == "":
	case h.ciphersBy == nil:
		h.ciphersBy, h.tls.Ciphers = in, in.tls.Ciphers
	case in.tls.Ciphers != h.tls.Ciphers:
		b.tell(in, model.ReasonTLSConflict, "%s already has the ssl-ciphers of %v", h.label(), nameOf(h.ciphersBy.ref))
	}
}

// denyOn fails closed for the paths that an Ingress has on one host. denyHosts
// puts it into effect.
func (b *build) denyOn(in *ingress, h *host, format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	if h.denials == nil {
		h.denials = make(map[model.ObjectRef]string)
	}
	if h.denials[in.ref] == "" {
		h.denials[in.ref] = why
	}
	b.tell(in, model.ReasonDenied, "%s: %s: the paths here answer 503", h.label(), why)
}
