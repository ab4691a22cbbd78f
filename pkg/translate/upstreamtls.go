package translate

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// readUpstreamTLS looks up the Secret that an Ingress's connections to endpoints
// need. Without it the paths answer 503, whatever the protocol: their author may
// rely on it. The Secret holds a key pair, an authority or both, as in
// ingress-nginx (IN: internal/ingress/controller/store/backend_ssl.go).
func (b *build) readUpstreamTLS(in *ingress, values *annotation.Values) {
	if values.ProxySSLSecret == "" {
		return
	}
	name := objectName(values.ProxySSLSecret)
	secret := b.secrets[name]
	if secret == nil {
		b.denyPaths(in, "proxy-ssl-secret: Secret %s does not exist", model.Excerpt(name.String()))
		return
	}
	tls := &values.Policy.Transport.TLS
	if len(secret.Data[corev1.TLSCertKey]) > 0 || len(secret.Data[corev1.TLSPrivateKeyKey]) > 0 {
		pair := b.pair(name)
		if pair.err != nil {
			b.denyPaths(in, "proxy-ssl-secret: Secret %s has no usable key pair: %v", name, pair.err)
			return
		}
		if late := pair.outOfDate(b.settings.Now); late != "" {
			b.tell(in, model.ReasonCertificateExpired,
				"the certificate of Secret %s %s: it is shown to endpoints all the same", name, late)
		}
		tls.Certificate = name.String()
	}
	if tls.Certificate == "" || len(secret.Data[authorityKey]) > 0 {
		a := b.authority(name)
		if a.err != nil {
			b.denyPaths(in, "proxy-ssl-secret: Secret %s is of no use: %v", name, a.err)
			return
		}
		tls.Authority = name.String()
	}
}

// denyPaths fails closed for the paths of an Ingress.
func (b *build) denyPaths(in *ingress, format string, args ...any) (why string) {
	why = fmt.Sprintf(format, args...)
	in.denied = cmp.Or(in.denied, why)
	b.tell(in, model.ReasonDenied, "%s: the paths of this object answer 503", why)
	return why
}
