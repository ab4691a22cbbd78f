package deptest

// A layer holds packages that stand side by side. Packages are named by their
// path below the module; one ending in "/..." stands for a package and all
// below it.
type layer []string

// Rule 1: imports point down. A package may import what stands in a lower
// layer of its own column and what stands in shared, nothing beside it and
// nothing above.
//
// proxy and downstream are side by side on purpose: downstream calls a handler
// type that lies below both, so each is tested without the other. server is the
// library's face above downstream.

// dataPlane knows HTTP and has never heard of Kubernetes. From top to bottom.
var dataPlane = []layer{
	{"pkg/server"},
	{"pkg/proxy", "pkg/downstream/...", "pkg/stream"},
	{"pkg/snapshot"},
	{"pkg/filter", "pkg/upstream"},
	{"pkg/authrequest"},
	{"pkg/route", "pkg/certs", "pkg/http11", "pkg/accesslog"},
	{"pkg/variable", "pkg/limit"},
}

// controlPlane knows Kubernetes and opens no traffic ports. From top to bottom.
var controlPlane = []layer{
	{"pkg/status", "pkg/admission"},
	{"pkg/reconcile", "pkg/manifests"},
	{"pkg/translate"},
	{"pkg/annotation"},
	{"api/v1alpha1"},
}

// shared lies below both columns, so any of their packages may import it.
// From top to bottom.
var shared = []layer{
	{"pkg/metrics"},
	{"pkg/message"},
	{"pkg/alloc", "pkg/credential", "pkg/model", "pkg/pattern", "pkg/sock"},
}

// around puts the halves together. Its packages may import both columns;
// only those above may import them. From top to bottom.
var around = []layer{
	{"cmd/..."},
	{"pkg/check"},
	{"pkg/admin", "pkg/settings", "pkg/snippet", "examples/..."},
}

// besides is imported by tests and generators alone, never by the program. It
// may import anything.
var besides = layer{"internal/...", "test/...", "bench/...", "hack/..."}

// Rule 2: Kubernetes stays in the control plane, and the control plane never
// reaches what serves. Both hold through any number of imports.

// kubernetes are the modules that only these packages may depend on.
var kubernetes = []string{"k8s.io/", "sigs.k8s.io/"}

// mayKnowKubernetes are, besides the control plane, the packages that may:
// the one that wires everything, the one that reads flags into the control
// plane's settings, and the one that tells what becomes of objects.
var mayKnowKubernetes = []string{"cmd/...", "pkg/settings", "pkg/check"}

// serving are the packages that the control plane must not depend on. It is
// handed a function to publish with instead.
var serving = []string{"pkg/proxy", "pkg/downstream/...", "pkg/stream", "pkg/server", "pkg/snapshot"}

// Rule 3: the foundation depends on the standard library and on itself, so
// that it can be read, fuzzed and reused alone.
var foundation = []string{"pkg/alloc", "pkg/message", "pkg/http11", "pkg/model", "pkg/pattern", "pkg/route", "pkg/sock"}

// mayUseUnsafe are the packages that work below Go's types: memory outside the
// heap, and system calls.
var mayUseUnsafe = []string{"pkg/alloc", "pkg/sock"}
