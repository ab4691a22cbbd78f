package translate

import (
	"fmt"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// What all patterns of an Ingress take is bounded. Those beyond fail closed, and do not
// leave their requests to shorter paths.
func TestPatternsOfAnIngressAreBounded(t *testing.T) {
	for form, all := range map[string]bool{"/p%d(/|$)(.*)": true, "/p%d/([a-z]+)/x": true, "/p%d[a-z]{480}": false} {
		ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "a", Annotations: map[string]string{"nginx.ingress.kubernetes.io/use-regex": "true"},
		}}
		rule := networkingv1.HTTPIngressRuleValue{}
		kind := networkingv1.PathTypeImplementationSpecific
		for i := range 1000 {
			rule.Paths = append(rule.Paths, networkingv1.HTTPIngressPath{
				Path: fmt.Sprintf(form, i), PathType: &kind,
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "cart", Port: networkingv1.ServiceBackendPort{Number: 80}}},
			})
		}
		ing.Spec.Rules = []networkingv1.IngressRule{{Host: "shop.example", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &rule}}}
		settings := pageSettings()
		settings.Profile = model.ProfileNginx
		config, _ := Build(&Objects{Ingresses: []*networkingv1.Ingress{ing}}, settings)
		denied := 0
		for _, r := range config.Hosts[0].Routes {
			if r.Denied != "" {
				denied++
			}
		}
		if len(config.Hosts[0].Routes) != 1000 || (denied == 0) != all || denied > 950 {
			t.Errorf("%s: %d routes, %d denied", form, len(config.Hosts[0].Routes), denied)
		}
	}
}
