package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// pageSize is how many objects one answer of the API server holds.
const pageSize = 500

// List reads once what a Cluster with these settings would follow, which is one
// namespace where they say so. It writes nothing. want chooses the final settings once
// the objects are there; those name the Secrets and ConfigMaps that are fetched. unread
// tells which of those could not be, such as Secrets that whoever
// asks has no right to.
func List(ctx context.Context, config *rest.Config, settings translate.Settings, want func(*translate.Objects) translate.Settings) (objs *translate.Objects, unread []error, err error) {
	config = rest.CopyConfig(config)
	if config.UserAgent == "" {
		config.UserAgent = "shockwave"
	}
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, nil, fmt.Errorf("API server client: %w", err)
	}
	scheme, mapper, err := kinds()
	if err != nil {
		return nil, nil, err
	}
	reader, err := client.New(config, client.Options{HTTPClient: http, Scheme: scheme, Mapper: mapper})
	if err != nil {
		return nil, nil, fmt.Errorf("API server client: %w", err)
	}
	namespaces := []string{""}
	if watched := watched(settings, types.NamespacedName{}); watched != nil {
		namespaces = slices.Sorted(maps.Keys(watched))
	}
	return list(ctx, reader, namespaces, want)
}

func list(ctx context.Context, reader client.Reader, namespaces []string, want func(*translate.Objects) translate.Settings) (objs *translate.Objects, unread []error, err error) {
	objs = &translate.Objects{}
	lists := []struct {
		kind string
		read func() error
	}{
		{"Ingress", func() error {
			return pages(ctx, reader, namespaces, new(networkingv1.IngressList), func(l *networkingv1.IngressList) {
				for i := range l.Items {
					objs.Ingresses = append(objs.Ingresses, &l.Items[i])
				}
			})
		}},
		{"IngressClass", func() error {
			return pages(ctx, reader, []string{""}, new(networkingv1.IngressClassList), func(l *networkingv1.IngressClassList) {
				for i := range l.Items {
					objs.IngressClasses = append(objs.IngressClasses, &l.Items[i])
				}
			})
		}},
		{"Service", func() error {
			return pages(ctx, reader, namespaces, new(corev1.ServiceList), func(l *corev1.ServiceList) {
				for i := range l.Items {
					objs.Services = append(objs.Services, &l.Items[i])
				}
			})
		}},
		{"EndpointSlice", func() error {
			return pages(ctx, reader, namespaces, new(discoveryv1.EndpointSliceList), func(l *discoveryv1.EndpointSliceList) {
				for i := range l.Items {
					objs.EndpointSlices = append(objs.EndpointSlices, &l.Items[i])
				}
			})
		}},
		{v1alpha1.ListenerConfigKind, func() error {
			err := pages(ctx, reader, []string{""}, new(v1alpha1.ListenerConfigList), func(l *v1alpha1.ListenerConfigList) {
				for i := range l.Items {
					objs.ListenerConfigs = append(objs.ListenerConfigs, &l.Items[i])
				}
			})
			if apierrors.IsNotFound(err) { // a cluster that Shockwave is not in yet
				return nil
			}
			return err
		}},
	}
	for _, l := range lists {
		if err := l.read(); err != nil {
			return nil, nil, fmt.Errorf("list %s: %w", l.kind, err)
		}
	}
	final := want(objs)
	// Two steps: a ConfigMap may name others.
	secrets := &referenced[*corev1.Secret]{kind: "Secret", reader: reader, new: func() *corev1.Secret { return new(corev1.Secret) }}
	configMaps := &referenced[*corev1.ConfigMap]{kind: "ConfigMap", reader: reader, new: func() *corev1.ConfigMap { return new(corev1.ConfigMap) }}
	haveSecrets, haveMaps := map[types.NamespacedName]*corev1.Secret{}, map[types.NamespacedName]*corev1.ConfigMap{}
	asked := map[types.NamespacedName]bool{}
	for step := range 2 {
		wantSecrets, wantMaps := translate.References(objs, final)
		if step > 0 {
			wantSecrets = nil // Ingresses and flags name them all
		}
		var rest []types.NamespacedName
		for _, name := range wantMaps {
			if !asked[name] {
				asked[name] = true
				rest = append(rest, name)
			}
		}
		for _, err := range []error{secrets.fetch(ctx, wantSecrets, haveSecrets), configMaps.fetch(ctx, rest, haveMaps)} {
			if err != nil {
				unread = append(unread, err)
			}
		}
		objs.Secrets, objs.ConfigMaps = nil, nil
		for _, s := range haveSecrets {
			objs.Secrets = append(objs.Secrets, s)
		}
		for _, m := range haveMaps {
			objs.ConfigMaps = append(objs.ConfigMaps, m)
		}
	}
	return objs, unread, nil
}

// pages lists the objects of namespaces, of which "" is all, some at a time.
func pages[L client.ObjectList](ctx context.Context, reader client.Reader, namespaces []string, list L, take func(L)) error {
	for _, namespace := range namespaces {
		next := ""
		for {
			fresh := list.DeepCopyObject().(L)
			if err := reader.List(ctx, fresh, client.InNamespace(namespace), client.Limit(pageSize), client.Continue(next)); err != nil {
				return err
			}
			take(fresh)
			if next = fresh.GetContinue(); next == "" {
				break
			}
		}
	}
	return nil
}
