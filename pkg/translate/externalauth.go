package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
	name := nameOfSecret(values.AuthSetFields)
	config := b.configMaps[name]
	if config == nil {
		b.denyPaths(in, "auth-proxy-set-headers: ConfigMap %s does not exist", model.Excerpt(name.String()))
		return
	}
	fields, err := b.fieldLines(config.Data)
	if err != nil {
		b.denyPaths(in, "auth-proxy-set-headers: ConfigMap %s: %v", name, err)
		return
	}
	auth.SetFields = fields
}

// Bounds of the fields that a service gets.
const (
	mostSetFields   = 64
	longestSetField = 4 << 10
	fieldNameBytes  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
)

// unsettable are the fields that say where a message ends and how a connection goes on.
var unsettable = []string{
	"connection", "content-length", "expect", "http2-settings", "keep-alive", "proxy-connection", "te", "trailer",
	"transfer-encoding", "upgrade",
}

// fieldLines returns fields as lines "Name: value", sorted.
func (b *build) fieldLines(data map[string]string) (string, error) {
	if len(data) > mostSetFields {
		return "", fmt.Errorf("want %d fields at most", mostSetFields)
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(data)) {
		value := strings.TrimSpace(data[name])
		switch {
		case name == "" || strings.Trim(name, fieldNameBytes) != "":
			return "", fmt.Errorf("%q is no name of a field", model.Excerpt(name))
		case slices.Contains(unsettable, strings.ToLower(name)):
			return "", fmt.Errorf("%s cannot be set", name)
		case len(value) > longestSetField, strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			return "", fmt.Errorf("the value of %s is no value of a field: want ASCII on one line, %d bytes at most", model.Excerpt(name), longestSetField)
		}
		if b.settings.Checks != nil && b.settings.Checks.Expression != nil {
			if err := b.settings.Checks.Expression(value); err != nil {
				return "", fmt.Errorf("the value of %s: %w", model.Excerpt(name), err)
			}
		}
		lines.WriteString(name + ": " + value + "\n")
	}
	return strings.TrimSuffix(lines.String(), "\n"), nil
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
