package annotation

import (
	"errors"
	"strings"
)

// AuthConfigMap returns the ConfigMap that the annotations of an Ingress name for its
// external authentication, as "namespace/name". It is empty for none.
func (r Reader) AuthConfigMap(namespace string, annotations map[string]string) string {
	var at place
	at.from.Object.Kind, at.from.Object.Namespace = ingressKind, namespace
	text, ok := annotations[Prefix+"/"+authProxySetHeaders.Name]
	if !ok {
		text = annotations[r.nginxPrefix+"/"+authProxySetHeaders.Name]
	}
	name, err := parseOwnConfigMap(strings.TrimSpace(text), at)
	if err != nil {
		return ""
	}
	return name
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
