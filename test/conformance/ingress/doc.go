// Package ingress holds the scenarios of the Ingress conformance suite of
// Kubernetes (features default_backend, host_rules, ingress_class,
// load_balancing and path_rules) and further ones drawn from the
// networking.k8s.io/v1 reference, written anew as tables.
//
// A scenario knows nothing of where it runs: Run applies its objects to a Site
// and sends its requests. The tests of this package run them against the binary
// and a directory of manifests; those of cmd/controller run the same scenarios
// against a real API server.
package ingress
