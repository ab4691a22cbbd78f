package translate

import (
	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// readExternalAuth looks up the ConfigMap with the fields that the service of an
// Ingress gets. The service may decide by them: without them the paths answer 503, as
// in ingress-nginx (IN: internal/ingress/annotations/authreq).
func (b *build) readExternalAuth(in *ingress, values *annotation.Values) {
	auth := &values.Filters.ExternalAuth
	if values.AuthSetFields == "" || auth.URL == "" {
		return
	}
	name := objectName(values.AuthSetFields)
	fields, ok := b.fieldsOf(name, annotation.ToEndpoint)
	if !ok {
		b.denyPaths(in, "auth-proxy-set-headers: ConfigMap %s does not exist", model.Excerpt(name.String()))
		return
	}
	if len(fields.wrong) > 0 {
		b.denyPaths(in, "auth-proxy-set-headers: ConfigMap %s: %v", name, fields.wrong[0])
		return
	}
	auth.SetFields = fields.lines
}

// denyChosenAuth fails closed for routes of all hosts that have a request's own host
// asked about it: clients would say who decides about them.
func (b *build) denyChosenAuth() {
	h := b.hosts[""]
	if h == nil {
		return
	}
	told := make(map[model.ObjectRef]bool)
	deny := func(r *model.Route) {
		if of, _ := r.Options.Filters.Filters().ExternalAuth.OfRequest(); r.Denied != "" || !of {
			return
		}
		r.Denied = "auth-url: $host in it lets clients choose who is asked, where the rule has no host"
		if !told[r.Ingress] {
			told[r.Ingress] = true
			b.problem(r.Ingress, model.ReasonDenied, "%s: these paths answer 503", r.Denied)
		}
	}
	for i := range h.routes {
		deny(&h.routes[i])
	}
	if h.fallback != nil {
		own := *h.fallback // which other hosts may share
		deny(&own)
		h.fallback = &own
	}
}
