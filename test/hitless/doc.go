// Package hitless holds the tests that change everything under load: the real
// binary serves a directory of manifests at full speed while endpoints,
// Ingresses and certificates change, and while it is told to stop. Not one
// request may fail and not one connection may be dropped.
package hitless
