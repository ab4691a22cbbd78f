// Package translate turns Kubernetes objects into the model that is served.
//
// Build is a function from values to values: it waits for nothing, reads no
// clock, and keeps nothing but parsed certificates (see Builder). A mistake in
// an object costs the smallest part possible, such as one path, and becomes a
// model.Problem on that object. Where a rule comes from the Ingress
// specification (networking.k8s.io/v1) or from ingress-nginx, the code says so;
// IN: names a file of ingress-nginx.
//
// The host of a request is chosen first, then its path, as in ingress-nginx: a
// path that no rule of the host matches goes to the host's default backend or
// answers 404, also where a rule without host, or a wildcard, has a path for it.
//
// What an Ingress author can grow is bounded: work is linear in the size of
// the objects, and so are the model and the list of Problems.
//
// The package reads the objects that it is given and leaves them as they are.
// The model shares their strings and the bytes of their Secrets.
package translate
