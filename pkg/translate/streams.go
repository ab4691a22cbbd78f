package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// addStreams reads the ConfigMaps of TCP and UDP services: a key is a port to listen
// on, its value where the connections or datagrams go (IN: controller.go,
// getStreamServices). A mistake costs the one port. Unlike there, a port whose
// Service has no endpoints is served, and clients are turned away until it has.
//
// It comes after the Ingresses, whose upstreams keep their names whatever streams
// there are.
func (b *build) addStreams() {
	b.addStreamsOf(b.settings.TCPServices, false)
	b.addStreamsOf(b.settings.UDPServices, true)
}

func (b *build) addStreamsOf(name types.NamespacedName, udp bool) {
	if name.Name == "" {
		return
	}
	for _, m := range b.objs.ConfigMaps {
		if m.Namespace != name.Namespace || m.Name != name.Name {
			continue
		}
		ref, first := b.ref("ConfigMap", m.Namespace, m.Name), len(b.streams)
		for _, key := range slices.Sorted(maps.Keys(m.Data)) {
			stream, err := b.readStream(ref, key, m.Data[key], udp)
			if err != nil {
				b.problem(ref, err.reason, "port %s is not served: %s", model.Excerpt(key), err.message)
				continue
			}
			b.streams = append(b.streams, stream)
		}
		slices.SortFunc(b.streams[first:], func(x, y model.Stream) int { return cmp.Compare(x.Port, y.Port) })
	}
}

// readStream reads one entry of a ConfigMap.
func (b *build) readStream(ref model.ObjectRef, key, value string, udp bool) (model.Stream, *backendError) {
	stream := model.Stream{UDP: udp, Source: ref, StreamTimeouts: b.base.Stream}
	port, err := strconv.ParseUint(key, 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != key {
		return stream, refuse(model.ReasonInvalidValue, "want a number from 1 to 65535")
	}
	stream.Port = uint16(port)
	if !udp && slices.Contains(b.settings.ReservedPorts[:], stream.Port) {
		return stream, refuse(model.ReasonPortConflict, "the process itself listens on it")
	}
	said, wrong := parseStream(value)
	if wrong != "" {
		return stream, refuse(model.ReasonInvalidValue,
			"%q: %s: want namespace/service:port, then :PROXY to expect a PROXY header, then :PROXY to send one",
			model.Excerpt(strings.TrimSpace(value)), wrong)
	}
	t, refused := b.lookUpStream(said, udp)
	if refused != nil {
		return stream, refused
	}
	stream.AcceptProxy, stream.SendProxy = said.accept, said.send
	if udp && (said.accept || said.send) {
		stream.AcceptProxy, stream.SendProxy = false, false
		b.problem(ref, model.ReasonUnsupportedSetting, "port %s: PROXY has no effect: it is for TCP services", key)
	}
	// What an Ingress needs of HTTP means nothing here.
	policy := model.DefaultPolicy()
	policy.Balance.Algorithm = b.base.Policy.Balance.Algorithm
	stream.Upstream = b.use(t, policy)
	return stream, nil
}

// streamValue is the value of an entry.
type streamValue struct {
	service      types.NamespacedName
	port         networkingv1.ServiceBackendPort
	accept, send bool
}

// parseStream takes a value apart. wrong says what is wrong with it.
func parseStream(value string) (v streamValue, wrong string) {
	fields := strings.Split(strings.TrimSpace(value), ":")
	switch n := len(fields); {
	case n < 2:
		return v, "it has no port"
	case n > 4:
		return v, "it has too many parts"
	}
	namespace, name, _ := strings.Cut(fields[0], "/")
	if namespace == "" || name == "" || strings.Contains(name, "/") {
		return v, fmt.Sprintf("%q is not of the form namespace/service", model.Excerpt(fields[0]))
	}
	v.service = types.NamespacedName{Namespace: namespace, Name: name}
	switch number, err := strconv.ParseUint(fields[1], 10, 16); {
	case err == nil && number > 0:
		v.port.Number = int32(number)
	case fields[1] == "" || strings.Trim(fields[1], "0123456789") == "":
		return v, fmt.Sprintf("%q is not a port", model.Excerpt(fields[1]))
	default:
		v.port.Name = fields[1]
	}
	for i, field := range fields[2:] {
		yes := strings.EqualFold(field, "PROXY")
		if !yes && field != "" {
			return v, fmt.Sprintf("%q is not PROXY", model.Excerpt(field))
		}
		if i == 0 {
			v.accept = yes
		} else {
			v.send = yes
		}
	}
	return v, ""
}

// lookUpStream finds the Service port that an entry means.
func (b *build) lookUpStream(v streamValue, udp bool) (target, *backendError) {
	service := b.services[v.service]
	if service == nil {
		return target{}, refuse(model.ReasonServiceNotFound, "Service %s does not exist", model.Excerpt(v.service.String()))
	}
	port := findPort(service, v.port, udp)
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		t, err := b.external(service, port, v.port)
		t.key.UDP = udp && err == nil
		return t, err
	}
	if port == nil {
		protocol := corev1.ProtocolTCP
		if udp {
			protocol = corev1.ProtocolUDP
		}
		return target{}, refuse(model.ReasonPortNotFound,
			"Service %s has no %s port %s", v.service, protocol, model.Excerpt(portText(v.port)))
	}
	key := upstreamKey(service, port.Port)
	key.UDP = udp
	return target{key: key}, nil
}
