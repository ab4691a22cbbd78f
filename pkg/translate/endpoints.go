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
	return new(EndpointFinder).Of(objs, config)
}

// EndpointFinder is EndpointsOf again and again: a change of routes alone costs
// little. The zero value is ready, and one goroutine at a time may use it.
type EndpointFinder struct {
	// Zone is that of Settings.EndpointZone: endpoints meant for it go before
	// others. It may change between two uses.
	Zone string

	services index[*corev1.Service]

	list []*discoveryv1.EndpointSlice
	// byService are the slices in list of each Service.
	byService map[types.NamespacedName][]*discoveryv1.EndpointSlice

	// found is the last result, for zone and upstreams.
	zone      string
	upstreams []model.Upstream
	found     model.Endpoints
}

// Of is the function EndpointsOf. The result must not be changed, nor the
// objects.
func (f *EndpointFinder) Of(objs *Objects, config *model.Config) model.Endpoints {
	if !slices.Equal(f.services.list, objs.Services) || !slices.Equal(f.list, objs.EndpointSlices) || f.zone != f.Zone {
		f.zone = f.Zone
		f.group(objs.EndpointSlices)
		f.found = nil
	} else if f.found != nil && slices.Equal(f.upstreams, config.Upstreams) {
		return f.found
	}
	services := f.services.of(objs.Services)
	endpoints := make(model.Endpoints, len(config.Upstreams))
	for i := range config.Upstreams {
		up := &config.Upstreams[i]
		list := f.found[up.Key]
		if list == nil {
			list = f.gather(up, services[types.NamespacedName{Namespace: up.Key.Namespace, Name: up.Key.Service}])
		}
		if len(list) > 0 {
			endpoints[up.Key] = list
		}
	}
	f.upstreams, f.found = config.Upstreams, endpoints
	return endpoints
}

// group sets byService.
func (f *EndpointFinder) group(list []*discoveryv1.EndpointSlice) {
	f.list = slices.Clone(list)
	f.byService = make(map[types.NamespacedName][]*discoveryv1.EndpointSlice, len(list))
	for _, s := range list {
		if service := s.Labels[discoveryv1.LabelServiceName]; service != "" {
			name := types.NamespacedName{Namespace: s.Namespace, Name: service}
			f.byService[name] = append(f.byService[name], s)
		}
	}
}

// gather collects the endpoints of an upstream, whose Service may be nil.
func (f *EndpointFinder) gather(up *model.Upstream, service *corev1.Service) []model.Endpoint {
	if service == nil || up.ExternalName != "" {
		return nil
	}
	port := portOfKey(service, &up.Key)
	if port == nil {
		return nil
	}
	if addr := clusterIP(service); up.ClusterIP && addr.IsValid() && port.Port > 0 && port.Port <= 65535 {
		return []model.Endpoint{{Addr: netip.AddrPortFrom(addr, uint16(port.Port))}}
	}
	return gather(f.byService[types.NamespacedName{Namespace: service.Namespace, Name: service.Name}], port, f.Zone)
}

// portOfKey finds the port that an upstream's key names.
func portOfKey(service *corev1.Service, key *model.UpstreamKey) *corev1.ServicePort {
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		if speaks(port.Protocol, key.UDP) && strconv.FormatInt(int64(port.Port), 10) == key.Port {
			return port
		}
	}
	return nil
}

// gather collects the endpoints of one Service port.
func gather(endpointSlices []*discoveryv1.EndpointSlice, port *corev1.ServicePort, zone string) []model.Endpoint {
	var ready, draining []model.Endpoint
	near := preferred{zone: zone}
	for _, s := range endpointSlices {
		if s.AddressType != discoveryv1.AddressTypeIPv4 && s.AddressType != discoveryv1.AddressTypeIPv6 {
			continue
		}
		number := slicePort(s, port)
		if number == 0 {
			continue
		}
		weight := weightOf(s)
		for i := range s.Endpoints {
			endpoint := &s.Endpoints[i]
			switch {
			case isReady(endpoint.Conditions):
				ready = appendAddresses(ready, endpoint, number, weight)
				near.add(endpoint, number, weight)
			case isDraining(endpoint.Conditions):
				draining = appendAddresses(draining, endpoint, number, weight)
			}
		}
	}
	switch {
	case len(ready) == 0:
		ready = draining
	case near.counts():
		ready = near.list
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
		if !speaks(valueOr(p.Protocol, corev1.ProtocolTCP), port.Protocol == corev1.ProtocolUDP) {
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

func appendAddresses(list []model.Endpoint, endpoint *discoveryv1.Endpoint, port, weight uint16) []model.Endpoint {
	pod := ""
	if ref := endpoint.TargetRef; ref != nil && ref.Kind == "Pod" {
		pod = ref.Name
	}
	for _, text := range endpoint.Addresses {
		addr, err := netip.ParseAddr(text)
		if addr = addr.Unmap(); err != nil || !mayServe(addr) {
			continue
		}
		list = append(list, model.Endpoint{Addr: netip.AddrPortFrom(addr, port), Pod: pod, Weight: weight})
	}
	return list
}

// mayServe is false for the addresses that an API server refuses in
// EndpointSlices, such as those of the link, where clouds serve credentials. Of
// these only loopback addresses are of use in a directory.
func mayServe(addr netip.Addr) bool {
	return addr.Zone() == "" && !addr.IsUnspecified() && !addr.IsMulticast() && !addr.IsLinkLocalUnicast()
}

// sortEndpoints sorts by address and drops duplicates, of which the one with
// the first pod name and the smallest weight stays: a pod may stand in two slices
// for a moment.
func sortEndpoints(list []model.Endpoint) []model.Endpoint {
	slices.SortFunc(list, func(a, b model.Endpoint) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Weight, b.Weight))
	})
	return slices.CompactFunc(list, func(a, b model.Endpoint) bool { return a.Addr == b.Addr })
}
