package translate

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// The ConfigMap with the fields for a service is fetched, and no other.
func TestAuthReferences(t *testing.T) {
	objs := readObjects(t, `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: a
  namespace: shop
  annotations: {nginx.ingress.kubernetes.io/auth-proxy-set-headers: "fields"}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: b
  namespace: shop
  annotations: {nginx.ingress.kubernetes.io/auth-proxy-set-headers: "other/fields"}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: c
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/auth-proxy-set-headers: "theirs"
    shockwave.dev/auth-proxy-set-headers: "shop/ours"
`)
	_, configMaps := References(objs, pageSettings())
	want := []types.NamespacedName{{Namespace: "shop", Name: "fields"}, {Namespace: "shop", Name: "ours"}}
	if !slices.Equal(configMaps, want) {
		t.Errorf("ConfigMaps %v, want %v", configMaps, want)
	}
}
