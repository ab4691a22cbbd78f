package translate

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// listed are the fields that a ConfigMap lists. wrong tells of those that are left out.
type listed struct {
	lines string
	wrong []error
}

// listing is a use of a ConfigMap.
type listing struct {
	of types.NamespacedName
	to annotation.Direction
}

// fieldsOf reads the fields that a ConfigMap lists. One that thousands of Ingresses name
// is read once. It returns false when there is no such ConfigMap.
func (b *build) fieldsOf(name types.NamespacedName, to annotation.Direction) (listed, bool) {
	m := b.configMaps[name]
	if m == nil {
		return listed{}, false
	}
	use := listing{name, to}
	fields, known := b.listed[use]
	if !known {
		fields.lines, fields.wrong = b.reader.FieldLines(m.Data, to)
		b.listed[use] = fields
	}
	return fields, true
}

// readGlobalFields looks up the ConfigMaps that the controller's names. What is wrong
// with one entry costs that entry.
func (b *build) readGlobalFields(values *annotation.Values, tell bool) {
	filters := &values.Filters
	filters.ResponseFields.Set = b.globalFields("add-headers", values.AddHeaders, annotation.ToClient, tell)
	filters.RequestFields.Set = b.globalFields("proxy-set-headers", values.ProxySetHeaders, annotation.ToEndpoint, tell)
}

func (b *build) globalFields(key, name string, to annotation.Direction, tell bool) string {
	if name == "" {
		return ""
	}
	at := objectName(name)
	fields, ok := b.fieldsOf(at, to)
	if !ok {
		if tell {
			own := b.settings.ConfigMap
			b.problem(b.ref("ConfigMap", own.Namespace, own.Name), model.ReasonConfigMapNotFound,
				"%s: ConfigMap %s does not exist", key, model.Excerpt(name))
		}
		return ""
	}
	if tell {
		for _, err := range fields.wrong {
			b.problem(b.ref("ConfigMap", at.Namespace, at.Name), model.ReasonInvalidValue, "%v: the field is not sent (%s)", err, key)
		}
	}
	return fields.lines
}

// readCustomHeaders adds the fields that an Ingress wants its responses to have. As in
// ingress-nginx the paths answer 503 when one of them cannot be had (IN:
// internal/ingress/annotations/customheaders/main.go).
func (b *build) readCustomHeaders(in *ingress, values *annotation.Values) {
	if values.CustomHeaders == "" {
		return
	}
	name := values.CustomHeaders
	fields, ok := b.fieldsOf(objectName(name), annotation.ToClient)
	if !ok {
		b.denyPaths(in, "custom-headers: ConfigMap %s does not exist", model.Excerpt(name))
		return
	}
	if len(fields.wrong) > 0 {
		b.denyPaths(in, "custom-headers: ConfigMap %s: %v", model.Excerpt(name), fields.wrong[0])
		return
	}
	for line := range strings.Lines(fields.lines) {
		field, _, _ := strings.Cut(line, ": ")
		if !listHas(values.AllowedResponseFields, strings.ToLower(field)) {
			b.denyPaths(in, "custom-headers: ConfigMap %s: the controller's ConfigMap does not allow %s in global-allowed-response-headers",
				model.Excerpt(name), field)
			return
		}
	}
	set := &values.Filters.ResponseFields.Set
	*set = overlay(*set, fields.lines)
}

// overlay returns the lines of two lists of fields, without those of the first whose
// names are in the second.
func overlay(under, over string) string {
	if under == "" || over == "" {
		return under + over
	}
	names := make(map[string]bool)
	for line := range strings.Lines(over) {
		name, _, _ := strings.Cut(line, ": ")
		names[strings.ToLower(name)] = true
	}
	var b strings.Builder
	for line := range strings.Lines(under) {
		if name, _, _ := strings.Cut(line, ": "); !names[strings.ToLower(name)] {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String() + over
}

// unrouted are the filters of what no route is for: what the ConfigMap wants all
// responses to have, and what they have in the profile.
func (b *build) unrouted() model.FilterSet {
	all := b.base.Filters
	return model.Filters{HSTS: all.HSTS, ResponseFields: model.ResponseFields{Set: all.ResponseFields.Set, Server: all.ResponseFields.Server}}.Set()
}

// listHas tells whether a word is in a list with commas.
func listHas(list, word string) bool {
	for each := range strings.SplitSeq(list, ",") {
		if each == word {
			return true
		}
	}
	return false
}
