// Package model holds what Shockwave serves, as plain data: hosts, routes,
// upstreams, certificates and listener settings, and the Problems met on the
// way there.
//
// It knows nothing of Kubernetes types and nothing of HTTP connections. The
// control plane makes a Config (package translate), the data plane compiles
// it (package snapshot), and Config.String prints it for people: the same text
// serves golden tests, `shockwave check` and /configuration. A Config is never
// changed once it has been published.
package model
