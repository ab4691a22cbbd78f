package manifests

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// setDefaults fills in what the API server does when an object is created, as
// far as the controller reads it.
func setDefaults(obj any) {
	switch o := obj.(type) {
	case *corev1.Service:
		defaultService(o)
	case *corev1.Secret:
		defaultSecret(o)
	case *discoveryv1.EndpointSlice:
		defaultEndpointSlice(o)
	}
}

func defaultService(s *corev1.Service) {
	if s.Spec.Type == "" {
		s.Spec.Type = corev1.ServiceTypeClusterIP
	}
	for i := range s.Spec.Ports {
		port := &s.Spec.Ports[i]
		if port.Protocol == "" {
			port.Protocol = corev1.ProtocolTCP
		}
		if port.TargetPort == intstr.FromInt32(0) || port.TargetPort == intstr.FromString("") {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
	}
}

// defaultSecret folds stringData, which the API server accepts but never
// returns, into data.
func defaultSecret(s *corev1.Secret) {
	if s.Type == "" {
		s.Type = corev1.SecretTypeOpaque
	}
	if len(s.StringData) > 0 && s.Data == nil {
		s.Data = make(map[string][]byte, len(s.StringData))
	}
	for k, v := range s.StringData {
		s.Data[k] = []byte(v)
	}
	s.StringData = nil
}

func defaultEndpointSlice(s *discoveryv1.EndpointSlice) {
	for i := range s.Ports {
		port := &s.Ports[i]
		if port.Name == nil {
			port.Name = new("")
		}
		if port.Protocol == nil {
			port.Protocol = new(corev1.ProtocolTCP)
		}
	}
}

// admit does what the API server does on the admission of Ingresses. One that
// names no class gets the default class (of several the youngest, and of those
// the first by name; plugin/pkg/admission/network/defaultingressclass). One
// without a creation time gets one from its place, so that of two Ingresses
// that claim the same path the one in the earlier file, or earlier in the same
// file, is the older. Those that are as they were in last, which may be nil, are
// taken from there, so that who reads them sees that nothing changed.
func (a *assembly) admit(last *assembly) {
	a.class = defaultClass(a.objs.IngressClasses)
	a.objs.Ingresses = make([]*networkingv1.Ingress, len(a.written))
	for i, ing := range a.written {
		if last != nil && i < len(last.written) && last.written[i] == ing && last.class == a.class {
			a.objs.Ingresses[i] = last.objs.Ingresses[i]
			continue
		}
		a.objs.Ingresses[i] = admitted(ing, a.class, i)
	}
}

// admitted returns the Ingress at a place after admission: a copy if it differs
// from what was written.
func admitted(ing *networkingv1.Ingress, class string, place int) *networkingv1.Ingress {
	_, annotated := ing.Annotations["kubernetes.io/ingress.class"]
	setClass := class != "" && ing.Spec.IngressClassName == nil && !annotated
	if !setClass && !ing.CreationTimestamp.IsZero() {
		return ing
	}
	changed := *ing
	if setClass {
		changed.Spec.IngressClassName = &class
	}
	if changed.CreationTimestamp.IsZero() {
		changed.CreationTimestamp = metav1.NewTime(time.Unix(0, 0).Add(time.Duration(place) * time.Millisecond))
	}
	return &changed
}

func defaultClass(classes []*networkingv1.IngressClass) string {
	var best *networkingv1.IngressClass
	for _, c := range classes {
		if c.Annotations[networkingv1.AnnotationIsDefaultIngressClass] != "true" {
			continue
		}
		if best == nil || best.CreationTimestamp.Before(&c.CreationTimestamp) ||
			best.CreationTimestamp.Equal(&c.CreationTimestamp) && c.Name < best.Name {
			best = c
		}
	}
	if best == nil {
		return ""
	}
	return best.Name
}
