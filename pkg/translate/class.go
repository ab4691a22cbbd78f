package translate

import (
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// classAnnotation names the class of an Ingress without spec.ingressClassName.
const classAnnotation = "kubernetes.io/ingress.class"

// Ours returns the Ingresses that this controller serves and whose status it
// writes, the oldest first.
func Ours(objs *Objects, settings Settings) []*networkingv1.Ingress {
	return newSelector(objs, settings).ours(objs)
}

// selector tells which classes and Ingresses are ours.
type selector struct {
	settings Settings
	// classes are those of ours, by name.
	classes map[string]*networkingv1.IngressClass
}

func newSelector(objs *Objects, settings Settings) selector {
	s := selector{settings, make(map[string]*networkingv1.IngressClass)}
	for _, class := range objs.IngressClasses {
		byName := settings.IngressClassByName && class.Name == settings.IngressClass
		if class.Spec.Controller == settings.ControllerClass || byName {
			s.classes[class.Name] = class
		}
	}
	return s
}

// ours returns our Ingresses, the oldest first.
func (s selector) ours(objs *Objects) []*networkingv1.Ingress {
	var ours []*networkingv1.Ingress
	for _, ing := range objs.Ingresses {
		if _, ok := s.classOf(ing); ok {
			ours = append(ours, ing)
		}
	}
	sortByAge(ours)
	return ours
}

// classOf returns the name of an Ingress's class and whether the Ingress is
// ours, by the rules of ingress-nginx (IN: controller/store/store.go,
// GetIngressClass): spec.ingressClassName decides where it is set; else the
// annotation, where it is present; else --watch-ingress-without-class. The
// latter two come under the class named by --ingress-class.
func (s selector) classOf(ing *networkingv1.Ingress) (name string, ours bool) {
	if s.settings.WatchNamespace != "" && ing.Namespace != s.settings.WatchNamespace {
		return "", false
	}
	if ing.Spec.IngressClassName != nil {
		name = *ing.Spec.IngressClassName
		_, ours = s.classes[name]
		return name, ours
	}
	if name, ok := ing.Annotations[classAnnotation]; ok {
		return name, name == s.settings.IngressClass
	}
	return s.settings.IngressClass, s.settings.WatchIngressWithoutClass
}

// class is what an IngressClass of ours says about its Ingresses and listeners.
type class struct {
	values annotation.Values
	// policy is that of values.
	policy model.Policy
	// denied and diverted are those of annotation.Result.
	denied   string
	diverted bool
}

func newClass(values *annotation.Values, result annotation.Result) *class {
	_, policy := values.Final()
	return &class{values: *values, policy: policy, denied: result.Denied, diverted: result.Diverted}
}

// readClasses reads the classes of ours, from weakest to strongest: base, the
// ListenerConfig, the annotations.
func (b *build) readClasses() {
	for _, name := range slices.Sorted(maps.Keys(b.selector.classes)) {
		object := b.selector.classes[name]
		ref := b.ref("IngressClass", "", name)
		values := *b.bases[b.settings.profileOf(object.Spec.Controller)]
		if config := b.listenerConfigOf(ref, object); config != nil {
			b.applyListenerConfig(config, &values)
		}
		result := b.reader.Class(ref, object.Annotations, &values)
		b.problems = append(b.problems, result.Problems...)
		b.classes[name] = newClass(&values, result)
		if name != b.settings.IngressClass && b.setsListener(values) {
			b.problem(ref, model.ReasonUnsupportedSetting,
				"settings of listeners have no effect here: the class %q decides for the process", b.settings.IngressClass)
		}
	}
}

// classFor returns the class that an Ingress starts from.
func (b *build) classFor(ing *networkingv1.Ingress) *class {
	name, _ := b.selector.classOf(ing)
	if c := b.classes[name]; c != nil {
		return c
	}
	return b.noClass
}
