package translate

import (
	"fmt"
	"reflect"
	"testing"
)

const weightedObjects = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  rules:
  - host: shop.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: x
  labels: {kubernetes.io/service-name: cart}
  annotations: {shockwave.dev/weight: "%s"}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.1], hints: {forZones: [{name: west}]}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: y, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.2], hints: {forZones: [{name: east}]}}]
`

func TestWeights(t *testing.T) {
	for text, want := range map[string]uint16{
		"1": 1, "100": 100, "7": 7,
		"": 0, "0": 0, "101": 0, "-1": 0, "1.5": 0, "many": 0, "99999999999999999999": 0,
	} {
		objs := readObjects(t, fmt.Sprintf(weightedObjects, text))
		config, _ := Build(objs, pageSettings())
		list := EndpointsOf(objs, config)[config.Upstreams[0].Key]
		if len(list) != 2 || list[0].Weight != want || list[1].Weight != 0 {
			t.Errorf("with the weight %q the endpoints are %+v, want %d for the first", text, list, want)
		}
	}
}

// TestZoneMayChange: the zone of a process is known late.
func TestZoneMayChange(t *testing.T) {
	objs := readObjects(t, fmt.Sprintf(weightedObjects, ""))
	config, _ := Build(objs, pageSettings())
	var finder EndpointFinder
	for _, zone := range []string{"", "west", "east", "west", ""} {
		finder.Zone = zone
		got, want := finder.Of(objs, config), (&EndpointFinder{Zone: zone}).Of(objs, config)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("zone %q: %v, want %v", zone, got, want)
		}
		if n := len(got[config.Upstreams[0].Key]); (n == 2) != (zone == "") {
			t.Errorf("zone %q has %d endpoints", zone, n)
		}
	}
	settings := Settings{Zone: "west"}
	if settings.EndpointZone() != "" {
		t.Error("the zone counts without topology-aware routing")
	}
	settings.TopologyAware = true
	if settings.EndpointZone() != "west" {
		t.Error("the zone does not count")
	}
}
