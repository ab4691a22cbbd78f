package translate

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// object is a pointer to a Kubernetes object.
type object interface {
	comparable
	metav1.Object
}

// index finds the objects of a list by name. It is made anew when they change,
// not for each Build.
type index[T object] struct {
	list   []T
	byName map[types.NamespacedName]T
	// version counts how often it was made.
	version int
}

// of returns the objects of a list by name. The result must not be changed.
func (x *index[T]) of(list []T) map[types.NamespacedName]T {
	if x.byName == nil || !slices.Equal(x.list, list) {
		x.list, x.version = slices.Clone(list), x.version+1
		x.byName = make(map[types.NamespacedName]T, len(list))
		for _, o := range list {
			x.byName[types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}] = o
		}
	}
	return x.byName
}
