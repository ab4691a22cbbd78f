package translate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/tools/txtar"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestIncrementalEqualsFull lets one Builder and one EndpointFinder follow a
// long series of changes and compares each result with that of a fresh one: all
// objects of all pages come, change, change places and go, with the settings of
// different pages.
func TestIncrementalEqualsFull(t *testing.T) {
	all, settings := allPages(t)
	r := rand.New(rand.NewPCG(1, 2))
	var (
		objs    = new(Objects)
		builder Builder
		finder  EndpointFinder
		how     = settings[0]
	)
	for step := range 600 {
		for range r.IntN(4) {
			mutate(r, objs, all)
		}
		if r.IntN(20) == 0 {
			how = settings[r.IntN(len(settings))]
		}
		config, problems := builder.Build(objs, how)
		fullConfig, fullProblems := Build(objs, how)
		if !reflect.DeepEqual(config, fullConfig) {
			t.Fatalf("step %d: incremental\n%vfull\n%v", step, config, fullConfig)
		}
		if !slices.Equal(problems, fullProblems) {
			t.Fatalf("step %d: incremental\n%vfull\n%v", step, problems, fullProblems)
		}
		if got, want := finder.Of(objs, config), EndpointsOf(objs, config); !reflect.DeepEqual(got, want) {
			t.Fatalf("step %d: incremental\n%vfull\n%v", step, got, want)
		}
	}
	if len(objs.Ingresses) < 20 || len(objs.Services) < 20 || len(objs.EndpointSlices) < 10 || len(objs.Secrets) < 5 {
		t.Errorf("the series ends with %d Ingresses, %d Services, %d EndpointSlices and %d Secrets: too few to tell anything",
			len(objs.Ingresses), len(objs.Services), len(objs.EndpointSlices), len(objs.Secrets))
	}
}

// allPages returns the objects of all pages together and the settings of each.
func allPages(t *testing.T) (*Objects, []Settings) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) < 75 {
		t.Fatalf("%d pages (%v)", len(paths), err)
	}
	all, settings := new(Objects), []Settings{pageSettings()}
	for page, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(content).Files {
			switch f.Name {
			case "settings":
				settings = append(settings, readSettings(t, string(f.Data)))
			case "objects.yaml":
				collect(all, readObjects(t, string(f.Data)))
				// most pages use the same few names
				moved := readObjects(t, string(f.Data))
				move(fmt.Sprint("page-", page), moved.Ingresses)
				move(fmt.Sprint("page-", page), moved.Services)
				move(fmt.Sprint("page-", page), moved.EndpointSlices)
				move(fmt.Sprint("page-", page), moved.Secrets)
				collect(all, moved)
			}
		}
	}
	return all, settings
}

func collect(all, more *Objects) {
	all.Ingresses = append(all.Ingresses, more.Ingresses...)
	all.IngressClasses = append(all.IngressClasses, more.IngressClasses...)
	all.Services = append(all.Services, more.Services...)
	all.EndpointSlices = append(all.EndpointSlices, more.EndpointSlices...)
	all.Secrets = append(all.Secrets, more.Secrets...)
	all.ConfigMaps = append(all.ConfigMaps, more.ConfigMaps...)
	all.ListenerConfigs = append(all.ListenerConfigs, more.ListenerConfigs...)
}

func move[T metav1.Object](namespace string, objects []T) {
	for _, o := range objects {
		o.SetNamespace(namespace)
	}
}

// mutate makes one change.
func mutate(r *rand.Rand, objs, all *Objects) {
	switch r.IntN(12) {
	case 0:
		put(r, &objs.IngressClasses, all.IngressClasses)
	case 1, 2:
		put(r, &objs.Services, all.Services)
	case 3, 4:
		put(r, &objs.EndpointSlices, all.EndpointSlices)
	case 5:
		put(r, &objs.Secrets, all.Secrets)
	case 6:
		put(r, &objs.ConfigMaps, all.ConfigMaps)
	case 7:
		put(r, &objs.ListenerConfigs, all.ListenerConfigs)
	case 8:
		shuffle(objs, r)
	case 9: // the Ingress stays as it was and stands elsewhere
		objs.Origins = map[ObjectKey]Origin{}
		for _, ing := range objs.Ingresses {
			key := ObjectKey{Kind: "Ingress"}
			key.Namespace, key.Name = ing.Namespace, ing.Name
			objs.Origins[key] = Origin{File: "a.yaml", Line: r.IntN(3)}
		}
	default:
		put(r, &objs.Ingresses, all.Ingresses)
		i := r.IntN(len(objs.Ingresses) + 1)
		if i < len(objs.Ingresses) && r.IntN(3) == 0 {
			edited := objs.Ingresses[i].DeepCopy()
			edit(r, edited)
			objs.Ingresses[i] = edited
		}
	}
}

func edit(r *rand.Rand, ing *networkingv1.Ingress) {
	host := fmt.Sprintf("%d.shop.example", r.IntN(5))
	ing.Spec.TLS = append(ing.Spec.TLS, networkingv1.IngressTLS{Hosts: []string{host}, SecretName: "shop"})
	if len(ing.Spec.Rules) > 0 {
		ing.Spec.Rules[r.IntN(len(ing.Spec.Rules))].Host = host
	}
	ing.Annotations = map[string]string{"shockwave.dev/proxy-read-timeout": fmt.Sprint(r.IntN(9))}
	if r.IntN(2) == 0 {
		ing.Annotations["shockwave.dev/allocation-mode"] = []string{"standard", "arena", "greentea"}[r.IntN(3)]
	}
}

// put adds one of the objects in from, replaces one of the same name, or, one
// time in eight, takes one away.
func put[T interface {
	metav1.Object
	comparable
}](r *rand.Rand, list *[]T, from []T) {
	if len(from) == 0 {
		return
	}
	next := slices.Clone(*list)
	if len(next) > 0 && r.IntN(8) == 0 {
		i := r.IntN(len(next))
		*list = slices.Delete(next, i, i+1)
		return
	}
	o := from[r.IntN(len(from))]
	i := slices.IndexFunc(next, func(p T) bool { return p.GetNamespace() == o.GetNamespace() && p.GetName() == o.GetName() })
	if i < 0 {
		*list = append(next, o)
		return
	}
	next[i] = o
	*list = next
}

// TestNames compares names as ingress-nginx does, by the whole
// "namespace/name".
func TestNames(t *testing.T) {
	names := []string{"a/b", "a/b-c", "a-b/c", "a.b/c", "a/", "b/a", "a0/b", "ab/c"}
	ingress := func(name string) *networkingv1.Ingress {
		ing := new(networkingv1.Ingress)
		for i := range name {
			if name[i] == '/' {
				ing.Namespace, ing.Name = name[:i], name[i+1:]
			}
		}
		return ing
	}
	for _, a := range names {
		for _, b := range names {
			want := 0
			if a < b {
				want = -1
			} else if a > b {
				want = 1
			}
			if got := compareNames(ingress(a), ingress(b)); got != want {
				t.Errorf("%s and %s compare as %d, want %d", a, b, got, want)
			}
		}
	}
}
