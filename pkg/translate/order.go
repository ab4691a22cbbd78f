package translate

import (
	"cmp"
	"slices"

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
		return cmp.Compare(b.Namespace+"/"+b.Name, a.Namespace+"/"+a.Name)
	})
}
