package translate

import (
	"cmp"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// ingress is an Ingress of ours with its settings read.
type ingress struct {
	*networkingv1.Ingress
	ref     model.ObjectRef
	said    *said
	options model.Options
	policy  model.Policy
	denied  string
	// useRegex and rewriteTarget are those annotations.
	useRegex      bool
	rewriteTarget string
	// patternSize is that of the patterns that were added.
	patternSize int
	// wantsPatterns tells that the Ingress has use-regex itself, and not its class.
	wantsPatterns bool
	// hostsDenied is that of annotation.Result.
	hostsDenied string
	// tls are the settings of its hosts. The certificates of clients are among
	// them when there is what to verify them with.
	tls model.HostTLS
	// passthrough hands on the TLS connections to its hosts.
	passthrough bool
	// aliases are other names of its hosts, separated by commas, and fromToWWW
	// redirects to them from their names with www, or without.
	aliases   string
	fromToWWW bool
	// encrypted is the policy for clients that use TLS, nil where it is that of all.
	encrypted *model.Policy
	// strictPaths reports paths of type Exact or Prefix with unusual characters.
	strictPaths bool
	// redirectCode is the status of redirects between hosts, 0 for the usual one.
	redirectCode int
	// slash is what a redirect has that adds a slash to a path.
	slash model.Redirect
	// isCanary tells that it gets, as canary says, requests of another Ingress.
	isCanary bool
	canary   model.CanaryRules
	// class is what it starts from.
	class *class
	// defaultBackend serves while the Service of a path has no endpoints, and answers
	// for errors; zero for none.
	defaultBackend target
	// told holds the messages of its Problems: what many paths have in
	// common is told once.
	told map[string]bool
}

// open reads the annotations of Ingresses, and leaves out those whose routes
// must not be served.
func (b *build) open(ingresses []*networkingv1.Ingress) []*ingress {
	opened := make([]*ingress, 0, len(ingresses))
	slab := make([]ingress, len(ingresses))
	for i, object := range ingresses {
		class := b.classFor(object)
		in := &slab[i]
		*in = ingress{Ingress: object, class: class, ref: b.ref("Ingress", object.Namespace, object.Name), said: b.said(object)}
		values, result := in.said.annotations(b.reader, in.ref, object, &class.values)
		b.problems = append(b.problems, result.Problems...)
		if class.diverted {
			b.tell(in, model.ReasonUnsupportedAnnotation, "an annotation of its IngressClass is not supported: the Ingress is not served")
		}
		if result.Diverted || class.diverted {
			continue
		}
		if class.denied != "" {
			b.tell(in, model.ReasonDenied, "an annotation of its IngressClass protects the Ingress: %s, so its paths answer 503", class.denied)
		}
		if b.denied != "" {
			b.tell(in, model.ReasonDenied, "the controller's ConfigMap protects every path: %s, so the paths answer 503", b.denied)
		}
		in.denied, in.hostsDenied = cmp.Or(result.Denied, class.denied, b.denied), result.HostsDenied
		b.readUpstreamTLS(in, &values)
		b.readHostTLS(in, &values)
		b.readExternalAuth(in, &values)
		b.readCustomHeaders(in, &values)
		b.readBasicAuth(in, &values)
		in.options, in.policy = values.Final()
		if values.AutoProtocol {
			policy := values.Encrypted()
			in.encrypted = &policy
		}
		in.aliases, in.fromToWWW, in.strictPaths = values.Aliases, values.FromToWWW, values.StrictPaths
		in.slash, in.redirectCode = values.SlashRedirect(), values.Filters.HTTPS.Code
		in.useRegex, in.rewriteTarget = values.UseRegex, values.Filters.Rewrite.Target
		in.wantsPatterns = in.useRegex && !class.values.UseRegex
		in.isCanary, in.canary = values.IsCanary, values.Canary
		b.readDefaultBackend(in, &values)
		opened = append(opened, in)
	}
	return opened
}

// tell records a Problem of an Ingress, unless it has the same one already.
func (b *build) tell(in *ingress, reason, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if in.told[message] {
		return
	}
	if in.told == nil {
		in.told = make(map[string]bool)
	}
	in.told[message] = true
	b.problems = append(b.problems, model.Problem{Object: in.ref, Reason: reason, Message: message})
}

// addRules adds the routes of an Ingress. Older Ingresses were added before and
// keep what they have.
func (b *build) addRules(in *ingress) {
	var fallback *model.Route
	if in.Spec.DefaultBackend != nil {
		route := b.route(in, routeKey{}, "/", b.resolve(in, in.Spec.DefaultBackend))
		fallback = &route
	}
	if len(in.Spec.Rules) == 0 {
		if fallback == nil {
			b.tell(in, model.ReasonNoBackend, "the Ingress has neither rules nor a default backend")
			return
		}
		b.setFallback(in, b.host(""), fallback)
		return
	}
	for i := range in.Spec.Rules {
		b.addRule(in, &in.Spec.Rules[i], &in.said.rules[i], fallback)
	}
	if in.wantsPatterns && !in.hasPatterns() {
		b.tell(in, model.ReasonNoEffect, "use-regex: no effect without a path of type ImplementationSpecific")
	}
}

// addRule adds the routes of one rule, which said has in normal form.
func (b *build) addRule(in *ingress, rule *networkingv1.IngressRule, said *saidRule, fallback *model.Route) {
	if said.err != nil {
		b.tell(in, model.ReasonInvalidHost, "host %q: %v", model.Excerpt(rule.Host), said.err)
		return
	}
	h := b.host(said.host)
	if fallback != nil {
		b.setFallback(in, h, fallback)
	}
	// A rule without http sends all of its host to the default backend.
	if rule.HTTP == nil || len(rule.HTTP.Paths) == 0 {
		if fallback == nil && b.settings.DefaultBackendService.Name == "" {
			b.tell(in, model.ReasonNoBackend,
				"host %s has no paths, and the Ingress no default backend", h.label())
		}
		return
	}
	if h.routes == nil {
		h.routes = make([]model.Route, 0, len(rule.HTTP.Paths))
	}
	for i := range rule.HTTP.Paths {
		b.addPath(in, h, &rule.HTTP.Paths[i], &said.paths[i])
	}
	for i := range rule.HTTP.Paths {
		if !b.isPattern(in, h, &rule.HTTP.Paths[i]) {
			b.denyAround(in, h, &rule.HTTP.Paths[i], &said.paths[i])
		}
	}
}

// setFallback makes the default backend of an Ingress serve what no path of a
// host matches.
func (b *build) setFallback(in *ingress, h *host, fallback *model.Route) {
	switch {
	case h.fallback == nil:
		h.fallback = fallback
	case !sameObject(h.fallback.Ingress, in.ref):
		b.tell(in, model.ReasonPathConflict,
			"%s already has the default backend of %v", h.label(), nameOf(h.fallback.Ingress))
	}
}

func (b *build) addPath(in *ingress, h *host, path *networkingv1.HTTPIngressPath, said *saidPath) {
	if b.isPattern(in, h, path) {
		b.addPattern(in, h, path, said)
		return
	}
	key := said.routeKey
	if said.err != nil {
		b.tell(in, model.ReasonInvalidPath, "%s, path %q: %v", h.label(), model.Excerpt(path.Path), said.err)
		return
	}
	if said.unusual && in.strictPaths {
		b.tell(in, model.ReasonLiteralPath, "%s, path %q of type %s is served as it is written, not as a regular expression: ingress-nginx's webhook refuses it (strict-validate-path-type)",
			h.label(), model.Excerpt(path.Path), *path.PathType)
	}
	if in.nginx() && path.Backend.Service == nil && !in.protects() {
		b.tell(in, model.ReasonUnsupportedBackend, "%s, path %q: the backend is not a Service: the path is not served",
			h.label(), model.Excerpt(path.Path))
		return
	}
	switch older := h.find(key); {
	case older == nil:
		h.add(b.route(in, key, said.written, b.resolveAgain(in, said, &path.Backend)))
	case !sameObject(older.Ingress, in.ref):
		b.tell(in, model.ReasonPathConflict, "%s%s is already served by %v",
			h.label(), model.Excerpt(key.path), nameOf(older.Ingress))
	case b.resolve(in, &path.Backend).key != older.Upstream.Base():
		b.tell(in, model.ReasonPathConflict, "%s%s stands twice in this Ingress: the first one is served",
			h.label(), model.Excerpt(key.path))
	}
}

// route makes a route of an Ingress, whose path was written so.
func (b *build) route(in *ingress, key routeKey, written string, target target) model.Route {
	var upstream model.UpstreamKey
	var branches model.Branches
	if !target.key.IsZero() {
		upstream = b.use(target, b.policyFor(in, target, in.policy))
		if in.encrypted != nil {
			branches.Encrypted = b.use(target, b.policyFor(in, target, *in.encrypted))
		}
	}
	options := in.options
	if in.rewriteTarget == written { // it has no effect (IN: controller/location.go, needsRewrite)
		options = in.withoutRewrite()
	}
	route := model.Route{
		Path: key.path, Match: key.match, Upstream: upstream,
		Ingress: in.ref, Options: options, Denied: in.denied,
	}
	if !in.defaultBackend.key.IsZero() {
		branches.Errors, branches.StandIn = b.use(in.defaultBackend, errorPolicy(in.class.policy)), true
	}
	route.Branches = branches.Set()
	return route
}

// policyFor is a policy of an Ingress for a Service, whose cluster IP it may ask for.
func (b *build) policyFor(in *ingress, target target, policy model.Policy) model.Policy {
	if policy.ClusterIP && !target.clusterIP {
		b.tell(in, model.ReasonNoEffect, "service-upstream: Service %s/%s has no cluster IP: its endpoints are used", target.key.Namespace, target.key.Service)
		policy.ClusterIP = false
	}
	return policy
}

// withoutRewrite returns the options of paths that are not rewritten.
func (in *ingress) withoutRewrite() model.Options {
	options := in.options
	filters := options.Filters.Filters()
	filters.Rewrite.Target = ""
	if options.Profile == model.ProfileNginx {
		filters.Rewrite.Prefix = ""
	}
	options.Filters = filters.Set()
	return options
}

func sameObject(a, b model.ObjectRef) bool {
	return a.Kind == b.Kind && a.Namespace == b.Namespace && a.Name == b.Name
}

// nameOf is how messages show another object: without its file.
func nameOf(r model.ObjectRef) string {
	return model.ObjectRef{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}.String()
}
