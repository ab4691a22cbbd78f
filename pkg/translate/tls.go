package translate

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// claim is the certificate that the oldest Ingress with an opinion wants for a
// server name.
type claim struct {
	owner  model.ObjectRef
	secret types.NamespacedName
	// certificate names the certificate to show. It is empty for the default
	// one, also where the Secret turned out to be of no use.
	certificate string
}

// addTLS reads the tls blocks of an Ingress. A name listed in a block is shown
// the certificate of its Secret. A host of the rules that no block lists is
// shown that of a block that lists its wildcard, or else that of the first
// Secret whose certificate covers it; this is also how a block without hosts
// works (IN: controller.go, extractTLSSecretName).
func (b *build) addTLS(in *ingress) {
	if len(in.Spec.TLS) == 0 {
		return
	}
	for name := range in.hosts() {
		if h := b.hosts[name]; h != nil && name != "" {
			h.secured = true
		}
	}
	for i := range in.Spec.TLS {
		block := &in.Spec.TLS[i]
		secret := secretOf(in.Ingress, block)
		for k, name := range in.said.tls[i] {
			if name == "" {
				b.tell(in, model.ReasonInvalidHost, "tls host %q: want a DNS name or a wildcard", model.Excerpt(block.Hosts[k]))
				continue
			}
			b.claim(in, name, secret)
		}
	}
	b.addUnlisted(in)
}

// addUnlisted claims certificates for the hosts of the rules that no tls block
// lists.
func (b *build) addUnlisted(in *ingress) {
	var used map[types.NamespacedName]bool
	secrets := b.searched(in)
	for _, name := range in.said.unlisted {
		secret, ok := in.said.listed[wildcardOf(name)]
		for i := 0; !ok && i < len(secrets); i++ {
			secret, ok = secrets[i], b.pairs[secrets[i]].covers(name)
		}
		if ok {
			if used == nil {
				used = make(map[types.NamespacedName]bool)
			}
			used[secret] = true
			b.claim(in, name, secret)
		}
	}
	for i := range in.Spec.TLS {
		block := &in.Spec.TLS[i]
		secret := secretOf(in.Ingress, block)
		if len(block.Hosts) == 0 && secret.Name != "" && b.usable(in, secret) != nil && !used[secret] {
			b.tell(in, model.ReasonInvalidSecret,
				"the certificate of Secret %s covers no other host of this Ingress: its tls block has no effect", secret)
		}
	}
}

// mostSearched bounds how many Secrets of an Ingress are searched for one that
// covers a host, so that the work is linear in the size of the Ingress.
const mostSearched = 64

// searched returns the usable Secrets of an Ingress that are searched for the
// hosts that no tls block lists.
func (b *build) searched(in *ingress) []types.NamespacedName {
	var secrets []types.NamespacedName
	for i := range in.Spec.TLS {
		secret := secretOf(in.Ingress, &in.Spec.TLS[i])
		if secret.Name == "" || slices.Contains(secrets, secret) || b.usable(in, secret) == nil {
			continue
		}
		if len(secrets) == mostSearched {
			b.tell(in, model.ReasonInvalidSecret,
				"only %d Secrets are searched for hosts that no tls block lists", mostSearched)
			break
		}
		secrets = append(secrets, secret)
	}
	return secrets
}

func secretOf(in *networkingv1.Ingress, block *networkingv1.IngressTLS) types.NamespacedName {
	return types.NamespacedName{Namespace: in.Namespace, Name: block.SecretName}
}

// claim chooses the certificate for a server name, unless an older Ingress has
// chosen. That one keeps the name even where its Secret is of no use: then the
// default certificate is shown, as in ingress-nginx, and no other namespace
// takes over. A block without Secret asks for the default certificate.
func (b *build) claim(in *ingress, name string, secret types.NamespacedName) {
	if older, taken := b.claims[name]; taken {
		switch {
		case older.secret == secret:
		case sameObject(older.owner, in.ref):
			b.tell(in, model.ReasonTLSConflict,
				"%s stands in two tls blocks of this Ingress: the first one counts", name)
		default:
			b.tell(in, model.ReasonTLSConflict,
				"%s already has the certificate of %v", name, nameOf(older.owner))
		}
		return
	}
	c := claim{owner: in.ref, secret: secret}
	if secret.Name != "" {
		if pair := b.usable(in, secret); pair != nil {
			if pair.covers(name) {
				c.certificate = secret.String()
			} else {
				b.tell(in, model.ReasonInvalidSecret,
					"the certificate of Secret %s does not cover %s: the default certificate is shown", secret, name)
			}
		}
	}
	b.claims[name] = c
}

// usable returns the key pair of a Secret. One that is of no use is a Problem
// and nil; one out of date is a Problem and used all the same.
func (b *build) usable(in *ingress, secret types.NamespacedName) *keyPair {
	pair := b.pair(secret)
	switch {
	case pair == nil:
		b.tell(in, model.ReasonSecretNotFound,
			"Secret %s does not exist: the default certificate is shown", model.Excerpt(secret.String()))
		return nil
	case pair.err != nil:
		b.tell(in, model.ReasonInvalidSecret,
			"Secret %s has no usable key pair: %v: the default certificate is shown", secret, pair.err)
		return nil
	}
	if late := pair.outOfDate(b.settings.Now); late != "" {
		b.tell(in, model.ReasonCertificateExpired,
			"the certificate of Secret %s %s: it is shown all the same", secret, late)
	}
	return pair
}

// addDefaultCertificate reads --default-ssl-certificate.
func (b *build) addDefaultCertificate() {
	secret := b.settings.DefaultSSLCertificate
	if secret.Name == "" {
		return
	}
	ref := b.ref("Secret", secret.Namespace, secret.Name)
	switch pair := b.pair(secret); {
	case pair == nil:
		b.problem(ref, model.ReasonSecretNotFound, "the Secret of the default certificate does not exist")
	case pair.err != nil:
		b.problem(ref, model.ReasonInvalidSecret, "the default certificate is of no use: %v", pair.err)
	default:
		if late := pair.outOfDate(b.settings.Now); late != "" {
			b.problem(ref, model.ReasonCertificateExpired, "the default certificate %s: it is shown all the same", late)
		}
		b.defaultCertificate = secret.String()
	}
}

// certificateFor returns the certificate that a host is shown: the one claimed
// for it, or else the one claimed for its wildcard, by whichever Ingress (IN:
// rootfs/etc/nginx/lua/certificate.lua looks up the name, then the wildcard). Between
// these comes the one of another host that the name stands for, which may be nil, where
// it covers the name.
func (b *build) certificateFor(name string, other *host) string {
	if c, ok := b.claims[name]; ok {
		return c.certificate
	}
	if other != nil {
		shown := b.certificateFor(other.name, nil)
		if pair := b.pairs[objectName(shown)]; shown != "" && pair != nil && pair.covers(name) {
			return shown
		}
	}
	if wildcard := wildcardOf(name); wildcard != "" {
		return b.claims[wildcard].certificate
	}
	return ""
}
