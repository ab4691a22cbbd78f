package translate

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// What package stream relies on holds for all pages.
func TestStreamsAreWellFormed(t *testing.T) {
	eachPage(t, func(t *testing.T, read func() (*Objects, Settings)) {
		config, _ := Build(read())
		checkStreams(t, config)
	})
}

func checkStreams(t *testing.T, c *model.Config) {
	t.Helper()
	for i := range c.Streams {
		s := &c.Streams[i]
		known := slices.ContainsFunc(c.Upstreams, func(up model.Upstream) bool { return up.Key == s.Upstream })
		if !known || s.Upstream.UDP != s.UDP {
			t.Errorf("%s: upstream %v is not listed, or not of its protocol", s.Name(), s.Upstream)
		}
		if s.Port == 0 || s.Source.Name == "" || s.Connect <= 0 || s.Idle <= 0 || s.UDP && (s.AcceptProxy || s.SendProxy) {
			t.Errorf("%+v", *s)
		}
		if i == 0 {
			continue
		}
		if before := &c.Streams[i-1]; before.UDP && !s.UDP || before.UDP == s.UDP && before.Port >= s.Port {
			t.Errorf("%s comes after %s", s.Name(), before.Name())
		}
	}
}

func TestReferencesOfStreams(t *testing.T) {
	settings := pageSettings()
	settings.TCPServices = types.NamespacedName{Namespace: "system", Name: "tcp"}
	settings.UDPServices = types.NamespacedName{Namespace: "a", Name: "udp"}
	settings.ConfigMap = settings.TCPServices // all may be one
	_, configMaps := References(new(Objects), settings)
	if got, want := fmt.Sprint(configMaps), "[a/udp system/tcp]"; got != want {
		t.Errorf("ConfigMaps %s, want %s", got, want)
	}
}

// FuzzStreams lets the author of the ConfigMaps write anything.
func FuzzStreams(f *testing.F) {
	for _, value := range []string{"default/db:5432", "default/db:sql:PROXY:PROXY", "default/db::", ":::", "a/b:-1", "a/b:99999999999"} {
		f.Add("5432", value)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		data := map[string]string{key: value, "1": "default/db:sql"}
		objs := &Objects{Services: []*corev1.Service{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "db"},
			Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
				{Name: "sql", Port: 5432}, {Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
			}},
		}}}
		settings := pageSettings()
		settings.TCPServices = types.NamespacedName{Namespace: "system", Name: "tcp"}
		settings.UDPServices = types.NamespacedName{Namespace: "system", Name: "udp"}
		for _, name := range []string{"tcp", "udp"} {
			objs.ConfigMaps = append(objs.ConfigMaps, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: name}, Data: data,
			})
		}
		config, problems := Build(objs, settings)
		checkConfig(t, config)
		checkStreams(t, config)
		EndpointsOf(objs, config)
		if key != "1" && !slices.ContainsFunc(config.Streams, func(s model.Stream) bool { return s.Name() == "tcp/1" }) {
			t.Error("a good entry is lost")
		}
		for _, p := range problems {
			if len(p.Message) > 2000 {
				t.Errorf("a message of %d bytes", len(p.Message))
			}
		}
	})
}
