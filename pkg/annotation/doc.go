// Package annotation reads the settings that stand in annotations and in the
// controller's ConfigMap: it turns names and values into model.Options, Policy
// and Listener, and mistakes into Problems.
//
// Table lists every setting that Shockwave has, one small file per feature. A
// name is read under our own prefix, and under ingress-nginx's when it has an
// ancestor there; the ConfigMap uses the same names without a prefix. The
// annotations of ingress-nginx that have no effect here stand in a second
// table, so that none is ignored silently, and those among them that protect
// something make the Ingress's routes answer 503.
//
// The package looks at one object at a time. What several objects mean
// together, such as two Ingresses that want different pools for one Service,
// belongs to package translate.
package annotation
