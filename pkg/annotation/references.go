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
	if !isObjectName(name) {
		return "", errSecretName
	}
	if namespace != at.from.Object.Namespace {
		return "", errSecretOther
	}
	return namespace + "/" + name, nil
}

func isObjectName(text string) bool {
	return text != "" && len(text) <= 253 && consistsOf(text, letters+digits+"-.")
}

var (
	errOwnConfigMap   = errors.New("want the name of a ConfigMap, or namespace/name")
	errConfigMapOther = errors.New("a ConfigMap of another namespace must not be used")
	errConfigMapPlace = errors.New("want it on an Ingress, in whose namespace the ConfigMap is")
)

// parseOwnConfigMap reads the name of a ConfigMap in the namespace of its Ingress, and
// returns it as "namespace/name".
func parseOwnConfigMap(text string, at place) (string, error) {
	switch name, err := parseSecret(text, at); {
	case errors.Is(err, errSecretPlace):
		return "", errConfigMapPlace
	case errors.Is(err, errSecretOther):
		return "", errConfigMapOther
	case err != nil:
		return "", errOwnConfigMap
	default:
		return name, nil
	}
}

var errConfigMapName = errors.New("want the name of a ConfigMap as namespace/name")

// parseConfigMap reads the name of a ConfigMap. Other than with Secrets it may be in
// any namespace, as in ingress-nginx: what is taken of it goes to everybody, and only
// under names that the controller's ConfigMap allows.
func parseConfigMap(text string, _ dialect) (string, error) {
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || !isObjectName(namespace) || !isObjectName(name) {
		return "", errConfigMapName
	}
	return text, nil
}

// parseOptionalConfigMap also takes an empty text, for none.
func parseOptionalConfigMap(text string, d dialect) (string, error) {
	if text == "" {
		return "", nil
	}
	return parseConfigMap(text, d)
}

// Secrets returns the Secrets that the annotations of an Ingress name, as
// "namespace/name".
func (r Reader) Secrets(namespace string, annotations map[string]string) []string {
	if len(annotations) == 0 {
		return nil
	}
	var names []string
	for _, row := range []*Annotation{&proxySSLSecret, &authTLSSecret, &authSecret} {
		if name, err := parseSecret(r.named(annotations, row), ofIngress(namespace)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// ConfigMaps returns the ConfigMaps that the annotations of an Ingress name, as
// "namespace/name".
func (r Reader) ConfigMaps(namespace string, annotations map[string]string) []string {
	if len(annotations) == 0 {
		return nil
	}
	var names []string
	if name, err := parseOwnConfigMap(r.named(annotations, &authProxySetHeaders), ofIngress(namespace)); err == nil {
		names = append(names, name)
	}
	if name, err := parseConfigMap(r.named(annotations, &customHeaders), nginx); err == nil {
		names = append(names, name)
	}
	return names
}

// named is the value of an annotation that names an object.
func (r Reader) named(annotations map[string]string, row *Annotation) string {
	return strings.TrimSpace(r.Given(annotations, row.Name))
}

func ofIngress(namespace string) (at place) {
	at.from.Object.Kind, at.from.Object.Namespace = ingressKind, namespace
	return at
}

// ConfigMapsOf returns the ConfigMaps that the data of the controller's one name, as
// "namespace/name".
func ConfigMapsOf(data map[string]string) (names []string) {
	for _, key := range []string{addHeaders.Name, proxySetHeaders.Name} {
		if name, err := parseConfigMap(strings.TrimSpace(data[key]), ours); err == nil {
			names = append(names, name)
		}
	}
	return names
}
