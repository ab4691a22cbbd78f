package annotation

import (
	"fmt"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Prefix is the prefix of our own annotations.
const Prefix = "shockwave.dev"

// DefaultNginxPrefix is where ingress-nginx reads its annotations
// (--annotations-prefix).
const DefaultNginxPrefix = "nginx.ingress.kubernetes.io"

// Scope is a set of the things that a setting governs.
type Scope uint8

const (
	// Path settings govern the routes of an Ingress.
	Path Scope = 1 << iota
	// Upstream settings govern the connections to a Service, whichever routes
	// lead there.
	Upstream
	// Listener settings govern downstream connections of the whole process.
	// They stand on the IngressClass or in the ConfigMap, not on an Ingress.
	Listener
)

// Values is what settings set. It starts with the defaults, or with what
// weaker objects have set.
type Values struct {
	Options  model.Options
	Policy   model.Policy
	Listener model.Listener
}

// Defaults are the values that nothing has changed yet.
func Defaults() Values {
	return Values{
		Options:  model.DefaultOptions(),
		Policy:   model.DefaultPolicy(),
		Listener: model.DefaultListener(),
	}
}

// Annotation is one setting, a row of Table.
type Annotation struct {
	// Name is the annotation without its prefix, and the ConfigMap's key.
	Name string
	// Scope is what it governs.
	Scope Scope
	// Help is a sentence or two for the reference page: meaning, form,
	// default.
	Help string

	// parse parses text and sets it, or changes nothing and tells why.
	parse func(v *Values, text string, d dialect) error
	// remember notes what set it. It is nil for settings whose source nobody
	// asks for.
	remember func(v *Values, from string)
}

// apply sets a from text, on behalf of from. It changes nothing when it fails.
func (a *Annotation) apply(v *Values, text string, d dialect, from Source) error {
	if err := a.parse(v, text, d); err != nil {
		return err
	}
	if a.remember != nil {
		a.remember(v, from.String())
	}
	return nil
}

// remembering returns a with a place for what set it.
func (a Annotation) remembering(note func(v *Values, from string)) Annotation {
	a.remember = note
	return a
}

// Inherited tells whether ingress-nginx has an annotation of the same name, so
// that a is read under its prefix too.
func (a Annotation) Inherited() bool {
	_, ok := nginxByName[a.Name]
	return ok
}

// dialect says in which form values are written.
type dialect uint8

const (
	// ours takes bare seconds and Go durations.
	ours dialect = iota
	// nginx takes what ingress-nginx takes: bare seconds.
	nginx
)

// define makes a row of Table: parse reads the value, set stores it.
func define[T any](name string, scope Scope, help string,
	parse func(text string, d dialect) (T, error), set func(*Values, T)) Annotation {
	return Annotation{Name: name, Scope: scope, Help: help,
		parse: func(v *Values, text string, d dialect) error {
			value, err := parse(text, d)
			if err != nil {
				return err
			}
			set(v, value)
			return nil
		}}
}

// quote shows a value or name in a message.
func quote(text string) string { return fmt.Sprintf("%q", model.Excerpt(text)) }

// Set sets in v the setting called name from text, in the form that annotations
// of ours have, on behalf of from. It changes nothing when it fails.
func Set(v *Values, name, text string, from Source) error {
	setting := byName[name]
	if setting == nil {
		return fmt.Errorf("no setting is called %s", quote(name))
	}
	return setting.apply(v, text, ours, from)
}
