package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// target is what a backend resolves to. Its zero value answers 503.
type target struct {
	// key names the Service's port by number: the number stays the same
	// whichever Ingresses come and go, and two Ingresses share the upstream
	// when one writes the number and the other the name. ingress-nginx names
	// its upstreams by what the Ingress wrote, which mostly is the number.
	key          model.UpstreamKey
	externalName string
	externalPort uint16
	// clusterIP tells that the Service has an address of its own.
	clusterIP bool
}

func (t target) model(policy model.Policy) model.Upstream {
	return model.Upstream{Key: t.key, ExternalName: t.externalName, ExternalPort: t.externalPort, Policy: policy}
}

// backendError is why a backend cannot be served.
type backendError struct{ reason, message string }

func refuse(reason, format string, args ...any) *backendError {
	return &backendError{reason, fmt.Sprintf(format, args...)}
}

// resolve finds what a backend of an Ingress refers to. What cannot be found is
// a Problem and a zero target.
func (b *build) resolve(in *ingress, backend *networkingv1.IngressBackend) target {
	t, err := b.lookUp(in.Namespace, backend)
	if err != nil && in.options.Filters.Filters().Redirect.On() {
		return target{} // which nothing is sent to: everything is redirected
	}
	if err != nil {
		instead := "its paths answer 503"
		if !in.defaultBackend.key.IsZero() {
			instead = "the default-backend serves its paths"
		}
		b.tell(in, err.reason, "%s: %s", err.message, instead)
		return target{}
	}
	return t
}

// resolveAgain is resolve for a path that may have been resolved in an earlier
// Build, with the same Services.
func (b *build) resolveAgain(in *ingress, said *saidPath, backend *networkingv1.IngressBackend) target {
	if said.version != b.version {
		said.target, said.version = b.resolve(in, backend), b.version
		if said.target.key.IsZero() {
			said.version = 0 // the Problem must be told each time
		}
	}
	return said.target
}

func (b *build) lookUp(namespace string, backend *networkingv1.IngressBackend) (target, *backendError) {
	switch {
	case backend.Service != nil && backend.Service.Name != "":
	case backend.Resource != nil:
		return target{}, refuse(model.ReasonUnsupportedBackend,
			"backend %s %s is not a Service", model.Excerpt(backend.Resource.Kind), model.Excerpt(backend.Resource.Name))
	default:
		return target{}, refuse(model.ReasonUnsupportedBackend, "a backend names no Service")
	}
	name := types.NamespacedName{Namespace: namespace, Name: backend.Service.Name}
	service := b.services[name]
	if service == nil {
		return target{}, refuse(model.ReasonServiceNotFound, "Service %s does not exist", model.Excerpt(name.String()))
	}
	wanted := backend.Service.Port
	port := findPort(service, wanted, false)
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return b.external(service, port, wanted)
	}
	if port == nil {
		return target{}, refuse(model.ReasonPortNotFound,
			"Service %s has no port %s", name, model.Excerpt(portText(wanted)))
	}
	return target{key: upstreamKey(service, port.Port), clusterIP: clusterIP(service).IsValid()}, nil
}

// clusterIP is the address of a Service. It is not valid for a headless one.
func clusterIP(service *corev1.Service) netip.Addr {
	addr, err := netip.ParseAddr(service.Spec.ClusterIP)
	if err != nil || !mayServe(addr.Unmap()) {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// resolveFirstPort is lookUp for a Service of which the first port is meant.
func (b *build) resolveFirstPort(service *corev1.Service) (target, *backendError) {
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		switch {
		case !isTCP(port.Protocol):
		case service.Spec.Type == corev1.ServiceTypeExternalName:
			return b.external(service, port, networkingv1.ServiceBackendPort{Number: port.Port})
		default:
			return target{key: upstreamKey(service, port.Port), clusterIP: clusterIP(service).IsValid()}, nil
		}
	}
	return target{}, refuse(model.ReasonPortNotFound, "the Service has no TCP port")
}

func upstreamKey(service *corev1.Service, port int32) model.UpstreamKey {
	return model.UpstreamKey{
		Namespace: service.Namespace,
		Service:   service.Name,
		Port:      strconv.FormatInt(int64(port), 10),
	}
}

// findPort finds the TCP or UDP port of a Service that a backend means: by number, by
// name, or else by targetPort, which ingress-nginx accepts too (IN:
// controller.go, serviceEndpoints). It returns nil when there is none.
func findPort(service *corev1.Service, wanted networkingv1.ServiceBackendPort, udp bool) *corev1.ServicePort {
	var byTarget *corev1.ServicePort
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		if !speaks(port.Protocol, udp) {
			continue
		}
		if wanted.Number != 0 && port.Port == wanted.Number || wanted.Name != "" && port.Name == wanted.Name {
			return port
		}
		meant := port.TargetPort.Type == intstr.Int && wanted.Number != 0 && port.TargetPort.IntVal == wanted.Number ||
			port.TargetPort.Type == intstr.String && wanted.Name != "" && port.TargetPort.StrVal == wanted.Name
		if meant && byTarget == nil {
			byTarget = port
		}
	}
	return byTarget
}

func isTCP(p corev1.Protocol) bool { return p == corev1.ProtocolTCP || p == "" }

// speaks tells whether a port is for UDP, or else for TCP.
func speaks(p corev1.Protocol, udp bool) bool {
	if udp {
		return p == corev1.ProtocolUDP
	}
	return isTCP(p)
}

func portText(p networkingv1.ServiceBackendPort) string {
	if p.Name != "" {
		return strconv.Quote(p.Name)
	}
	return strconv.FormatInt(int64(p.Number), 10)
}

// external resolves a backend of type ExternalName. Such a Service need not list
// the port: then the number that the Ingress wrote is used (IN: controller.go,
// externalNamePorts).
func (b *build) external(service *corev1.Service, port *corev1.ServicePort, wanted networkingv1.ServiceBackendPort) (target, *backendError) {
	name := service.Namespace + "/" + service.Name
	if b.settings.DisableExternalName {
		return target{}, refuse(model.ReasonExternalNameRefused,
			"Service %s is of type ExternalName, which is switched off", name)
	}
	external, err := externalHost(service.Spec.ExternalName)
	if err != "" {
		return target{}, refuse(model.ReasonExternalNameRefused,
			"Service %s: externalName %q: %s", name, model.Excerpt(service.Spec.ExternalName), err)
	}
	key, number := wanted.Number, wanted.Number
	if port != nil {
		key, number = port.Port, port.Port
		if port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal != 0 {
			number = port.TargetPort.IntVal
		}
	}
	if number < 1 || number > 65535 {
		return target{}, refuse(model.ReasonPortNotFound,
			"Service %s has no port %s", name, model.Excerpt(portText(wanted)))
	}
	return target{key: upstreamKey(service, key), externalName: external, externalPort: uint16(number)}, nil
}

// externalHost checks the name that a Service of type ExternalName points to and
// returns it without its final dot. Names and addresses of this host, and of
// its link and of its cloud (model.Outward), are refused; so are the number
// forms that some resolvers take for addresses, such as 127.1 and 0x7f000001.
// Names that resolve to such an address are for the data plane to refuse.
func externalHost(name string) (host, refused string) {
	host = strings.ToLower(strings.TrimSuffix(name, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		if !model.Outward(addr) {
			return "", "this address must not be proxied to"
		}
		return addr.Unmap().String(), ""
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "localhost" {
		return "", "this host must not be proxied to"
	}
	normal, err := normalHost(host)
	switch {
	case err != nil:
		return "", err.Error()
	case normal == "" || strings.HasPrefix(normal, "*"):
		return "", "want a DNS name"
	case last[0] >= '0' && last[0] <= '9':
		return "", "want a DNS name whose last label is not a number"
	}
	return normal, ""
}

// use adds the upstream of a target and returns its key. The Ingresses that want
// the same of a Service port share one. The oldest that refers to it has it without
// a variant, so that its connections survive a change of its settings; an Ingress
// that wants other settings than that has one of its own.
func (b *build) use(t target, policy model.Policy) model.UpstreamKey {
	up := b.upstreams[t.key]
	if up != nil && up.Policy != policy {
		t.key.Variant = variant(policy)
		up = b.upstreams[t.key]
	}
	if up == nil {
		made := t.model(policy)
		b.upstreams[t.key] = &made
	}
	return t.key
}

// variant is a digest of settings: equal for equal ones, in every process.
func variant(policy model.Policy) string {
	sum := sha256.Sum256([]byte(policy.Changes()))
	return hex.EncodeToString(sum[:4])
}
