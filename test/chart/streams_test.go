package chart

import (
	"slices"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func decimal(n int32) string { return strconv.FormatInt(int64(n), 10) }

// The ports of TCP and UDP services are the same in the ConfigMaps, the flags, the
// pod and the Services.
func TestStreamsAgree(t *testing.T) {
	objects := rendered(t, "golden/full.yaml")
	container := find[appsv1.Deployment](t, objects, "Deployment", "").Spec.Template.Spec.Containers[0]
	for _, c := range []struct {
		name     string
		protocol corev1.Protocol
		ports    map[string]string
	}{
		{"tcp", corev1.ProtocolTCP, map[string]string{"25": "net-25-tcp", "5432": "net-5432-tcp"}},
		{"udp", corev1.ProtocolUDP, map[string]string{"53": "net-53-udp"}},
	} {
		data := find[corev1.ConfigMap](t, objects, "ConfigMap", "shockwave-"+c.name).Data
		if len(data) != len(c.ports) {
			t.Errorf("%s: %v", c.name, data)
		}
		if flag := "--" + c.name + "-services-configmap=$(POD_NAMESPACE)/shockwave-" + c.name; !slices.Contains(container.Args, flag) {
			t.Errorf("%s is not among %v", flag, container.Args)
		}
		for number, name := range c.ports {
			if data[number] == "" {
				t.Errorf("%s %s is not in the ConfigMap", c.name, number)
			}
			if !slices.ContainsFunc(container.Ports, func(p corev1.ContainerPort) bool {
				return p.Name == name && decimal(p.ContainerPort) == number && p.Protocol == c.protocol
			}) {
				t.Errorf("the pod has no port %s: %v", name, container.Ports)
			}
			for _, service := range []string{"shockwave-controller", "shockwave-controller-internal"} {
				if !slices.ContainsFunc(find[corev1.Service](t, objects, "Service", service).Spec.Ports, func(p corev1.ServicePort) bool {
					return p.Name == name && decimal(p.Port) == number && p.TargetPort.StrVal == name && p.Protocol == c.protocol
				}) {
					t.Errorf("Service %s has no port %s", service, name)
				}
			}
		}
	}

	// A ConfigMap in another namespace is there already.
	objects = rendered(t, "golden/streams.yaml")
	container = find[appsv1.Deployment](t, objects, "Deployment", "").Spec.Template.Spec.Containers[0]
	if flag := "--tcp-services-configmap=platform/shockwave-tcp"; !slices.Contains(container.Args, flag) {
		t.Errorf("%s is not among %v", flag, container.Args)
	}
	if slices.ContainsFunc(objects, func(o object) bool { return o.Kind == "ConfigMap" && o.Metadata.Name == "shockwave-tcp" }) {
		t.Error("the chart makes a ConfigMap that nobody reads")
	}
}
