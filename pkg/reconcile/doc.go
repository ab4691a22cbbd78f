// Package reconcile watches an API server and publishes what it holds: the one
// way from Kubernetes objects to what is served.
//
// Cluster keeps caches of Ingresses, IngressClasses, Services, EndpointSlices
// and ListenerConfigs, stripped of what nobody reads. Of Secrets and ConfigMaps
// it caches the names and versions only, and fetches those that an Ingress of
// ours refers to. Publisher builds the model of a set of objects and hands it
// on; a directory of manifests (package manifests) uses the same Publisher.
//
// There is one key. Every event asks for the same thing, a Build of everything
// from cache, and a burst of events asks for it once. Endpoints, which change
// far more often than routes, are recomputed apart from them.
//
// The package decides nothing about traffic, and writes nothing to the API
// server. While the API server is away the last state stays in use, and the
// watches resume when it is back. Objects that are handed out are shared with
// the caches: they must only be read.
package reconcile
