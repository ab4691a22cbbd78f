package translate

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Objects is one consistent set of Kubernetes objects, in any order. Build and
// EndpointsOf only read it.
type Objects struct {
	Ingresses       []*networkingv1.Ingress
	IngressClasses  []*networkingv1.IngressClass
	Services        []*corev1.Service
	EndpointSlices  []*discoveryv1.EndpointSlice
	Secrets         []*corev1.Secret
	ConfigMaps      []*corev1.ConfigMap
	ListenerConfigs []*v1alpha1.ListenerConfig

	// Origins tells where an object was read from, for objects of a
	// directory. It is nil for objects of an API server.
	Origins map[ObjectKey]Origin
	// Problems are those met while the objects were read, such as a file
	// that does not parse. Build passes them on.
	Problems []model.Problem
}

// ObjectKey names one object of an Objects.
type ObjectKey struct {
	Kind string
	types.NamespacedName
}

// Origin is the place in a file that an object was read from.
type Origin struct {
	File string
	Line int
}

// Settings are the flags that decide how objects are read.
type Settings struct {
	// ControllerClass is the spec.controller of the IngressClasses that are
	// ours.
	ControllerClass string
	// IngressClass is the value of the annotation kubernetes.io/ingress.class
	// that is ours, and the name of the class that sets listeners.
	IngressClass string
	// IngressClassByName makes the IngressClass named IngressClass ours
	// whatever its spec.controller.
	IngressClassByName bool
	// WatchIngressWithoutClass makes an Ingress ours that names no class.
	WatchIngressWithoutClass bool
	// Profile is that of all classes. Empty: it follows the spec.controller of each.
	Profile model.Profile
	// WatchNamespace restricts Ingresses to one namespace. Empty means all.
	WatchNamespace string
	// ConfigMap is the controller's ConfigMap. Its name is empty for none.
	ConfigMap types.NamespacedName
	// DefaultSSLCertificate is the Secret with the certificate for unknown
	// server names. Its name is empty for none.
	DefaultSSLCertificate types.NamespacedName
	// TCPServices and UDPServices are the ConfigMaps that list the ports whose
	// connections and datagrams go to Services as they are. Their names are empty
	// for none.
	TCPServices types.NamespacedName
	UDPServices types.NamespacedName
	// ReservedPorts are those that no TCP service can have, since the process itself
	// listens on them. 0 is none.
	ReservedPorts [8]uint16
	// HTTPSPort is what use-port-in-redirects puts into redirects to https. 0 means
	// 443.
	HTTPSPort uint16
	// DefaultBackendService serves what no Ingress does. Its name is empty
	// for none: 404.
	DefaultBackendService types.NamespacedName
	// AnnotationsPrefix is the prefix under which ingress-nginx's annotations
	// are read, "nginx.ingress.kubernetes.io" by default.
	AnnotationsPrefix string
	// AllocationMode is the default of listeners and Ingresses that a flag
	// asks for. Empty means DefaultAllocationMode.
	AllocationMode model.AllocationMode
	// DefaultAllocationMode is that of the program. Empty means standard.
	DefaultAllocationMode model.AllocationMode
	// DisableExternalName answers 503 for Services of type ExternalName.
	DisableExternalName bool
	// EnableSSLPassthrough honours the annotation ssl-passthrough, whose paths
	// answer 503 otherwise.
	EnableSSLPassthrough bool
	// TopologyAware prefers the endpoints that their EndpointSlices mean for Zone,
	// where this process runs. Empty means that it is not known.
	TopologyAware bool
	Zone          string
	// Checks are those of package annotation. nil takes whatever has the right
	// form.
	Checks *annotation.Checks `json:"-"`
	// Now is when certificates are checked for expiry, which only makes a
	// Problem. The zero time skips the check: Build itself reads no clock.
	Now time.Time
}

// EndpointZone is the zone whose endpoints are preferred, empty for none.
func (s *Settings) EndpointZone() string {
	if s.TopologyAware {
		return s.Zone
	}
	return ""
}
