// Package check tells what becomes of Ingresses: which of their annotations are in
// effect, what would change for their traffic, and what is refused. It is what
// `shockwave check` prints.
//
// It decides nothing. Objects go through translate.Build, as they do in the
// controller, and the report sorts what Build says by Ingress and by what it costs.
// Manifests seldom are a whole cluster: what they refer to and do not have, such as
// the Secret that cert-manager will make, is stood in for before Build, so that it is
// listed as missing and hides no mistake.
package check
