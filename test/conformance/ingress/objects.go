package ingress

import (
	"fmt"
	"strings"
	"testing"
)

const class = `---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shockwave}
spec: {controller: shockwave.dev/ingress-controller}
`

// serviceObjects starts the pods of a Service and describes it.
func serviceObjects(t *testing.T, site Site, name string, pods int) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `---
apiVersion: v1
kind: Service
metadata: {name: %s, namespace: default}
spec:
  ports: [{name: http, port: 8080, targetPort: 3000}]
`, name)
	for i := range pods {
		a := site.Endpoint(startEcho(t, name, i))
		fmt.Fprintf(&b, `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: %[1]s-%[2]d
  namespace: default
  labels: {kubernetes.io/service-name: %[1]s}
addressType: IPv4
ports: [{name: http, port: %[3]d, protocol: TCP}]
endpoints:
- addresses: [%[4]s]
  conditions: {ready: true}
`, name, i, a.Port(), a.Addr())
	}
	return b.String()
}
