package annotation

import (
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// withoutEffect are settings whose value is read and changes nothing.
var withoutEffect = map[string]bool{
	"proxy-busy-buffers-size": true,
	"auth-keepalive":          true, "auth-keepalive-requests": true, "auth-keepalive-timeout": true, "auth-keepalive-share-vars": true,
}

// inShop is a place on an Ingress, in a dialect.
func inShop(d dialect) place {
	return place{dialect: d, from: Source{Object: model.ObjectRef{Kind: ingressKind, Namespace: "default", Name: "shop"}}}
}

// TestExamples tells which rows of Table lack an example, or have one that is of no
// use: every example is a good value, under the prefix of ingress-nginx too where
// there is one, and changes something.
func TestExamples(t *testing.T) {
	for _, a := range Table {
		if a.Example == "" {
			t.Errorf("%s has no example: add .example(\"...\") to its row", a.Name)
			continue
		}
		dialects := []dialect{ours}
		if a.Inherited() {
			dialects = append(dialects, nginx)
		}
		for _, d := range dialects {
			before := Defaults(model.ProfileKubernetes)
			after := before
			if err := a.parse(&after, a.Example, inShop(d)); err != nil {
				t.Errorf("%s: the example %q: %v", a.Name, a.Example, err)
			} else if after == before && !withoutEffect[a.Name] && a.NginxDefault == a.Default {
				t.Errorf("%s: the example %q asks for what happens anyway", a.Name, a.Example)
			}
		}
		if a.Differs != "" && !strings.HasSuffix(a.Differs, ".") {
			t.Errorf("%s: %q is no sentence", a.Name, a.Differs)
		}
	}
}

// TestDefaults sets each default where nothing is set: it changes nothing, in
// either profile. A row whose Help tells of no default has one.
func TestDefaults(t *testing.T) {
	for _, a := range Table {
		for profile, value := range map[model.Profile]string{
			model.ProfileKubernetes: a.Default, model.ProfileNginx: a.NginxDefault,
		} {
			if value == "" {
				continue
			}
			before := Defaults(profile)
			after := before
			if err := a.parse(&after, value, inShop(ours)); err != nil {
				t.Errorf("%s: the default %q: %v", a.Name, value, err)
			} else if after != before {
				t.Errorf("%s: %q is not the default of the profile %s", a.Name, value, profile)
			}
		}
		if a.Default == "" && a.NginxDefault == "" && !strings.Contains(a.Help, "default") && !noDefault[a.Name] {
			t.Errorf("%s has no default: add .defaults(\"...\") to its row, or say in its help what happens without it", a.Name)
		}
	}
}

// noDefault are settings without which nothing of their kind happens.
var noDefault = map[string]bool{
	"proxy-ssl-secret": true, "auth-tls-secret": true, "auth-secret": true, "proxy-busy-buffers-size": true,
	"app-root": true, "permanent-redirect": true, "temporal-redirect": true, "server-alias": true,
}
