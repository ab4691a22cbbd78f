package reconcile

import (
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// With --watch-namespace, the objects that flags name are watched where they are.
func TestWatchedNamespaces(t *testing.T) {
	name := func(namespace string) types.NamespacedName {
		return types.NamespacedName{Namespace: namespace, Name: "x"}
	}
	s := translate.Settings{ConfigMap: name("b"), TCPServices: name("c"), UDPServices: name("d"), DefaultSSLCertificate: name("e")}
	if all := watched(s, name("f")); all != nil {
		t.Errorf("%v are watched, want all", all)
	}
	s.WatchNamespace = "a"
	if got := slices.Sorted(maps.Keys(watched(s, name("f")))); !slices.Equal(got, []string{"a", "b", "c", "d", "e", "f"}) {
		t.Errorf("%v are watched", got)
	}
}
