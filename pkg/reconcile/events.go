package reconcile

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// differs tells whether an object appeared, went, or changed in its spec or
// annotations, as against its status. It is for kinds whose generation counts
// the changes of their spec.
func differs[T client.Object](old, new *T) bool {
	if old == nil || new == nil {
		return true
	}
	a, b := *old, *new
	return a.GetUID() != b.GetUID() || a.GetGeneration() != b.GetGeneration() ||
		!maps.Equal(a.GetAnnotations(), b.GetAnnotations())
}

func (c *Cluster) ingressChanged(old, new **networkingv1.Ingress) {
	if differs(old, new) {
		c.queue.routes()
	} else {
		c.queue.status() // our own writing, most likely
	}
}

func (c *Cluster) serviceChanged(old, new **corev1.Service) {
	switch {
	case old == nil || new == nil || !equality.Semantic.DeepEqual((*old).Spec, (*new).Spec):
		c.queue.routes()
	case !equality.Semantic.DeepEqual((*old).Status, (*new).Status):
		c.queue.status()
	}
}

func (c *Cluster) endpointSliceChanged(old, new **discoveryv1.EndpointSlice) {
	if old != nil && new != nil {
		a, b := *old, *new
		if serviceOf(a) == serviceOf(b) && a.AddressType == b.AddressType &&
			equality.Semantic.DeepEqual(a.Endpoints, b.Endpoints) && equality.Semantic.DeepEqual(a.Ports, b.Ports) {
			return
		}
	}
	for _, slice := range []**discoveryv1.EndpointSlice{old, new} {
		if slice != nil {
			c.queue.service(serviceOf(*slice))
		}
	}
}

func serviceOf(s *discoveryv1.EndpointSlice) types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Labels[discoveryv1.LabelServiceName]}
}

// versionChanged tells the queue that an object whose content is not cached has
// changed.
func versionChanged(queue func(types.NamespacedName)) func(old, new **metav1.PartialObjectMetadata) {
	return func(old, new **metav1.PartialObjectMetadata) {
		object := new
		if object == nil {
			object = old
		}
		queue(client.ObjectKeyFromObject(*object))
	}
}
