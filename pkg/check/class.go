package check

import (
	"fmt"
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// nginxClass is the name that the chart of ingress-nginx gives its class.
const nginxClass = "nginx"

// classAnnotation names the class of an Ingress without spec.ingressClassName.
const classAnnotation = "kubernetes.io/ingress.class"

// classOf is the name of an Ingress's class, empty for none.
func classOf(ing *networkingv1.Ingress) string {
	if ing.Spec.IngressClassName != nil {
		return *ing.Spec.IngressClassName
	}
	return ing.Annotations[classAnnotation]
}

// choose returns the settings that objs are looked at with, and the IngressClasses
// that stand in for those which are missing. Where no flag says which class is meant,
// it is that of ingress-nginx if an Ingress has it, since moving from there is what
// manifests are checked for most often; else that of settings.
func choose(objs *translate.Objects, settings translate.Settings, o Options) (translate.Settings, []*networkingv1.IngressClass, []string) {
	named, none := make(map[string]int), 0
	for _, ing := range objs.Ingresses {
		if name := classOf(ing); name != "" {
			named[name]++
		} else {
			none++
		}
	}
	known := make(map[string]string, len(objs.IngressClasses))
	for _, class := range objs.IngressClasses {
		known[class.Name] = class.Spec.Controller
	}
	if !o.ClassGiven {
		nginx := settings
		nginx.ControllerClass, nginx.IngressClass = model.NginxController, nginxClass
		for name := range named {
			controller, exists := known[name]
			if controller == model.NginxController || !exists && !o.Complete && name == nginxClass {
				settings = nginx
			}
		}
		// Without any class nobody can tell: a chart leaves it to the cluster.
		if len(named) == 0 && len(known) == 0 && none > 0 && !o.Complete {
			settings = nginx
		}
	}
	var standIns []*networkingv1.IngressClass
	var notes []string
	if _, exists := known[settings.IngressClass]; !exists && !o.Complete {
		if named[settings.IngressClass] > 0 || none > 0 {
			standIns = append(standIns, &networkingv1.IngressClass{
				ObjectMeta: metav1.ObjectMeta{Name: settings.IngressClass},
				Spec:       networkingv1.IngressClassSpec{Controller: settings.ControllerClass},
			})
			notes = append(notes, fmt.Sprintf("The IngressClass %s is not in these files: it is taken for one of %s.", settings.IngressClass, settings.ControllerClass))
		}
		if none > 0 && len(known) == 0 && !settings.WatchIngressWithoutClass {
			settings.WatchIngressWithoutClass = true
			notes = append(notes, fmt.Sprintf("Ingresses without a class (%d) are taken for ones of the class %s, as if it were the default.", none, settings.IngressClass))
		}
	}
	return settings, standIns, notes
}

// unlooked tells which Ingresses are of no class that was looked at.
func unlooked(objs *translate.Objects, settings translate.Settings) (n int, notes []string) {
	ours := make(map[*networkingv1.Ingress]bool)
	for _, ing := range translate.Ours(objs, settings) {
		ours[ing] = true
	}
	others := make(map[string]int)
	for _, ing := range objs.Ingresses {
		if !ours[ing] && (settings.WatchNamespace == "" || ing.Namespace == settings.WatchNamespace) {
			others[classOf(ing)]++
			n++
		}
	}
	const most = 20 // classes
	for i, name := range slices.Sorted(maps.Keys(others)) {
		switch {
		case i == most:
			notes = append(notes, fmt.Sprintf("There are %d more classes that were not looked at.", len(others)-most))
			return n, notes
		case name == "":
			notes = append(notes, fmt.Sprintf("Ingresses without a class (%d) were not looked at: see --watch-ingress-without-class.", others[name]))
		default:
			controller := ""
			for _, class := range objs.IngressClasses {
				if class.Name == name {
					controller = " --controller-class=" + class.Spec.Controller
				}
			}
			notes = append(notes, fmt.Sprintf("Ingresses of the class %s (%d) were not looked at: for them, --ingress-class=%s%s.",
				model.Excerpt(name), others[name], model.Excerpt(name), model.Excerpt(controller)))
		}
	}
	return n, notes
}
