package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Build turns one consistent set of objects into the configuration to serve,
// and tells what is wrong with them. Problems are grouped by object.
func Build(objs *Objects, settings Settings) (*model.Config, []model.Problem) {
	return new(Builder).Build(objs, settings)
}

// Builder builds again and again. It remembers the certificates that it parsed
// in the last Build, because checking a key costs far more than all else; the
// result is always that of the function Build. The zero value is ready, and one
// goroutine at a time may use it.
type Builder struct {
	pairs map[types.NamespacedName]*keyPair
}

// Build is the function Build.
func (r *Builder) Build(objs *Objects, settings Settings) (*model.Config, []model.Problem) {
	b := newBuild(objs, settings, r.pairs)
	b.readBase()
	b.readClasses()
	ingresses := b.open(b.selector.ours(objs))
	for _, in := range ingresses {
		b.addRules(in)
	}
	b.addDefaultBackend()
	for _, in := range ingresses {
		b.addTLS(in)
	}
	b.addDefaultCertificate()
	config := b.config()
	r.pairs = b.pairs
	slices.SortStableFunc(b.problems, func(p, q model.Problem) int {
		return cmp.Or(
			cmp.Compare(p.Object.Kind, q.Object.Kind),
			cmp.Compare(p.Object.Namespace, q.Object.Namespace),
			cmp.Compare(p.Object.Name, q.Object.Name),
		)
	})
	return config, b.problems
}

// build is one Build under way.
type build struct {
	objs     *Objects
	settings Settings
	selector selector
	reader   annotation.Reader
	services map[types.NamespacedName]*corev1.Service
	secrets  map[types.NamespacedName]*corev1.Secret

	// base are the values that hold where no class says otherwise.
	base annotation.Values
	// classes are those of ours, by name.
	classes map[string]*class

	hosts     map[string]*host
	upstreams map[model.UpstreamKey]*upstream
	claims    map[string]claim
	// known are the certificates of the last Build, pairs those of this one.
	known, pairs map[types.NamespacedName]*keyPair

	defaultCertificate string
	problems           []model.Problem
}

func newBuild(objs *Objects, settings Settings, known map[types.NamespacedName]*keyPair) *build {
	b := &build{
		objs:      objs,
		settings:  settings,
		selector:  newSelector(objs, settings),
		reader:    annotation.NewReader(settings.AnnotationsPrefix),
		services:  make(map[types.NamespacedName]*corev1.Service, len(objs.Services)),
		secrets:   make(map[types.NamespacedName]*corev1.Secret, len(objs.Secrets)),
		classes:   make(map[string]*class),
		hosts:     make(map[string]*host),
		upstreams: make(map[model.UpstreamKey]*upstream),
		claims:    make(map[string]claim),
		known:     known,
		pairs:     make(map[types.NamespacedName]*keyPair),
		problems:  slices.Clone(objs.Problems),
	}
	for _, s := range objs.Services {
		b.services[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
	}
	for _, s := range objs.Secrets {
		b.secrets[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
	}
	return b
}

// config gathers the result in the order that model.Config promises.
func (b *build) config() *model.Config {
	c := &model.Config{
		DefaultCertificate: b.defaultCertificate,
		Listener:           b.listener(),
		Hosts:              make([]model.Host, 0, len(b.hosts)),
		Upstreams:          make([]model.Upstream, 0, len(b.upstreams)),
	}
	for _, name := range slices.Sorted(maps.Keys(b.hosts)) {
		c.Hosts = append(c.Hosts, b.hosts[name].model(b.certificateFor(name)))
	}
	for _, name := range slices.Sorted(maps.Keys(b.claims)) {
		if b.hosts[name] == nil {
			c.TLSNames = append(c.TLSNames, model.TLSName{Name: name, Certificate: b.claims[name].certificate})
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(b.upstreams), model.UpstreamKey.Compare) {
		c.Upstreams = append(c.Upstreams, b.upstreams[key].Upstream)
	}
	c.Certificates = b.certificates(c)
	return c
}

// ref names an object, with its place in a file where that is known.
func (b *build) ref(kind, namespace, name string) model.ObjectRef {
	origin := b.objs.Origins[ObjectKey{Kind: kind, NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}]
	return model.ObjectRef{Kind: kind, Namespace: namespace, Name: name, File: origin.File, Line: origin.Line}
}

func (b *build) problem(object model.ObjectRef, reason, format string, args ...any) {
	b.problems = append(b.problems, model.Problem{
		Object: object, Reason: reason, Message: fmt.Sprintf(format, args...)})
}
