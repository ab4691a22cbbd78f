package check_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/check"
	"github.com/shockwave-ingress/shockwave/pkg/manifests"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// usual are the settings of the flags' defaults.
var usual = translate.Settings{ControllerClass: "shockwave.dev/ingress-controller", IngressClass: "shockwave"}

func report(t *testing.T, manifest string, o check.Options) *check.Report {
	t.Helper()
	objs, err := manifests.ReadAll([]string{"-"}, strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return check.Objects(objs, usual, o)
}

// ingress is an Ingress of a class, "" for none, with a line for each annotation.
func ingress(name, class, annotations string) string {
	text := "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: " + name + "\n  annotations: {" + annotations + "}\nspec:\n"
	if class != "" {
		text += "  ingressClassName: " + class + "\n"
	}
	return text + "  tls: [{hosts: [" + name + ".example], secretName: " + name + "-tls}]\n  rules:\n  - host: " + name +
		".example\n    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: " + name + ", port: {name: web}}}}]}\n"
}

func class(name, controller string) string {
	return "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: " + name + "}\nspec: {controller: " + controller + "}\n"
}

// Which class is looked at when no flag says so, and what is told of others.
func TestClassThatIsMeant(t *testing.T) {
	const nginx, ours = "k8s.io/ingress-nginx", "shockwave.dev/ingress-controller"
	for name, c := range map[string]struct {
		manifest string
		o        check.Options
		want     []string // the Ingresses looked at
		note     string
	}{
		"nginx by name":             {ingress("a", "nginx", ""), check.Options{}, []string{"a"}, "The IngressClass nginx is not in these files"},
		"nginx by annotation":       {ingress("a", "", "kubernetes.io/ingress.class: nginx"), check.Options{}, []string{"a"}, ""},
		"no class at all":           {ingress("a", "", ""), check.Options{}, []string{"a"}, "Ingresses without a class (1) are taken for ones of the class nginx"},
		"ours by name":              {ingress("a", "shockwave", ""), check.Options{}, []string{"a"}, "taken for one of shockwave.dev"},
		"ours with its class":       {class("shockwave", ours) + ingress("a", "shockwave", ""), check.Options{}, []string{"a"}, ""},
		"nginx's under other names": {class("inside", nginx) + class("outside", nginx) + ingress("a", "inside", "") + ingress("b", "outside", ""), check.Options{}, []string{"a", "b"}, ""},
		"both":                      {class("shockwave", ours) + class("nginx", nginx) + ingress("a", "shockwave", "") + ingress("b", "nginx", ""), check.Options{}, []string{"b"}, "of the class shockwave (1) were not looked at: for them, --ingress-class=shockwave --controller-class=shockwave.dev/ingress-controller"},
		"others":                    {ingress("a", "traefik", ""), check.Options{}, nil, "of the class traefik (1) were not looked at"},
		"no class, but classes":     {class("nginx", nginx) + ingress("a", "", ""), check.Options{}, nil, "without a class (1) were not looked at"},
		"chosen by a flag":          {class("shockwave", ours) + class("nginx", nginx) + ingress("a", "shockwave", "") + ingress("b", "nginx", ""), check.Options{ClassGiven: true}, []string{"a"}, "of the class nginx (1)"},
		"a cluster without a class": {ingress("a", "nginx", ""), check.Options{Complete: true}, nil, "of the class nginx (1)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, c.manifest, c.o)
			var got []string
			for _, in := range r.Ingresses {
				got = append(got, strings.TrimPrefix(in.Ingress, "default/"))
			}
			if !slices.Equal(got, c.want) || !strings.Contains(strings.Join(r.Notes, "\n"), c.note) {
				t.Errorf("looked at %v, want %v; notes %q", got, c.want, r.Notes)
			}
			if r.Totals.NotLookedAt+r.Totals.Ingresses != strings.Count(c.manifest, "kind: Ingress\n") {
				t.Errorf("%+v", r.Totals)
			}
		})
	}
}

// What manifests refer to and do not hold is listed and hides nothing; where they are
// complete, it is a mistake.
func TestWhatIsMissing(t *testing.T) {
	const annotations = `nginx.ingress.kubernetes.io/proxy-ssl-secret: ca, nginx.ingress.kubernetes.io/backend-protocol: HTTPS,
    nginx.ingress.kubernetes.io/auth-tls-secret: default/clients`
	manifest := class("nginx", "k8s.io/ingress-nginx") + ingress("a", "nginx", annotations) + ingress("b", "nginx", "")
	r := report(t, manifest, check.Options{})
	a := r.Ingresses[0]
	want := []string{"Secret default/a-tls", "Secret default/ca", "Secret default/clients", "Service default/a"}
	if !slices.Equal(a.Missing, want) {
		t.Errorf("missing %q, want %q", a.Missing, want)
	}
	if a.Verdict != "works" || len(a.Findings) != 0 || a.Paths[0].To != "default/a:web" || len(r.Problems) != 0 {
		t.Errorf("%+v, %v", a, r.Problems)
	}
	r = report(t, manifest, check.Options{Complete: true})
	if a = r.Ingresses[0]; a.Verdict != "refused" || len(a.Missing) != 0 || r.Totals.Refused != 2 {
		t.Errorf("%+v", a)
	}
	// Services are known, Secrets are not.
	r = report(t, manifest, check.Options{Complete: true, Unread: true})
	if a = r.Ingresses[0]; a.Verdict != "refused" || !slices.Equal(a.Missing, want[:3]) {
		t.Errorf("%+v", a)
	}
}

// Two Ingresses that want one Secret both find what they need in what stands in.
func TestOneSecretOfSeveral(t *testing.T) {
	manifest := strings.ReplaceAll(ingress("a", "nginx", "")+ingress("b", "nginx", ""), "secretName: b-tls", "secretName: a-tls")
	if r := report(t, manifest, check.Options{}); r.Totals.Works != 2 || len(r.Problems) != 0 {
		t.Errorf("%+v %v", r.Totals, r.Problems)
	}
}

func TestLevels(t *testing.T) {
	manifest := ingress("a", "nginx", `nginx.ingress.kubernetes.io/proxy-body-size: much, nginx.ingress.kubernetes.io/never-heard: x,
    nginx.ingress.kubernetes.io/session-cookie-path: /a, shockwave.dev/unheard-of: z`) +
		ingress("b", "nginx", `nginx.ingress.kubernetes.io/server-snippet: "return 403;"`) +
		ingress("c", "nginx", "") + "---\nreplicas: 2\n---\napiVersion: v1\nkind: Service\nmetadata: {name: \"A b\"}\n"
	r := report(t, manifest, check.Options{})
	got := make(map[string]check.Level)
	for _, f := range r.Findings() {
		word, _, _ := strings.Cut(f.Message, ":")
		got[f.Reason+" "+strings.Fields(word)[0]] = f.Level
	}
	for what, want := range map[string]check.Level{
		"InvalidValue nginx.ingress.kubernetes.io/proxy-body-size":  check.Changes,
		"UnknownAnnotation nginx.ingress.kubernetes.io/never-heard": check.Note,
		"UnknownAnnotation shockwave.dev/unheard-of":                check.Changes,
		"NoEffect session-cookie-*":                                 check.Note,
		"Denied nginx.ingress.kubernetes.io/server-snippet":         check.Refused,
		"NotAnObject the":    check.Note,
		"ParseError Service": check.Unreadable,
	} {
		if level, ok := got[what]; !ok || level != want {
			t.Errorf("%s is %v, want %v: %v", what, level, want, got)
		}
	}
	if want := (check.Totals{Ingresses: 3, Works: 1, Changes: 1, Refused: 1}); r.Totals != want {
		t.Errorf("%+v, want %+v", r.Totals, want)
	}
	if s := r.Ingresses[1].Snippets; len(s) != 1 || !strings.Contains(s[0].Instead, "denylist-source-range") {
		t.Errorf("%+v", s)
	}
}

// A canary is served where its primary is: what has no effect on it costs it nothing.
func TestCanaries(t *testing.T) {
	const is = `nginx.ingress.kubernetes.io/canary: "true", nginx.ingress.kubernetes.io/canary-weight: `
	at := func(name, annotations string) string {
		return strings.ReplaceAll(ingress(name, "nginx", annotations), name+".example", "shop.example")
	}
	for name, c := range map[string]struct {
		canary        string
		paths         int
		verdict, more string
	}{
		"a share":           {at("b", is+`"10"`), 1, "works", ""},
		"a share too large": {at("b", is+`"1000"`), 1, "changes", "canary-weight 1000 is more"},
		"another host":      {ingress("b", "nginx", is+`"10"`), 0, "refused", "no requests"},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, at("shop", "")+c.canary, check.Options{})
			b := r.Ingresses[0]
			want := check.Path{Host: "shop.example", Path: "/", Match: "prefix", To: "default/b:web", CanaryOf: "default/shop"}
			if b.Verdict != c.verdict || len(b.Paths) != c.paths || c.paths == 1 && b.Paths[0] != want {
				t.Errorf("%+v", b)
			}
			var said strings.Builder
			for _, f := range b.Findings {
				said.WriteString(f.Message)
			}
			if !strings.Contains(said.String(), c.more) {
				t.Errorf("found %q", said.String())
			}
			if shop := r.Ingresses[1]; shop.Verdict != "works" || len(shop.Paths) != 1 || shop.Paths[0].CanaryOf != "" {
				t.Errorf("%+v", shop)
			}
		})
	}
}

// Objects are looked at and not changed.
func TestObjectsStayAsTheyAre(t *testing.T) {
	objs, err := manifests.ReadAll([]string{"-"}, strings.NewReader(ingress("a", "nginx", "")))
	if err != nil {
		t.Fatal(err)
	}
	before, _ := json.Marshal(objs.Ingresses)
	check.Objects(objs, usual, check.Options{})
	after, _ := json.Marshal(objs.Ingresses)
	if !bytes.Equal(before, after) || len(objs.Services)+len(objs.Secrets)+len(objs.IngressClasses) != 0 {
		t.Errorf("changed: %s", after)
	}
}

// Texts of the author of an Ingress stay within their cell and are no markup.
func TestMarkdownIsNotInjected(t *testing.T) {
	r := &check.Report{Others: []check.Finding{{Object: "Ingress `a`|b", Reason: model.ReasonParse, Message: "x\n# y <script> [a](b) | c"}}}
	var b strings.Builder
	if err := r.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	if want := "- **note** `` Ingress `a`\\|b `` x # y \\<script\\> \\[a\\](b) \\| c\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("%s\nwant %s", b.String(), want)
	}
}
