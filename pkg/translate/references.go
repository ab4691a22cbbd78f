package translate

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
)

// References returns the Secrets and ConfigMaps that Build looks at for these
// objects, sorted and without duplicates: those that our Ingresses and the
// settings name, whether they exist or not, and those that the controller's ConfigMap
// names, once it is among objs. No other need be fetched.
func References(objs *Objects, settings Settings) (secrets, configMaps []types.NamespacedName) {
	reader := annotation.NewReader(settings.AnnotationsPrefix, nil)
	for _, ing := range newSelector(objs, settings).ours(objs) {
		for _, block := range ing.Spec.TLS {
			if block.SecretName != "" {
				secrets = append(secrets, types.NamespacedName{Namespace: ing.Namespace, Name: block.SecretName})
			}
		}
		for _, name := range reader.Secrets(ing.Namespace, ing.Annotations) {
			secrets = append(secrets, objectName(name))
		}
		for _, name := range reader.ConfigMaps(ing.Namespace, ing.Annotations) {
			configMaps = append(configMaps, objectName(name))
		}
	}
	if settings.DefaultSSLCertificate.Name != "" {
		secrets = append(secrets, settings.DefaultSSLCertificate)
	}
	for _, name := range []types.NamespacedName{settings.ConfigMap, settings.TCPServices, settings.UDPServices} {
		if name.Name != "" {
			configMaps = append(configMaps, name)
		}
	}
	for _, m := range objs.ConfigMaps {
		if m.Namespace != settings.ConfigMap.Namespace || m.Name != settings.ConfigMap.Name {
			continue
		}
		for _, name := range annotation.ConfigMapsOf(m.Data) {
			configMaps = append(configMaps, objectName(name))
		}
	}
	return sortNames(secrets), sortNames(configMaps)
}

// objectName takes "namespace/name" apart.
func objectName(text string) types.NamespacedName {
	namespace, name, _ := strings.Cut(text, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// sortNames sorts names and drops duplicates.
func sortNames(names []types.NamespacedName) []types.NamespacedName {
	slices.SortFunc(names, func(a, b types.NamespacedName) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(names)
}
