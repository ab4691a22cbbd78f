package manifests

import (
	"fmt"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// assembly is the objects of several files, put together. What it holds is not
// changed once it was handed out.
type assembly struct {
	objs *translate.Objects
	// written are the Ingresses before admission, in the order of
	// objs.Ingresses, and class is the default class of that admission.
	written []*networkingv1.Ingress
	class   string
}

// assemble makes one set of objects of files in order. Of two documents that
// define the same object the earlier counts.
func assemble(files []*file, failures []failure) *assembly {
	known := 0
	for _, f := range files {
		known += len(f.content.objects)
	}
	objs := &translate.Objects{Origins: make(map[translate.ObjectKey]translate.Origin, known)}
	for _, f := range failures {
		objs.Problems = append(objs.Problems, parseProblem(filepath.ToSlash(f.name), 0, sentence(f.err.Error())))
	}
	for _, f := range files {
		objs.Problems = append(objs.Problems, f.content.problems...)
		for _, o := range f.content.objects {
			key := keyOf(o)
			if first, taken := objs.Origins[key]; taken {
				objs.Problems = append(objs.Problems, model.Problem{
					Object:  model.ObjectRef{Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, File: f.name, Line: o.line},
					Reason:  ReasonDuplicate,
					Message: fmt.Sprintf("The object is already defined in %s:%d; this document is not used.", first.File, first.Line),
				})
				continue
			}
			objs.Origins[key] = translate.Origin{File: f.name, Line: o.line}
			add(objs, o.object)
		}
	}
	return &assembly{objs: objs, written: objs.Ingresses}
}

func add(objs *translate.Objects, o client.Object) {
	switch o := o.(type) {
	case *networkingv1.Ingress:
		objs.Ingresses = append(objs.Ingresses, o)
	case *networkingv1.IngressClass:
		objs.IngressClasses = append(objs.IngressClasses, o)
	case *corev1.Service:
		objs.Services = append(objs.Services, o)
	case *discoveryv1.EndpointSlice:
		objs.EndpointSlices = append(objs.EndpointSlices, o)
	case *corev1.Secret:
		objs.Secrets = append(objs.Secrets, o)
	case *corev1.ConfigMap:
		objs.ConfigMaps = append(objs.ConfigMaps, o)
	case *v1alpha1.ListenerConfig:
		objs.ListenerConfigs = append(objs.ListenerConfigs, o)
	}
}

// edit is a file's content before and after a change.
type edit struct{ before, after content }

// edited returns the assembly with the objects of changed files in the place of
// those before. It returns nil when that is not all: when an object came, went
// or moved, or when a Problem did.
func (a *assembly) edited(edits []edit) *assembly {
	if a == nil || len(edits) == 0 {
		return nil
	}
	objs := *a.objs
	next := &assembly{objs: &objs, written: a.written}
	for _, e := range edits {
		samePlaces := slices.EqualFunc(e.before.objects, e.after.objects, func(a, b object) bool {
			return a.line == b.line && keyOf(a) == keyOf(b)
		})
		if !samePlaces || !slices.Equal(e.before.problems, e.after.problems) {
			return nil
		}
		for i := range e.before.objects {
			next.replace(e.before.objects[i].object, e.after.objects[i].object)
		}
	}
	return next
}

// replace puts one object in the place of another, in copies of the lists.
func (a *assembly) replace(before, after client.Object) {
	if before == after {
		return
	}
	switch o := after.(type) {
	case *networkingv1.Ingress:
		a.written = replaced(a.written, before, o)
	case *networkingv1.IngressClass:
		a.objs.IngressClasses = replaced(a.objs.IngressClasses, before, o)
	case *corev1.Service:
		a.objs.Services = replaced(a.objs.Services, before, o)
	case *discoveryv1.EndpointSlice:
		a.objs.EndpointSlices = replaced(a.objs.EndpointSlices, before, o)
	case *corev1.Secret:
		a.objs.Secrets = replaced(a.objs.Secrets, before, o)
	case *corev1.ConfigMap:
		a.objs.ConfigMaps = replaced(a.objs.ConfigMaps, before, o)
	case *v1alpha1.ListenerConfig:
		a.objs.ListenerConfigs = replaced(a.objs.ListenerConfigs, before, o)
	}
}

// replaced is list with after in the place of before. It is list itself when
// before is not in it: an earlier document defines the same object.
func replaced[T interface {
	comparable
	client.Object
}](list []T, before client.Object, after T) []T {
	i := slices.IndexFunc(list, func(o T) bool { return client.Object(o) == before })
	if i < 0 {
		return list
	}
	list = slices.Clone(list)
	list[i] = after
	return list
}
