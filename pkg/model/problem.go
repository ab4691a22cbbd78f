package model

import (
	"fmt"
	"strings"
)

// ObjectRef names a Kubernetes object, and where it was written if that is
// known.
type ObjectRef struct {
	Kind      string
	Namespace string
	Name      string
	// File and Line say where the object was read from a directory. File is
	// empty for objects of an API server.
	File string
	Line int
}

// String is "Kind namespace/name".
func (r ObjectRef) String() string {
	name := r.Name
	if r.Namespace != "" {
		name = r.Namespace + "/" + r.Name
	}
	if r.Kind == "" {
		return name
	}
	return r.Kind + " " + name
}

// Problem is a mistake in an object, or something that cannot be served as
// written. It is a value: the status writer, the admission webhook and
// `shockwave check` show it and decide nothing again.
type Problem struct {
	Object ObjectRef
	// Reason is one CamelCase word, fit for an Event.
	Reason string
	// Message is a sentence for the object's author.
	Message string
}

func (p Problem) String() string {
	where := p.Object.String()
	if p.Object.File != "" {
		where = fmt.Sprintf("%s:%d: %s", p.Object.File, p.Object.Line, where)
	}
	return where + "  " + p.Reason + "  " + p.Message
}

// Excerpt shortens a text that a message repeats to some 80 bytes: an object's
// author decides how long it is.
func Excerpt(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// The reasons of Problems.
const (
	// ReasonParse is a file or document that cannot be read.
	ReasonParse = "ParseError"
	// ReasonUnknownAnnotation is a name of ours that does not exist.
	ReasonUnknownAnnotation = "UnknownAnnotation"
	// ReasonUnsupportedAnnotation is a name that has no effect here.
	ReasonUnsupportedAnnotation = "UnsupportedAnnotation"
	// ReasonNoEffect is a setting that has no effect without another one.
	ReasonNoEffect = "NoEffect"
	// ReasonInvalidValue is a value that does not parse; it changes nothing.
	ReasonInvalidValue = "InvalidValue"
	// ReasonDenied is a protecting setting that cannot be honoured: the
	// paths it protects answer 503.
	ReasonDenied = "Denied"
	// ReasonPathConflict is a host and path that an older Ingress has.
	ReasonPathConflict = "PathConflict"
	// ReasonCanary is a canary, or a path of one, that gets no requests.
	ReasonCanary = "Canary"
	// ReasonTLSConflict is a host whose certificate, or other settings of TLS,
	// an older Ingress chose.
	ReasonTLSConflict = "TLSConflict"
	// ReasonInvalidPath is a path that cannot be matched.
	ReasonInvalidPath = "InvalidPath"
	// ReasonLiteralPath is a path that looks like a regular expression and is served
	// as it is written.
	ReasonLiteralPath = "LiteralPath"
	// ReasonInvalidHost is a host that cannot be matched.
	ReasonInvalidHost = "InvalidHost"
	// ReasonServiceNotFound is a backend whose Service does not exist.
	ReasonServiceNotFound = "ServiceNotFound"
	// ReasonPortNotFound is a backend whose Service lacks the port.
	ReasonPortNotFound = "PortNotFound"
	// ReasonUnsupportedBackend is a backend that is not a Service.
	ReasonUnsupportedBackend = "UnsupportedBackend"
	// ReasonSecretNotFound is a TLS Secret that does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonConfigMapNotFound is a ConfigMap that another one names and that does not
	// exist.
	ReasonConfigMapNotFound = "ConfigMapNotFound"
	// ReasonNoBackend is an Ingress, or a host of one, that nothing serves.
	ReasonNoBackend = "NoBackend"
	// ReasonExternalNameRefused is a Service of type ExternalName whose name
	// must not be proxied to.
	ReasonExternalNameRefused = "ExternalNameRefused"
	// ReasonPortConflict is a port of a TCP or UDP service that cannot be listened
	// on.
	ReasonPortConflict = "PortConflict"
	// ReasonUnknownSetting is a key of the controller's ConfigMap that does
	// not exist.
	ReasonUnknownSetting = "UnknownSetting"
	// ReasonUnsupportedSetting is a setting of a ConfigMap, IngressClass or
	// ListenerConfig that has no effect here.
	ReasonUnsupportedSetting = "UnsupportedSetting"
	// ReasonListenerConfigNotFound is an IngressClass whose ListenerConfig
	// does not exist.
	ReasonListenerConfigNotFound = "ListenerConfigNotFound"
	// ReasonCertificateExpired is a certificate that is served although its
	// time is over or has not come.
	ReasonCertificateExpired = "CertificateExpired"
	// ReasonInvalidSecret is a TLS Secret without a usable key pair, or one
	// whose certificate does not cover the host.
	ReasonInvalidSecret = "InvalidSecret"
)
