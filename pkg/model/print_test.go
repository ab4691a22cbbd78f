package model

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestConfigString(t *testing.T) {
	options := DefaultOptions()
	options.AllocationModeFrom = "annotation shockwave.dev/allocation-mode of Ingress default/shop"
	options.AllocationMode, options.ReadTimeout, options.MaxBodyBytes = AllocArena, 2*time.Minute, 8<<20
	policy := DefaultPolicy()
	policy.Pool.IdleConnections = 1
	listener := DefaultListener()
	listener.KeepAliveTimeout = 0
	cart := UpstreamKey{Namespace: "default", Service: "cart", Port: "80"}
	pay := UpstreamKey{Namespace: "default", Service: "pay", Port: "443"}
	c := &Config{
		Hosts: []Host{
			{Name: "", Fallback: &Route{Upstream: cart, Options: DefaultOptions()}},
			{Name: "shop.example", Certificate: "default/shop", Routes: []Route{
				{Path: "/cart", Match: Exact, Upstream: cart, Options: options},
				{Path: "/cart", Upstream: cart, Options: DefaultOptions()},
				{Path: "/gone", Options: DefaultOptions()},
				{Path: "/pay", Upstream: pay, Options: DefaultOptions(), Denied: "why"},
			}},
		},
		Upstreams: []Upstream{
			{Key: cart, Policy: DefaultPolicy()},
			{Key: pay, Policy: policy, ExternalName: "pay.example.net", ExternalPort: 8443},
		},
		Certificates:       []Certificate{{Name: "default/shop", Cert: []byte("not PEM"), Key: []byte("sesame")}},
		DefaultCertificate: "default/shop",
		TLSNames:           []TLSName{{"a.example", "default/shop"}, {"b.example", ""}},
		Listener:           listener,
	}
	want := `listener  keep-alive=0s
default certificate  default/shop
certificate default/shop  sha256:1f911205f14c
tls a.example  default/shop
tls b.example  -
host *
  fallback  default/cart:80
host shop.example
  tls  default/shop
  /cart  exact  default/cart:80  allocation-mode=arena (annotation shockwave.dev/allocation-mode of Ingress default/shop)  proxy-read-timeout=2m0s  proxy-body-size=8388608
  /cart  prefix  default/cart:80
  /gone  prefix  -
  /pay  prefix  default/pay:443  denied: why
upstream default/pay:443  external pay.example.net:8443  upstream-keepalive-connections=1
`
	got := c.String()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, "sesame") {
		t.Error("the print shows a private key")
	}
	if empty := (&Config{Listener: DefaultListener()}).String(); empty != "" {
		t.Errorf("nothing to serve prints as %q", empty)
	}
}

// TestEverySettingIsPrinted sets each field of the settings apart, so that a
// field added without a name in the print is noticed.
func TestEverySettingIsPrinted(t *testing.T) {
	o, p, l, h, s, f := DefaultOptions(), DefaultPolicy(), DefaultListener(), HostTLS{}, DefaultStreamTimeouts(), Filters{}
	for _, settings := range []struct {
		value   any
		changes func() string
	}{
		{&o, func() string { return o.Changes() }},
		{&p, func() string { return p.Changes() }},
		{&f, func() string { return changes(f.settings(), new(Filters).settings()) }},
		{&l, func() string { return l.changes() }},
		{&h, func() string { return changes(h.settings(), HostTLS{}.settings()) }},
		{&s, func() string { return changes(s.settings(), DefaultStreamTimeouts().settings()) }},
	} {
		n := change(t, reflect.ValueOf(settings.value).Elem())
		// What chose the mode stands behind it, and is another field.
		shown := strings.ReplaceAll(settings.changes(), "(x)", "(=)")
		if got := strings.Count(shown, "="); got != n {
			t.Errorf("%T: %q shows %d settings of %d", settings.value, settings.changes(), got, n)
		}
	}
}

// change gives each field below v another value, and returns their number.
func change(t *testing.T, v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[FilterSet]() { // Filters are changed by themselves
			return 0
		}
		for i := range v.NumField() {
			n += change(t, v.Field(i))
		}
		return n
	case reflect.String:
		if v.Type() == reflect.TypeFor[Profile]() { // it is what defaults are compared to
			return 0
		}
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8, reflect.Uint16:
		v.SetUint(v.Uint() ^ 1)
	default:
		t.Fatalf("no value of kind %v here: add one", v.Kind())
	}
	return 1
}

func TestEndpointsString(t *testing.T) {
	e := Endpoints{
		{Namespace: "default", Service: "cart", Port: "8080"}: {{Addr: netip.MustParseAddrPort("[2001:db8::1]:80")}},
		{Namespace: "default", Service: "cart", Port: "80"}:   {{Addr: netip.MustParseAddrPort("10.0.0.1:80"), Pod: "cart-0"}, {Addr: netip.MustParseAddrPort("10.0.0.2:80")}},
		{Namespace: "a", Service: "z", Port: "80"}:            {{Addr: netip.MustParseAddrPort("10.0.0.3:80")}},
	}
	want := `a/z:80
  10.0.0.3:80
default/cart:80
  10.0.0.1:80  cart-0
  10.0.0.2:80
default/cart:8080
  [2001:db8::1]:80
`
	if got := e.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestKnownModes(t *testing.T) {
	for mode, want := range map[AllocationMode]bool{
		AllocStandard: true, AllocArena: true, AllocGreenTea: true, "": false, "Standard": false,
	} {
		if mode.Known() != want {
			t.Errorf("%q.Known() = %v", mode, !want)
		}
	}
}
