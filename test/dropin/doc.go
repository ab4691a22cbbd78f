// Package dropin tests what users of ingress-nginx rely on, end to end: the real
// program serves manifests, real clients ask, and real backends tell what they got.
// Each test runs in the profiles that it is about. Numbers such as P1 or T3 in names
// are those of the facts that a replacement of ingress-nginx has to reproduce.
package dropin
