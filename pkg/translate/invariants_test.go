package translate

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// eachPage runs a test with the inputs of every page.
func eachPage(t *testing.T, test func(t *testing.T, read func() (*Objects, Settings))) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) < 75 {
		t.Fatalf("%d pages (%v)", len(paths), err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sections := make(map[string]string)
		for _, f := range txtar.Parse(content).Files {
			sections[f.Name] = string(f.Data)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			test(t, func() (*Objects, Settings) {
				return readObjects(t, sections["objects.yaml"]), readSettings(t, sections["settings"])
			})
		})
	}
}

func TestOrderOfObjectsDoesNotMatter(t *testing.T) {
	eachPage(t, func(t *testing.T, read func() (*Objects, Settings)) {
		objs, settings := read()
		config, problems := Build(objs, settings)
		for seed := range uint64(5) {
			shuffle(objs, rand.New(rand.NewPCG(seed, 0)))
			again, problemsAgain := Build(objs, settings)
			if !reflect.DeepEqual(config, again) || !slices.Equal(problems, problemsAgain) {
				t.Fatalf("another order gives\n%v%vrather than\n%v%v", again, problemsAgain, config, problems)
			}
			if got, want := EndpointsOf(objs, again), EndpointsOf(objs, config); !reflect.DeepEqual(got, want) {
				t.Fatalf("another order gives\n%vrather than\n%v", got, want)
			}
		}
	})
}

func shuffle(objs *Objects, r *rand.Rand) {
	r.Shuffle(len(objs.Ingresses), reflect.Swapper(objs.Ingresses))
	r.Shuffle(len(objs.IngressClasses), reflect.Swapper(objs.IngressClasses))
	r.Shuffle(len(objs.Services), reflect.Swapper(objs.Services))
	r.Shuffle(len(objs.EndpointSlices), reflect.Swapper(objs.EndpointSlices))
	r.Shuffle(len(objs.Secrets), reflect.Swapper(objs.Secrets))
	r.Shuffle(len(objs.ConfigMaps), reflect.Swapper(objs.ConfigMaps))
	r.Shuffle(len(objs.ListenerConfigs), reflect.Swapper(objs.ListenerConfigs))
}

func TestObjectsAreOnlyRead(t *testing.T) {
	eachPage(t, func(t *testing.T, read func() (*Objects, Settings)) {
		objs, settings := read()
		untouched, _ := read()
		config, _ := Build(objs, settings)
		EndpointsOf(objs, config)
		References(objs, settings)
		Ours(objs, settings)
		if !reflect.DeepEqual(objs, untouched) {
			t.Error("the objects are not what they were")
		}
	})
}

// TestReferencesAreEnough builds from only those Secrets and ConfigMaps
// that References names.
func TestReferencesAreEnough(t *testing.T) {
	eachPage(t, func(t *testing.T, read func() (*Objects, Settings)) {
		objs, settings := read()
		config, problems := Build(objs, settings)
		secrets, configMaps := References(objs, settings)
		objs.Secrets = keep(objs.Secrets, secrets)
		objs.ConfigMaps = keep(objs.ConfigMaps, configMaps)
		again, problemsAgain := Build(objs, settings)
		if !reflect.DeepEqual(config, again) || !slices.Equal(problems, problemsAgain) {
			t.Errorf("without the rest:\n%v%vrather than\n%v%v", again, problemsAgain, config, problems)
		}
	})
}

func TestConfigsAreWellFormed(t *testing.T) {
	eachPage(t, func(t *testing.T, read func() (*Objects, Settings)) {
		config, problems := Build(read())
		checkConfig(t, config)
		for _, p := range problems {
			if p.Reason == "" || p.Message == "" || p.Object.Name == "" {
				t.Errorf("incomplete Problem %+v", p)
			}
		}
	})
}

// checkConfig checks what the data plane relies on.
func checkConfig(t *testing.T, c *model.Config) {
	t.Helper()
	upstreams := make(map[model.UpstreamKey]bool)
	for i, up := range c.Upstreams {
		upstreams[up.Key] = true
		if i > 0 && c.Upstreams[i-1].Key.Compare(up.Key) >= 0 {
			t.Errorf("upstream %v is out of order", up.Key)
		}
	}
	certificates := map[string]bool{"": true}
	for i, cert := range c.Certificates {
		certificates[cert.Name] = true
		if i > 0 && c.Certificates[i-1].Name >= cert.Name {
			t.Errorf("certificate %s is out of order", cert.Name)
		}
		if len(cert.Cert) == 0 || len(cert.Key) == 0 {
			t.Errorf("certificate %s has no key pair", cert.Name)
		}
	}
	if !certificates[c.DefaultCertificate] {
		t.Errorf("default certificate %s is not listed", c.DefaultCertificate)
	}
	authorities := map[string]bool{"": true}
	for i, a := range c.Authorities {
		authorities[a.Name] = true
		if i > 0 && c.Authorities[i-1].Name >= a.Name {
			t.Errorf("authority %s is out of order", a.Name)
		}
		if len(a.Certificates) == 0 {
			t.Errorf("authority %s has no certificate", a.Name)
		}
	}
	for _, up := range c.Upstreams {
		if tls := up.Transport.TLS; !authorities[tls.Authority] || !certificates[tls.Certificate] {
			t.Errorf("authority %q or certificate %q of %v is not listed", tls.Authority, tls.Certificate, up.Key)
		}
	}
	hosts := make(map[string]bool)
	names := make(map[string]bool)
	for i := range c.Hosts {
		names[c.Hosts[i].Name] = true
	}
	for i, h := range c.Hosts {
		hosts[h.Name] = true
		if i > 0 && c.Hosts[i-1].Name >= h.Name {
			t.Errorf("host %q is out of order", h.Name)
		}
		if !certificates[h.Certificate] {
			t.Errorf("certificate %s of host %q is not listed", h.Certificate, h.Name)
		}
		for k, a := range h.Aliases {
			if names[a.Name] || k > 0 && h.Aliases[k-1].Name >= a.Name || !certificates[a.Certificate] {
				t.Errorf("alias %q of host %q is a host, another alias or out of order, or has certificate %q", a.Name, h.Name, a.Certificate)
			}
			names[a.Name] = true
		}
		if !authorities[h.TLS.Authority] || (h.TLS.ClientAuth == model.ClientAuthOff) != (h.TLS.Authority == "") {
			t.Errorf("host %q wants certificates %q of authority %q", h.Name, h.TLS.ClientAuth, h.TLS.Authority)
		}
		if !h.Passthrough.IsZero() && (!upstreams[h.Passthrough] || h.TLS.ClientAuth != model.ClientAuthOff || h.Name == "") {
			t.Errorf("host %q is passed through to %v", h.Name, h.Passthrough)
		}
		checkRoutes(t, h, upstreams)
	}
	for _, name := range c.TLSNames {
		if hosts[name.Name] || !certificates[name.Certificate] {
			t.Errorf("TLS name %v is a host, or its certificate is not listed", name)
		}
	}
}

func checkRoutes(t *testing.T, h model.Host, upstreams map[model.UpstreamKey]bool) {
	t.Helper()
	if h.Fallback != nil && !h.Fallback.Upstream.IsZero() && !upstreams[h.Fallback.Upstream] {
		t.Errorf("the fallback of %q has no upstream", h.Name)
	}
	for i, r := range h.Routes {
		if r.Match == model.Pattern {
			if _, err := pattern.Compile(r.Path); err != nil {
				t.Errorf("pattern %q of %q: %v", r.Path, h.Name, err)
			}
		} else if !strings.HasPrefix(r.Path, "/") || r.Match == model.Prefix && r.Path != "/" && strings.HasSuffix(r.Path, "/") {
			t.Errorf("path %q of %q is not in normal form", r.Path, h.Name)
		}
		if i > 0 {
			p := h.Routes[i-1]
			if p.Match == model.Pattern && r.Match != model.Pattern {
				t.Errorf("path %q of %q comes after a pattern", r.Path, h.Name)
			}
			if r.Match != model.Pattern && (p.Path > r.Path || p.Path == r.Path && !(p.Match == model.Exact && r.Match == model.Prefix)) {
				t.Errorf("path %q of %q is out of order or stands twice", r.Path, h.Name)
			}
		}
		if !r.Upstream.IsZero() && !upstreams[r.Upstream] {
			t.Errorf("path %q of %q has no upstream", r.Path, h.Name)
		}
		if r.Options == (model.Options{}) || r.Ingress.Name == "" {
			t.Errorf("path %q of %q has no options or no Ingress", r.Path, h.Name)
		}
	}
}
