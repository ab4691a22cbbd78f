package annotation

import (
	"errors"
	"strings"
)

// ingressKind is the kind of an Ingress.
const ingressKind = "Ingress"

var (
	errSecretName  = errors.New("want the name of a Secret, or namespace/name")
	errSecretOther = errors.New("a Secret of another namespace must not be used")
	errSecretPlace = errors.New("want it on an Ingress, in whose namespace the Secret is")
)

// parseSecret reads the name of a Secret in the namespace of its Ingress, and
// returns it as "namespace/name". Another namespace is refused, as in ingress-nginx
// with allow-cross-namespace-resources off: its Secrets are not for the author
// of the Ingress to use.
func parseSecret(text string, at place) (string, error) {
	if at.from.Object.Kind != ingressKind {
		return "", errSecretPlace
	}
	namespace, name, ok := strings.Cut(text, "/")
	if !ok {
		namespace, name = at.from.Object.Namespace, text
	}
	if name == "" || len(name) > 253 || !consistsOf(name, letters+digits+"-.") {
		return "", errSecretName
	}
	if namespace != at.from.Object.Namespace {
		return "", errSecretOther
	}
	return namespace + "/" + name, nil
}

// Secrets returns the Secrets that the annotations of an Ingress name, as
// "namespace/name".
func (r Reader) Secrets(namespace string, annotations map[string]string) []string {
	if len(annotations) == 0 {
		return nil
	}
	var at place
	at.from.Object.Kind, at.from.Object.Namespace = ingressKind, namespace
	var names []string
	for _, row := range []*Annotation{&proxySSLSecret, &authTLSSecret, &authSecret} {
		text, ok := annotations[Prefix+"/"+row.Name]
		if !ok {
			text = annotations[r.nginxPrefix+"/"+row.Name]
		}
		if name, err := parseSecret(strings.TrimSpace(text), at); err == nil {
			names = append(names, name)
		}
	}
	return names
}
