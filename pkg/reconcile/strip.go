package reconcile

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
)

// lastApplied is kubectl's copy of the whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// strip returns what is kept of an object in the caches. It is called before
// an object is stored and may change it. Memory grows with what is kept times
// the cluster's size, so Services and EndpointSlices, which are most of it, keep
// named fields only.
func strip(obj any) (any, error) {
	switch o := obj.(type) {
	case *networkingv1.Ingress:
		o.ObjectMeta = identity(&o.ObjectMeta, true)
	case *networkingv1.IngressClass:
		o.ObjectMeta = identity(&o.ObjectMeta, true)
	case *v1alpha1.ListenerConfig:
		o.ObjectMeta = identity(&o.ObjectMeta, false)
	case *corev1.Service:
		return stripService(o), nil
	case *discoveryv1.EndpointSlice:
		return stripEndpointSlice(o), nil
	case *metav1.PartialObjectMetadata:
		return &metav1.PartialObjectMetadata{TypeMeta: o.TypeMeta, ObjectMeta: metav1.ObjectMeta{
			Namespace: o.Namespace, Name: o.Name, ResourceVersion: o.ResourceVersion,
		}}, nil
	case *corev1.Secret:
		return stripSecret(o), nil
	case *corev1.ConfigMap:
		return &corev1.ConfigMap{ObjectMeta: identity(&o.ObjectMeta, false), Data: o.Data, BinaryData: o.BinaryData}, nil
	}
	return obj, nil
}

// identity is what tells one object, and one version of it, from another, with
// or without its annotations.
func identity(m *metav1.ObjectMeta, annotations bool) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{
		Namespace:         m.Namespace,
		Name:              m.Name,
		UID:               m.UID,
		ResourceVersion:   m.ResourceVersion,
		Generation:        m.Generation,
		CreationTimestamp: m.CreationTimestamp,
	}
	if annotations && len(m.Annotations) > 0 {
		kept.Annotations = maps.Clone(m.Annotations)
		delete(kept.Annotations, lastApplied)
	}
	return kept
}

// stripSecret keeps what a tls block refers to. The rest may be a megabyte, of
// which an author of Ingresses can name as many as a namespace holds.
func stripSecret(s *corev1.Secret) *corev1.Secret {
	kept := &corev1.Secret{ObjectMeta: identity(&s.ObjectMeta, false), Type: s.Type, Data: make(map[string][]byte, 2)}
	for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		if value, ok := s.Data[key]; ok {
			kept.Data[key] = value
		}
	}
	return kept
}

func stripService(s *corev1.Service) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: identity(&s.ObjectMeta, false),
		Spec: corev1.ServiceSpec{
			Type:         s.Spec.Type,
			Ports:        s.Spec.Ports,
			ClusterIP:    s.Spec.ClusterIP,
			ClusterIPs:   s.Spec.ClusterIPs,
			ExternalIPs:  s.Spec.ExternalIPs,
			ExternalName: s.Spec.ExternalName,
		},
		Status: corev1.ServiceStatus{LoadBalancer: s.Status.LoadBalancer},
	}
}

func stripEndpointSlice(s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	kept := &discoveryv1.EndpointSlice{
		ObjectMeta:  identity(&s.ObjectMeta, false),
		AddressType: s.AddressType,
		Endpoints:   make([]discoveryv1.Endpoint, len(s.Endpoints)),
		Ports:       s.Ports,
	}
	if service, ok := s.Labels[discoveryv1.LabelServiceName]; ok {
		kept.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	}
	for i := range s.Endpoints {
		from := &s.Endpoints[i]
		to := &kept.Endpoints[i]
		to.Addresses, to.Conditions = from.Addresses, from.Conditions
		if from.TargetRef != nil {
			to.TargetRef = &corev1.ObjectReference{Kind: from.TargetRef.Kind, Name: from.TargetRef.Name}
		}
	}
	return kept
}
