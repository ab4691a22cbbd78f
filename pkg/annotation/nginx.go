package annotation

import (
	"slices"
	"strconv"
	"strings"
)

// nginxAnnotation is one annotation of ingress-nginx.
type nginxAnnotation struct {
	// name is the annotation without its prefix.
	name string
	// effect is what becomes of an Ingress that carries it while Shockwave
	// does not implement it.
	effect effect
	// idle tells values that ask for what happens anyway, such as "false" for
	// a feature that is off. nil means that none does.
	idle func(value string) bool
}

// effect is what an annotation costs that is not implemented, or whose value cannot be
// used.
type effect uint8

const (
	// plain costs the feature.
	plain effect = iota
	// protects costs the routes, which answer 503: fail closed.
	protects
	// protectsHost costs what protects does, and the routes of the same hosts
	// that other Ingresses of the namespace have: ingress-nginx protects the
	// whole host (IN: controller.go, createServers), so they rely on it.
	protectsHost
	// diverts costs the routes, which are not served at all: they might take over
	// the traffic of which they are meant to get a share.
	diverts
)

// nginxByName finds the rows of nginxTable.
var nginxByName = func() map[string]*nginxAnnotation {
	m := make(map[string]*nginxAnnotation, len(nginxTable))
	for i := range nginxTable {
		m[nginxTable[i].name] = &nginxTable[i]
	}
	return m
}()

// Unsupported names the annotations of ingress-nginx that are not implemented, in
// the order of its documentation, by what they cost.
type Unsupported struct {
	// Ignored have no effect.
	Ignored []string
	// Denied protect the paths of their Ingress, which answer 503.
	Denied []string
	// DeniedHosts are those of Denied that protect whole hosts.
	DeniedHosts []string
}

// ListUnsupported is for the reference page.
func ListUnsupported() Unsupported {
	var u Unsupported
	for _, a := range nginxTable {
		switch {
		case byName[a.name] != nil: // implemented
		case a.effect == protects:
			u.Denied = append(u.Denied, a.name)
		case a.effect == protectsHost:
			u.Denied = append(u.Denied, a.name)
			u.DeniedHosts = append(u.DeniedHosts, a.name)
		default:
			u.Ignored = append(u.Ignored, a.name)
		}
	}
	return u
}

// removed maps names that ingress-nginx once had, or that are often taken for
// its annotations, to advice.
var removed = map[string]string{
	"secure-backends":             "use backend-protocol",
	"enable-websockets":           "WebSocket always works",
	"client-max-body-size":        "use proxy-body-size",
	"session-cookie-hash":         "ingress-nginx no longer has it",
	"enable-opentracing":          "ingress-nginx no longer has it",
	"influxdb-host":               "ingress-nginx no longer has it",
	"enable-influxdb":             "ingress-nginx no longer has it",
	"global-rate-limit":           "ingress-nginx no longer has it",
	"use-forwarded-headers":       "it is a key of the ConfigMap",
	"large-client-header-buffers": "it is a key of the ConfigMap",
	"client-header-buffer-size":   "it is a key of the ConfigMap",
	"proxy-set-headers":           "it is a key of the ConfigMap",
	"add-headers":                 "it is a key of the ConfigMap",
}

// Booleans are read as Go's ParseBool does, as in ingress-nginx.

func isFalse(value string) bool {
	b, err := strconv.ParseBool(value)
	return err == nil && !b
}

func isZero(value string) bool {
	n, err := strconv.Atoi(value)
	return err == nil && n == 0
}

func isBlank(value string) bool { return value == "" }

// is returns a test for one word in any case.
func is(word string) func(string) bool {
	return func(value string) bool { return strings.EqualFold(value, word) }
}

// NginxNames are the names of ingress-nginx's annotations, in the order of its own
// reference.
func NginxNames() []string { return slices.Clone(nginxNames) }
