package annotation

import (
	"errors"
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
	// Host settings govern the TLS connections to the hosts of an Ingress. They
	// stand on an Ingress only.
	Host
	// Listener settings govern downstream connections of the whole process.
	// They stand on the IngressClass or in the ConfigMap, not on an Ingress.
	Listener
	// Stream settings govern TCP and UDP services. They stand in the ConfigMap
	// only.
	Stream
	// Global settings govern all that is served. They stand in the ConfigMap only.
	Global
	// Canary settings say which requests of another Ingress an Ingress gets. They
	// stand on an Ingress only.
	Canary
)

// Annotation is one setting, a row of Table.
type Annotation struct {
	// Name is the annotation without its prefix, and the ConfigMap's key.
	Name string
	// Scope is what it governs.
	Scope Scope
	// Help is a sentence or two for the reference page: meaning, form,
	// default.
	Help string
	// Example is a value that asks for something other than the default.
	Example string
	// Default is the value that asks for what happens anyway, and NginxDefault
	// that of the profile ingress-nginx. Empty where no value does, as Help says.
	Default, NginxDefault string
	// Differs is a sentence about what is different in the profile ingress-nginx
	// or under its prefix, besides the default. Empty for nothing.
	Differs string

	// parse parses text and sets it, or changes nothing and tells why. An error
	// that is partial tells of the part of a value that was not set.
	parse func(v *Values, text string, at place) error
	// remember notes what set it. It is nil for settings whose source nobody
	// asks for.
	remember func(v *Values, from string)
	// effect is what a value costs that cannot be used: it may have meant a
	// protection.
	effect effect
	// onIngress is for settings that other objects cannot have, above for those that
	// an Ingress cannot.
	onIngress, above bool
	// newer is the newer name of the same setting, which holds where both stand.
	newer string
}

// example returns a with an example for the reference page.
func (a Annotation) example(value string) Annotation {
	a.Example = value
	return a
}

// defaults returns a with the value that asks for what happens anyway, and that of
// the profile ingress-nginx where it is another one.
func (a Annotation) defaults(value string, inNginx ...string) Annotation {
	a.Default, a.NginxDefault = value, value
	if len(inNginx) > 0 {
		a.NginxDefault = inNginx[0]
	}
	return a
}

// differs returns a with what is different in the profile ingress-nginx.
func (a Annotation) differs(sentence string) Annotation {
	a.Differs = sentence
	return a
}

// apply sets a from text. It changes nothing when it fails, but for an error that
// is partial.
func (a *Annotation) apply(v *Values, text string, at place) error {
	err := a.parse(v, text, at)
	if err == nil && a.remember != nil {
		a.remember(v, at.from.String())
	}
	return err
}

// partial is the error of a value of which a part was set.
type partial struct{ error }

// protecting returns a where a value that cannot be used has this effect.
func (a Annotation) protecting(e effect) Annotation {
	a.effect = e
	return a
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

// FailsClosed tells whether a value that cannot be used makes paths answer 503.
func (a Annotation) FailsClosed() bool { return a.effect == protects || a.effect == protectsHost }

// dialect says in which form values are written.
type dialect uint8

const (
	// ours takes bare seconds and Go durations.
	ours dialect = iota
	// nginx takes what ingress-nginx takes: bare seconds.
	nginx
)

// onIngressOnly returns a where it has no effect on other objects.
func (a Annotation) onIngressOnly() Annotation {
	a.onIngress = true
	return a
}

// aboveIngresses returns a where it has no effect on an Ingress: it is for those who
// run the controller.
func (a Annotation) aboveIngresses() Annotation {
	a.above = true
	return a
}

// olderNameOf returns a as an older name of another one.
func (a Annotation) olderNameOf(newer string) Annotation {
	a.newer = newer
	return a
}

// hiddenBy tells whether among these names is a newer one of a setting.
func hiddenBy(names map[string]string, name string) (newer string, hidden bool) {
	if a := byName[name]; a != nil && a.newer != "" {
		_, hidden = names[a.newer]
		return a.newer, hidden
	}
	return "", false
}

// governs tells whether a has an effect on an object that these scopes are
// allowed on.
func (a *Annotation) governs(allowed Scope) bool {
	onIngress := allowed&Host != 0
	return a.Scope&allowed != 0 && (!a.onIngress || onIngress) && (!a.above || !onIngress)
}

// place is where a value was read, for the parsers that ask.
type place struct {
	dialect dialect
	from    Source
	checks  *Checks
}

// define makes a row of Table: parse reads the value, set stores it.
func define[T any](name string, scope Scope, help string,
	parse func(text string, d dialect) (T, error), set func(*Values, T)) Annotation {
	return defineAt(name, scope, help,
		func(text string, at place) (T, error) { return parse(text, at.dialect) },
		func(v *Values, value T, _ place) { set(v, value) })
}

// defineAt is define for a setting that depends on where it stands.
func defineAt[T any](name string, scope Scope, help string,
	parse func(text string, at place) (T, error), set func(*Values, T, place)) Annotation {
	return Annotation{Name: name, Scope: scope, Help: help,
		parse: func(v *Values, text string, at place) error {
			value, err := parse(text, at)
			if some := (partial{}); err != nil && !errors.As(err, &some) {
				return err
			}
			set(v, value, at)
			return err
		}}
}

// quote shows a value or name in a message.
func quote(text string) string { return fmt.Sprintf("%q", model.Excerpt(text)) }

// Set sets in v the setting called name from text, in the form that annotations
// of ours have, on behalf of from. It changes nothing when it fails, unless a part
// of a list could be used.
func Set(v *Values, name, text string, from Source) error {
	setting := byName[name]
	if setting == nil {
		return fmt.Errorf("no setting is called %s", quote(name))
	}
	return setting.apply(v, text, place{dialect: ours, from: from})
}
