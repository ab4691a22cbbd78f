package translate

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// said is what an Ingress says by itself, whatever other objects there are. It
// is kept from one Build to the next for as long as the Ingress and the Settings
// are the same.
type said struct {
	rules []saidRule

	// tls are the hosts of each tls block in normal form, empty where there
	// is none.
	tls [][]string
	// listed are the names in tls, each with the Secret that lists it first.
	listed map[string]types.NamespacedName
	// unlisted are the hosts of the rules that are not listed.
	unlisted []string

	// What the annotations came to, and for which name and class, nil for none
	// yet. They are read again when one of these differs. sets is nil where they
	// set nothing: values are large, and Ingresses many.
	ref         model.ObjectRef
	class, sets *annotation.Values
	result      annotation.Result
}

// saidRule is a rule in normal form.
type saidRule struct {
	host  string
	err   error
	paths []saidPath
}

// saidPath is a path in normal form.
type saidPath struct {
	routeKey
	err error
	// slash tells that the path was written with a slash at its end, and unusual that
	// it has characters which a path that is compared as it is rarely has.
	slash, unusual bool
	// written is the path as a pattern, and patternErr why it is none, once compiled is
	// set.
	written    string
	compiled   bool
	patternErr error
	// patternSize is what it takes, see mostPatterns.
	patternSize int
	// target is what the backend resolved to while the Services were those of
	// this version, 0 for never.
	target  target
	version int
}

// said returns what an Ingress says.
func (b *build) said(object *networkingv1.Ingress) *said {
	s := b.knownSaid[object]
	if s == nil {
		s = &said{rules: readRules(object.Spec.Rules)}
		s.readTLS(object)
	}
	b.read[object] = s
	return s
}

func readRules(rules []networkingv1.IngressRule) []saidRule {
	read := make([]saidRule, len(rules))
	for i := range rules {
		r := &read[i]
		r.host, r.err = normalHost(rules[i].Host)
		if r.err != nil || rules[i].HTTP == nil {
			continue
		}
		paths := rules[i].HTTP.Paths
		r.paths = make([]saidPath, len(paths))
		for k := range paths {
			p := &r.paths[k]
			p.routeKey, p.err = routePath(&paths[k])
			p.slash = len(paths[k].Path) > 1 && strings.HasSuffix(paths[k].Path, "/")
			p.unusual = isUnusual(&paths[k])
			p.written, _ = writtenPath(&paths[k])
		}
	}
	return read
}

func (s *said) readTLS(object *networkingv1.Ingress) {
	blocks := object.Spec.TLS
	if len(blocks) == 0 {
		return
	}
	s.tls = make([][]string, len(blocks))
	s.listed = make(map[string]types.NamespacedName)
	for i := range blocks {
		s.tls[i] = make([]string, len(blocks[i].Hosts))
		for k, written := range blocks[i].Hosts {
			name, err := normalHost(written)
			if err != nil || name == "" {
				continue
			}
			s.tls[i][k] = name
			if _, twice := s.listed[name]; !twice {
				s.listed[name] = secretOf(object, &blocks[i])
			}
		}
	}
	for i := range s.rules {
		r := &s.rules[i]
		if _, ok := s.listed[r.host]; !ok && r.err == nil && r.host != "" {
			s.unlisted = append(s.unlisted, r.host)
		}
	}
}

// annotations returns what the Ingress's annotations make of the values of its class,
// which must not change afterwards.
func (s *said) annotations(reader annotation.Reader, ref model.ObjectRef, object *networkingv1.Ingress, class *annotation.Values) (annotation.Values, annotation.Result) {
	if s.class == nil || s.ref != ref || *s.class != *class {
		s.class = nil // should reading panic, nothing half read is used again
		sets := *class
		s.result = reader.Ingress(ref, object.Annotations, &sets)
		s.ref, s.sets = ref, nil
		if sets != *class {
			s.sets = &sets
		}
	}
	s.class = class // and not that of an older Build
	if s.sets == nil {
		return *class, s.result
	}
	return *s.sets, s.result
}
