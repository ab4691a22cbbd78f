package translate

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// References returns the Secrets and ConfigMaps that Build looks at for these
// objects, sorted and without duplicates: those that our Ingresses and the
// settings name, whether they exist or not. No other need be fetched.
func References(objs *Objects, settings Settings) (secrets, configMaps []types.NamespacedName) {
	for _, ing := range newSelector(objs, settings).ours(objs) {
		for _, block := range ing.Spec.TLS {
			if block.SecretName != "" {
				secrets = append(secrets, types.NamespacedName{Namespace: ing.Namespace, Name: block.SecretName})
			}
		}
	}
	if settings.DefaultSSLCertificate.Name != "" {
		secrets = append(secrets, settings.DefaultSSLCertificate)
	}
	if settings.ConfigMap.Name != "" {
		configMaps = append(configMaps, settings.ConfigMap)
	}
	slices.SortFunc(secrets, func(a, b types.NamespacedName) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(secrets), configMaps
}
