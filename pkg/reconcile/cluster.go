package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

const (
	// retryFirst and retryLast bound the pause before a failed fetch is tried
	// again; it doubles each time.
	retryFirst = 250 * time.Millisecond
	retryLast  = 30 * time.Second
	// patience is how long the first publication waits for Secrets that
	// cannot be fetched.
	patience = 30 * time.Second
	// rebuild is how often everything is built without a change, so that a
	// certificate that expires becomes a Problem.
	rebuild = time.Hour
)

// Cluster follows one API server.
type Cluster struct {
	publisher *Publisher
	log       *slog.Logger
	cache     cache.Cache
	reader    client.Reader
	queue     *queue
	published types.NamespacedName // Options.PublishService

	ingresses       *store[*networkingv1.Ingress]
	ingressClasses  *store[*networkingv1.IngressClass]
	services        *store[*corev1.Service]
	endpointSlices  *store[*discoveryv1.EndpointSlice]
	listenerConfigs *store[*v1alpha1.ListenerConfig]
	secrets         *referenced[*corev1.Secret]
	configMaps      *referenced[*corev1.ConfigMap]
}

// Options are what a Cluster needs beside the Publisher's settings.
type Options struct {
	// Config is how the API server is reached.
	Config *rest.Config
	// PublishService is the Service whose addresses Ingresses get. Its changes
	// and those of its endpoints are told to Observe. Its name is empty for
	// none.
	PublishService types.NamespacedName
	// Log is where outages go.
	Log *slog.Logger
}

// New returns a Cluster that publishes with p. It asks the API server nothing.
func New(options Options, p *Publisher) (*Cluster, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	config := rest.CopyConfig(options.Config)
	if config.QPS == 0 {
		config.QPS = -1 // the API server does its own flow control
	}
	if config.UserAgent == "" {
		config.UserAgent = "shockwave"
	}
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("API server client: %w", err)
	}
	c := &Cluster{publisher: p, log: options.Log, queue: newQueue(), published: options.PublishService}
	if err := c.connect(config, http, options); err != nil {
		return nil, fmt.Errorf("API server client: %w", err)
	}
	c.ingresses = newStore(c.ingressChanged)
	c.ingressClasses = newStore(func(old, new **networkingv1.IngressClass) {
		if differs(old, new) {
			c.queue.routes()
		}
	})
	c.services = newStore(c.serviceChanged)
	c.endpointSlices = newStore(c.endpointSliceChanged)
	c.listenerConfigs = newStore(func(old, new **v1alpha1.ListenerConfig) {
		if differs(old, new) {
			c.queue.routes()
		} else {
			c.queue.status()
		}
	})
	c.secrets = &referenced[*corev1.Secret]{
		kind: "Secret", reader: c.reader, new: func() *corev1.Secret { return new(corev1.Secret) },
		versions: newStore(versionChanged(c.queue.secret)),
	}
	c.configMaps = &referenced[*corev1.ConfigMap]{
		kind: "ConfigMap", reader: c.reader, new: func() *corev1.ConfigMap { return new(corev1.ConfigMap) },
		versions: newStore(versionChanged(c.queue.configMap)),
	}
	return c, nil
}

func (c *Cluster) connect(config *rest.Config, http *http.Client, options Options) error {
	scheme, mapper, err := kinds()
	if err != nil {
		return err
	}
	c.cache, err = cache.New(config, cache.Options{
		HTTPClient:               http,
		Scheme:                   scheme,
		Mapper:                   mapper,
		DefaultTransform:         strip,
		DefaultNamespaces:        watched(c.publisher.Settings, options.PublishService),
		DefaultWatchErrorHandler: (&refusals{log: options.Log}).handle,
		NewInformer:              (&reach{log: options.Log}).informer,
		ByObject: map[client.Object]cache.ByObject{
			// Helm keeps each release it ever made in a Secret.
			&corev1.Secret{}: {Field: notHelm},
		},
	})
	if err != nil {
		return err
	}
	c.reader, err = client.New(config, client.Options{HTTPClient: http, Scheme: scheme, Mapper: mapper})
	return err
}

// watched are the namespaces to watch, nil for all.
func watched(s translate.Settings, published types.NamespacedName) map[string]cache.Config {
	if s.WatchNamespace == "" {
		return nil
	}
	set := map[string]cache.Config{s.WatchNamespace: {}}
	for _, name := range []types.NamespacedName{s.ConfigMap, s.TCPServices, s.UDPServices, s.DefaultSSLCertificate, s.DefaultBackendService, published} {
		if name.Name != "" {
			set[name.Namespace] = cache.Config{}
		}
	}
	return set
}

// Run publishes what the API server holds, once all of it is known and then
// after every change, until ctx ends. An API server that is away is waited for,
// at the start as well.
func (c *Cluster) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	synced, err := c.watch(ctx)
	if err == nil {
		go func() { stopped <- c.cache.Start(ctx) }()
		if c.wait(ctx, synced) {
			c.follow(ctx)
		}
		cancel()
		err = <-stopped
	}
	cancel()
	return err
}

// watch registers with the caches. The result tells of each kind whether all
// that the API server held at the start is known.
func (c *Cluster) watch(ctx context.Context) (map[string]func() bool, error) {
	metadata := func(kind string) *metav1.PartialObjectMetadata {
		m := &metav1.PartialObjectMetadata{}
		m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
		return m
	}
	synced := make(map[string]func() bool)
	for _, source := range []struct {
		kind    string
		object  client.Object
		handler toolscache.ResourceEventHandler
	}{
		{"Ingress", &networkingv1.Ingress{}, c.ingresses},
		{"IngressClass", &networkingv1.IngressClass{}, c.ingressClasses},
		{"Service", &corev1.Service{}, c.services},
		{"EndpointSlice", &discoveryv1.EndpointSlice{}, c.endpointSlices},
		{v1alpha1.ListenerConfigKind, &v1alpha1.ListenerConfig{}, c.listenerConfigs},
		{"Secret", metadata("Secret"), c.secrets.versions},
		{"ConfigMap", metadata("ConfigMap"), c.configMaps.versions},
	} {
		informer, err := c.cache.GetInformer(ctx, source.object, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watch %s: %w", source.kind, err)
		}
		registration, err := informer.AddEventHandler(source.handler)
		if err != nil {
			return nil, fmt.Errorf("watch %s: %w", source.kind, err)
		}
		synced[source.kind] = registration.HasSynced
	}
	return synced, nil
}

// wait returns when the stores hold all that there was at the start, and
// whether ctx is still in force. A cluster without the definition of
// ListenerConfig (Helm installs it, but does not add it in an upgrade) is
// served all the same.
func (c *Cluster) wait(ctx context.Context, synced map[string]func() bool) bool {
	const often = 10 * time.Millisecond
	start, warned, asked := time.Now(), time.Now(), time.Time{}
	for {
		var missing []string
		for kind, done := range synced {
			if !done() {
				missing = append(missing, kind)
			}
		}
		if len(missing) == 0 {
			c.log.Info("the caches are filled", "seconds", time.Since(start).Seconds())
			return true
		}
		if len(missing) == 1 && missing[0] == v1alpha1.ListenerConfigKind && time.Since(asked) > time.Second {
			asked = time.Now()
			if c.undefined(ctx) {
				c.log.Warn("the cluster does not define ListenerConfig (config/crd): served without it")
				delete(synced, v1alpha1.ListenerConfigKind)
				continue
			}
		}
		if time.Since(warned) > 10*time.Second {
			c.log.Warn("still waiting for the API server", "kinds", missing)
			warned = time.Now()
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(often):
		}
	}
}

// undefined tells whether the API server knows no ListenerConfigs.
func (c *Cluster) undefined(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	return apierrors.IsNotFound(c.reader.List(ctx, &v1alpha1.ListenerConfigList{}, client.Limit(1)))
}

// follow publishes until ctx ends.
func (c *Cluster) follow(ctx context.Context) {
	var (
		pace      pace
		began     = time.Now()
		published = false
		pause     = retryFirst
		retry     <-chan time.Time
		again     = time.NewTicker(rebuild)
		last      wanted
	)
	defer again.Stop()
	c.queue.routes()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.queue.signal:
		case <-retry:
			c.queue.routes()
		case <-again.C:
			c.queue.routes()
		}
		if !pace.wait(ctx) {
			return
		}
		changes, start := c.queue.take(), time.Now()
		if _, ok := changes.services[c.published]; ok {
			changes.status = true
		}
		objs := c.objects()
		switch {
		case changes.routes || wants(last.secrets, changes.secrets) || wants(last.configMaps, changes.configMaps):
			var err error
			last, err = c.complete(ctx, objs)
			if ctx.Err() != nil {
				return
			}
			retry = nil
			if err != nil {
				c.log.Warn("cannot fetch what Ingresses refer to, the last good content stays in use", "err", err, "retry", pause)
				retry, pause = time.After(pause), min(2*pause, retryLast)
				if !published && time.Since(began) < patience {
					continue
				}
			} else {
				pause = retryFirst
			}
			c.publisher.Objects(objs)
			published = true
		case !published:
			// waiting for what the first publication needs
		case c.publisher.serves(changes.services):
			c.keep(objs)
			c.publisher.Endpoints(objs)
			if changes.status {
				c.publisher.Status(objs)
			}
		case changes.status:
			c.keep(objs)
			c.publisher.Status(objs)
		}
		pace.passed(start)
	}
}

// objects returns what the stores hold, without Secrets and ConfigMaps.
func (c *Cluster) objects() *translate.Objects {
	return &translate.Objects{
		Ingresses:       c.ingresses.list(),
		IngressClasses:  c.ingressClasses.list(),
		Services:        c.services.list(),
		EndpointSlices:  c.endpointSlices.list(),
		ListenerConfigs: c.listenerConfigs.list(),
	}
}

// wanted are the objects that were referred to in the last Build.
type wanted struct {
	secrets, configMaps []types.NamespacedName
}

// complete adds the Secrets and ConfigMaps that objs refers to.
func (c *Cluster) complete(ctx context.Context, objs *translate.Objects) (w wanted, err error) {
	for _, m := range c.configMaps.kept {
		objs.ConfigMaps = append(objs.ConfigMaps, m) // the controller's names others
	}
	w.secrets, w.configMaps = translate.References(objs, c.publisher.Settings)
	var err1, err2, err3 error
	objs.Secrets, err1 = c.secrets.update(ctx, w.secrets)
	objs.ConfigMaps, err2 = c.configMaps.update(ctx, w.configMaps)
	if _, named := translate.References(objs, c.publisher.Settings); !slices.Equal(named, w.configMaps) {
		w.configMaps = named // by the controller's ConfigMap as it is now
		objs.ConfigMaps, err3 = c.configMaps.update(ctx, w.configMaps)
	}
	return w, errors.Join(err1, err2, err3)
}

// keep adds the Secrets and ConfigMaps of the last Build.
func (c *Cluster) keep(objs *translate.Objects) {
	for _, s := range c.secrets.kept {
		objs.Secrets = append(objs.Secrets, s)
	}
	for _, m := range c.configMaps.kept {
		objs.ConfigMaps = append(objs.ConfigMaps, m)
	}
}
