package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Build turns one consistent set of objects into the configuration to serve,
// and tells what is wrong with them. Problems are grouped by object.
func Build(objs *Objects, settings Settings) (*model.Config, []model.Problem) {
	return new(Builder).Build(objs, settings)
}

// Builder builds again and again. It remembers what it read in objects that are
// the same in the next Build, by pointer, and the certificates and lists of users that it
// parsed, because checking a key costs far more than all else. The result is always that
// of the function Build. Objects must not change once they were built from. The
// zero value is ready, and one goroutine at a time may use it.
type Builder struct {
	settings Settings
	pairs    map[types.NamespacedName]*keyPair
	trusted  map[types.NamespacedName]*authority
	users    map[string]*users
	said     map[*networkingv1.Ingress]*said
	services index[*corev1.Service]
	secrets  index[*corev1.Secret]
	configs  index[*corev1.ConfigMap]
}

// Build is the function Build.
func (r *Builder) Build(objs *Objects, settings Settings) (*model.Config, []model.Problem) {
	same := settings
	same.Now = r.settings.Now
	if same != r.settings {
		r.settings, r.said = settings, nil
	}
	b := newBuild(objs, settings, r)
	b.readBase()
	b.readClasses()
	b.noClass = newClass(b.base, annotation.Result{})
	ingresses, canaries := takeCanaries(b.open(b.selector.ours(objs)))

	// Routes that rules ask for, and what belongs to them.
	b.patternHosts(ingresses)
	for _, in := range ingresses {
		b.addRules(in)
	}
	b.addCanaries(canaries, ingresses)
	b.addSlashes(ingresses)

	// What governs whole hosts. Nothing that is denied is passed through.
	b.addHostSettings(ingresses)
	b.denyHosts(ingresses)
	b.passThrough(ingresses)

	// Routes and names that no rule asks for. They must not count as what is to be passed
	// through, so they come after it, and ask for themselves whether they are denied.
	b.addRoots(ingresses)
	b.addAppRoots(ingresses)
	b.addAliases(ingresses)
	b.addWWW(ingresses)
	b.denyChosenAuth()

	for _, in := range ingresses {
		b.addTLS(in)
	}
	b.tellCanaryTLS(canaries)
	b.addDefaultCertificate()
	b.addStreams()
	config := b.config()
	r.pairs, r.trusted, r.users, r.said = b.pairs, b.trusted, b.userLists, b.read
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
	// version is that of services.
	version int
	secrets map[types.NamespacedName]*corev1.Secret
	// configMaps are the controller's own, and those that settings name.
	configMaps map[types.NamespacedName]*corev1.ConfigMap

	// base are the values that hold where no class says otherwise, in the profile of
	// the controller; bases are those of each profile.
	base  *annotation.Values
	bases map[model.Profile]*annotation.Values
	// denied is why all routes answer 503, for what the ConfigMap says.
	denied string
	// classes are those of ours, by name.
	classes map[string]*class
	// noClass is for an Ingress without a class of ours.
	noClass *class

	hosts map[string]*host
	// protected are those that denyHosts denies as a whole.
	protected map[hostOf]protection
	// aliases are the hosts that have them.
	aliases map[string]*host
	// written are the paths of hosts as they are written, nil where no host may have
	// patterns as ingress-nginx has them.
	written   map[string]*writtenPaths
	upstreams map[model.UpstreamKey]*model.Upstream
	claims    map[string]claim
	// known are the certificates of the last Build, pairs those of this one.
	known, pairs map[types.NamespacedName]*keyPair
	// knownTrusted are the authorities of the last Build, trusted those of this
	// one.
	knownTrusted, trusted map[types.NamespacedName]*authority
	// knownUsers are the lists of users of the last Build by name, userLists those of
	// this one.
	knownUsers, userLists map[string]*users
	// knownSaid is what Ingresses said in the last Build, read in this one.
	knownSaid, read map[*networkingv1.Ingress]*said
	// listed are the fields of the ConfigMaps that were read for them.
	listed map[listing]listed

	streams            []model.Stream
	defaultCertificate string
	problems           []model.Problem
}

func newBuild(objs *Objects, settings Settings, r *Builder) *build {
	b := &build{
		objs:         objs,
		settings:     settings,
		selector:     newSelector(objs, settings),
		reader:       annotation.NewReader(settings.AnnotationsPrefix, settings.Checks),
		services:     r.services.of(objs.Services),
		secrets:      r.secrets.of(objs.Secrets),
		configMaps:   r.configs.of(objs.ConfigMaps),
		classes:      make(map[string]*class),
		hosts:        make(map[string]*host, len(objs.Ingresses)),
		upstreams:    make(map[model.UpstreamKey]*model.Upstream, len(objs.Ingresses)),
		claims:       make(map[string]claim, len(objs.Secrets)),
		known:        r.pairs,
		pairs:        make(map[types.NamespacedName]*keyPair, len(objs.Secrets)),
		knownTrusted: r.trusted,
		trusted:      make(map[types.NamespacedName]*authority),
		knownUsers:   r.users,
		userLists:    make(map[string]*users),
		knownSaid:    r.said,
		read:         make(map[*networkingv1.Ingress]*said, len(objs.Ingresses)),
		listed:       make(map[listing]listed),
		problems:     slices.Clone(objs.Problems),
	}
	b.version = r.services.version
	return b
}

// config gathers the result in the order that model.Config promises.
func (b *build) config() *model.Config {
	c := &model.Config{
		DefaultCertificate: b.defaultCertificate,
		Listener:           b.listener(),
		Unrouted:           b.unrouted(),
		Hosts:              make([]model.Host, 0, len(b.hosts)),
		Upstreams:          make([]model.Upstream, 0, len(b.upstreams)),
	}
	byName := func(a, b *host) int { return cmp.Compare(a.name, b.name) }
	for _, h := range slices.SortedFunc(maps.Values(b.hosts), byName) {
		c.Hosts = append(c.Hosts, b.model(h))
	}
	for _, name := range slices.Sorted(maps.Keys(b.claims)) {
		if b.hosts[name] == nil && b.aliases[name] == nil {
			c.TLSNames = append(c.TLSNames, model.TLSName{Name: name, Certificate: b.claims[name].certificate})
		}
	}
	byKey := func(a, b *model.Upstream) int { return a.Key.Compare(b.Key) }
	for _, up := range slices.SortedFunc(maps.Values(b.upstreams), byKey) {
		c.Upstreams = append(c.Upstreams, *up)
	}
	c.Streams = b.streams
	c.Certificates = b.certificates(c)
	c.Authorities = b.authorities(c)
	c.Users = b.userListsOf(c)
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
