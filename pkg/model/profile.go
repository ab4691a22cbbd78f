package model

// Profile says whose behaviour holds where the Ingress specification and
// ingress-nginx differ: in how paths are matched, and in what is done that nobody
// has asked for.
type Profile string

// The profiles.
const (
	// ProfileKubernetes is the Ingress specification to the letter.
	ProfileKubernetes Profile = "kubernetes"
	// ProfileNginx is what can be observed of ingress-nginx.
	ProfileNginx Profile = "ingress-nginx"
)

// NginxController is the spec.controller of an IngressClass of ingress-nginx.
const NginxController = "k8s.io/ingress-nginx"
