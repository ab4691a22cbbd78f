package translate

import (
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// readBase reads what holds for all classes, from weakest to strongest: the
// defaults of each profile, the flags, the ConfigMap.
func (b *build) readBase() {
	b.bases = make(map[model.Profile]*annotation.Values, 2)
	main := b.settings.profileOf(b.settings.ControllerClass)
	for _, profile := range []model.Profile{main, model.ProfileKubernetes, model.ProfileNginx} {
		if b.bases[profile] == nil {
			b.bases[profile] = b.readProfile(profile, profile == main)
		}
	}
	b.base = b.bases[main]
}

// readProfile is readBase for one profile. What is wrong is the same in each, and told
// for one.
func (b *build) readProfile(profile model.Profile, tell bool) *annotation.Values {
	values := annotation.Defaults(profile)
	if port := b.settings.HTTPSPort; port != 0 {
		values.HTTPSPort = int(port)
	}
	if mode := b.settings.DefaultAllocationMode; mode != "" {
		values.Options.AllocationMode, values.Listener.AllocationMode = mode, mode
	}
	if mode := string(b.settings.AllocationMode); mode != "" {
		const flag = "--allocation-mode"
		if err := annotation.Set(&values, "allocation-mode", mode, annotation.Source{What: flag}); err != nil && tell {
			b.problem(model.ObjectRef{Kind: "Flag", Name: flag}, model.ReasonInvalidValue, "%q: %v", model.Excerpt(mode), err)
		}
	}
	if m := b.configMaps[b.settings.ConfigMap]; m != nil {
		denied, problems := b.reader.ConfigMap(b.ref("ConfigMap", m.Namespace, m.Name), m.Data, &values)
		if tell {
			b.denied = denied
			b.problems = append(b.problems, problems...)
		}
		b.readGlobalFields(&values, tell)
	}
	return &values
}

// profileOf is the profile of the classes with this spec.controller.
func (s *Settings) profileOf(controller string) model.Profile {
	switch {
	case s.Profile != "":
		return s.Profile
	case controller == model.NginxController:
		return model.ProfileNginx
	}
	return model.ProfileKubernetes
}

// listener returns the settings of listeners: those of the class named by
// --ingress-class, if there is one.
func (b *build) listener() model.Listener {
	if c := b.classes[b.settings.IngressClass]; c != nil {
		return c.values.Listener
	}
	return b.base.Listener
}

// setsListener tells whether a class changes what only a listener has. Its
// allocation mode is also the default of its Ingresses, and so never without
// effect.
func (b *build) setsListener(values annotation.Values) bool {
	base := &b.bases[values.Listener.Profile].Listener
	values.Listener.AllocationMode = base.AllocationMode
	values.Listener.AllocationModeFrom = base.AllocationModeFrom
	return values.Listener != *base
}

// ListenerConfigInForce returns the ListenerConfig whose settings of listeners
// are in force: that of the class named by --ingress-class. It is nil when there
// is none.
func ListenerConfigInForce(objs *Objects, settings Settings) *v1alpha1.ListenerConfig {
	class := newSelector(objs, settings).classes[settings.IngressClass]
	if class == nil || !refersToListenerConfig(class) {
		return nil
	}
	return objs.listenerConfig(class.Spec.Parameters.Name)
}

// refersToListenerConfig tells whether a class has parameters that are ours.
func refersToListenerConfig(class *networkingv1.IngressClass) bool {
	p := class.Spec.Parameters
	return p != nil && p.APIGroup != nil && *p.APIGroup == v1alpha1.GroupVersion.Group &&
		p.Kind == v1alpha1.ListenerConfigKind &&
		(p.Scope == nil || *p.Scope == networkingv1.IngressClassParametersReferenceScopeCluster)
}

func (o *Objects) listenerConfig(name string) *v1alpha1.ListenerConfig {
	for _, config := range o.ListenerConfigs {
		if config.Name == name {
			return config
		}
	}
	return nil
}

// listenerConfigOf follows the parameters of a class.
func (b *build) listenerConfigOf(ref model.ObjectRef, class *networkingv1.IngressClass) *v1alpha1.ListenerConfig {
	if class.Spec.Parameters == nil {
		return nil
	}
	if !refersToListenerConfig(class) {
		b.problem(ref, model.ReasonUnsupportedSetting,
			"spec.parameters has no effect: it may name a cluster-scoped %s of %s only",
			v1alpha1.ListenerConfigKind, v1alpha1.GroupVersion.Group)
		return nil
	}
	config := b.objs.listenerConfig(class.Spec.Parameters.Name)
	if config == nil {
		b.problem(ref, model.ReasonListenerConfigNotFound,
			"ListenerConfig %s does not exist", model.Excerpt(class.Spec.Parameters.Name))
	}
	return config
}

// applyListenerConfig sets what config sets. Its fields are bounded like the
// annotations of the same meaning, for objects that no API server validated.
func (b *build) applyListenerConfig(config *v1alpha1.ListenerConfig, values *annotation.Values) {
	ref := b.ref(v1alpha1.ListenerConfigKind, "", config.Name)
	for _, field := range listenerFields(&config.Spec) {
		from := annotation.Source{What: "spec." + field.name, Object: ref}
		if err := annotation.Set(values, field.setting, field.value, from); err != nil {
			b.problem(ref, model.ReasonInvalidValue, "spec.%s: %q: %v", field.name, model.Excerpt(field.value), err)
		}
	}
}

// listenerField is a field of a ListenerConfig that is set, with the setting
// that means the same.
type listenerField struct{ name, setting, value string }

func listenerFields(spec *v1alpha1.ListenerConfigSpec) []listenerField {
	var fields []listenerField
	if spec.AllocationMode != nil {
		fields = append(fields, listenerField{"allocationMode", "allocation-mode", string(*spec.AllocationMode)})
	}
	if spec.KeepAliveTimeout != nil {
		fields = append(fields, listenerField{"keepAliveTimeout", "keep-alive", spec.KeepAliveTimeout.Duration.String()})
	}
	if spec.KeepAliveRequests != nil {
		fields = append(fields, listenerField{"keepAliveRequests", "keep-alive-requests", decimal(*spec.KeepAliveRequests)})
	}
	if spec.MaxConnections != nil {
		fields = append(fields, listenerField{"maxConnections", "max-connections", decimal(*spec.MaxConnections)})
	}
	if spec.HeaderTimeout != nil {
		fields = append(fields, listenerField{"headerTimeout", "client-header-timeout", spec.HeaderTimeout.Duration.String()})
	}
	if spec.BodyTimeout != nil {
		fields = append(fields, listenerField{"bodyTimeout", "client-body-timeout", spec.BodyTimeout.Duration.String()})
	}
	if spec.MaxHeaderBytes != nil {
		fields = append(fields, listenerField{"maxHeaderBytes", "max-header-bytes", decimal(*spec.MaxHeaderBytes)})
	}
	if spec.HTTP2 != nil {
		fields = append(fields, listenerField{"http2", "use-http2", strconv.FormatBool(*spec.HTTP2)})
	}
	if spec.HTTP2Streams != nil {
		fields = append(fields, listenerField{"http2Streams", "http2-max-concurrent-streams", decimal(*spec.HTTP2Streams)})
	}
	if spec.ProxyProtocol != nil {
		fields = append(fields, listenerField{"proxyProtocol", "use-proxy-protocol", strconv.FormatBool(*spec.ProxyProtocol)})
	}
	if spec.ProxyHeaderTimeout != nil {
		fields = append(fields, listenerField{"proxyHeaderTimeout", "proxy-protocol-header-timeout", spec.ProxyHeaderTimeout.Duration.String()})
	}
	if len(spec.TrustedProxies) > 0 {
		fields = append(fields, listenerField{"trustedProxies", "proxy-real-ip-cidr", strings.Join(spec.TrustedProxies, ",")})
	}
	return fields
}

func decimal(n int32) string { return strconv.FormatInt(int64(n), 10) }
