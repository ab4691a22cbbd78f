package translate

import (
	"cmp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// sortByAge sorts Ingresses by who wins a conflict: the oldest first. Of equally
// old ones, the later name wins, as in ingress-nginx, which compares
// "namespace/name" in descending order (IN: controller/store/store.go,
// sortIngressSlice).
func sortByAge(ingresses []*networkingv1.Ingress) {
	slices.SortFunc(ingresses, func(a, b *networkingv1.Ingress) int {
		if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
			return c
		}
		return compareNames(b, a)
	})
}

// compareNames compares "namespace/name" without making these strings, unless
// one namespace begins with the other and the slash is compared with a letter.
func compareNames(a, b *networkingv1.Ingress) int {
	switch {
	case a.Namespace == b.Namespace:
		return cmp.Compare(a.Name, b.Name)
	case strings.HasPrefix(a.Namespace, b.Namespace), strings.HasPrefix(b.Namespace, a.Namespace):
		return cmp.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	}
	return cmp.Compare(a.Namespace, b.Namespace)
}
