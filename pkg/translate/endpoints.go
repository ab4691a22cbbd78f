package translate

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// EndpointsOf returns the addresses of the upstreams of config, from all
// EndpointSlices of their Services, of IPv4 and IPv6 alike. It reads nothing of
// objs but Services and EndpointSlices, so that it is cheap enough for each
// change of an endpoint.
//
// Endpoints that are ready take part (ready not set means ready). When an
// upstream has none, those that are terminating but still serve do: an endpoint
// that drains is better than 503. The rest, and upstreams with an external name,
// have no part in the result.
func EndpointsOf(objs *Objects, config *model.Config) model.Endpoints {
	services := make(map[types.NamespacedName]*corev1.Service, len(objs.Services))
	for _, s := range objs.Services {
		services[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
	}
	bySlices := make(map[types.NamespacedName][]*discoveryv1.EndpointSlice)
	for _, s := range objs.EndpointSlices {
		if service := s.Labels[discoveryv1.LabelServiceName]; service != "" {
			name := types.NamespacedName{Namespace: s.Namespace, Name: service}
			bySlices[name] = append(bySlices[name], s)
		}
	}
	endpoints := make(model.Endpoints)
	for i := range config.Upstreams {
		key := config.Upstreams[i].Key
		name := types.NamespacedName{Namespace: key.Namespace, Name: key.Service}
		service := services[name]
		if service == nil || config.Upstreams[i].ExternalName != "" {
			continue
		}
		port := portOfKey(service, key.Port)
		if port == nil {
			continue
		}
		if list := gather(bySlices[name], port); len(list) > 0 {
			endpoints[key] = list
		}
	}
	return endpoints
}

// portOfKey finds the port that an upstream's key names.
func portOfKey(service *corev1.Service, number string) *corev1.ServicePort {
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		if isTCP(port.Protocol) && strconv.FormatInt(int64(port.Port), 10) == number {
			return port
		}
	}
	return nil
}

// gather collects the endpoints of one Service port.
func gather(endpointSlices []*discoveryv1.EndpointSlice, port *corev1.ServicePort) []model.Endpoint {
	var ready, draining []model.Endpoint
	for _, s := range endpointSlices {
		if s.AddressType != discoveryv1.AddressTypeIPv4 && s.AddressType != discoveryv1.AddressTypeIPv6 {
			continue
		}
		number := slicePort(s, port)
		if number == 0 {
			continue
		}
		for i := range s.Endpoints {
			endpoint := &s.Endpoints[i]
			switch {
			case isReady(endpoint.Conditions):
				ready = appendAddresses(ready, endpoint, number)
			case isDraining(endpoint.Conditions):
				draining = appendAddresses(draining, endpoint, number)
			}
		}
	}
	if len(ready) == 0 {
		ready = draining
	}
	return sortEndpoints(ready)
}

// slicePort returns the port number that a Service port has in a slice, 0 for
// none. Kubernetes gives both the same name. A Service with one port may leave
// it without a name; then a slice written by hand may name it as it likes. A
// slice port without number stands for the Service's target port.
func slicePort(s *discoveryv1.EndpointSlice, port *corev1.ServicePort) uint16 {
	var found *discoveryv1.EndpointPort
	for i := range s.Ports {
		p := &s.Ports[i]
		if p.Protocol != nil && !isTCP(*p.Protocol) {
			continue
		}
		if valueOr(p.Name, "") == port.Name {
			found = p
			break
		}
		if port.Name == "" && len(s.Ports) == 1 {
			found = p
		}
	}
	if found == nil {
		return 0
	}
	number := valueOr(found.Port, 0)
	if found.Port == nil && port.TargetPort.Type == intstr.Int {
		number = cmp.Or(port.TargetPort.IntVal, port.Port)
	}
	if number < 1 || number > 65535 {
		return 0
	}
	return uint16(number)
}

// isReady is false for an endpoint that terminates, also where its Service
// publishes endpoints that are not ready.
func isReady(c discoveryv1.EndpointConditions) bool {
	return valueOr(c.Ready, true) && !valueOr(c.Terminating, false)
}

// isDraining takes serving, where it is not set, from ready, as the API says.
func isDraining(c discoveryv1.EndpointConditions) bool {
	return valueOr(c.Terminating, false) && valueOr(c.Serving, valueOr(c.Ready, true))
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func appendAddresses(list []model.Endpoint, endpoint *discoveryv1.Endpoint, port uint16) []model.Endpoint {
	pod := ""
	if ref := endpoint.TargetRef; ref != nil && ref.Kind == "Pod" {
		pod = ref.Name
	}
	for _, text := range endpoint.Addresses {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() {
			continue
		}
		list = append(list, model.Endpoint{Addr: netip.AddrPortFrom(addr.Unmap(), port), Pod: pod})
	}
	return list
}

// sortEndpoints sorts by address and drops duplicates, of which the one with
// the first pod name stays: a pod may stand in two slices for a moment.
func sortEndpoints(list []model.Endpoint) []model.Endpoint {
	slices.SortFunc(list, func(a, b model.Endpoint) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Pod, b.Pod))
	})
	return slices.CompactFunc(list, func(a, b model.Endpoint) bool { return a.Addr == b.Addr })
}
