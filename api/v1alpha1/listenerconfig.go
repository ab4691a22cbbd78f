package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ListenerConfigKind is the kind of ListenerConfig, as
// IngressClass.spec.parameters names it.
const ListenerConfigKind = "ListenerConfig"

// ListenerConfig sets how a Shockwave process treats its downstream
// connections. An IngressClass refers to it in spec.parameters; the class named
// by --ingress-class decides for the whole process.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=lc,categories=shockwave
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.allocationMode`,description="Allocation mode of connections; empty is the process's default"
// +kubebuilder:printcolumn:name="Connections",type=integer,JSONPath=`.status.connections`,description="Connections open when the status was last written"
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`,description="Whether the settings are in force"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ListenerConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +optional
	Spec ListenerConfigSpec `json:"spec,omitempty"`
	// status is what was found, written by the leading replica.
	// +optional
	Status ListenerConfigStatus `json:"status,omitempty"`
}

// ListenerConfigList is a list of ListenerConfigs.
//
// +kubebuilder:object:root=true
type ListenerConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ListenerConfig `json:"items"`
}

// AllocationMode is where the memory of connections and exchanges comes from.
//
// +kubebuilder:validation:Enum=standard;arena;greentea
type AllocationMode string

// The allocation modes.
const (
	AllocationStandard AllocationMode = "standard"
	AllocationArena    AllocationMode = "arena"
	AllocationGreenTea AllocationMode = "greentea"
)

// ListenerConfigSpec holds the settings of downstream connections. All are
// optional. Durations are Go's, in h, m, s and ms.
//
// +kubebuilder:validation:XValidation:rule="!has(self.keepAliveTimeout) || (duration(self.keepAliveTimeout) >= duration('0s') && duration(self.keepAliveTimeout) <= duration('24h'))",message="keepAliveTimeout must be between 0s (keep-alive off) and 24h"
// +kubebuilder:validation:XValidation:rule="!has(self.headerTimeout) || (duration(self.headerTimeout) >= duration('100ms') && duration(self.headerTimeout) <= duration('1h'))",message="headerTimeout must be between 100ms and 1h"
// +kubebuilder:validation:XValidation:rule="!has(self.bodyTimeout) || (duration(self.bodyTimeout) >= duration('100ms') && duration(self.bodyTimeout) <= duration('1h'))",message="bodyTimeout must be between 100ms and 1h"
// +kubebuilder:validation:XValidation:rule="!has(self.proxyHeaderTimeout) || (duration(self.proxyHeaderTimeout) >= duration('100ms') && duration(self.proxyHeaderTimeout) <= duration('1m'))",message="proxyHeaderTimeout must be between 100ms and 1m"
type ListenerConfigSpec struct {
	// allocationMode governs the memory of connections (read and write
	// buffers, request heads) and is the default of Ingresses.
	// +optional
	AllocationMode *AllocationMode `json:"allocationMode,omitempty"`
	// keepAliveTimeout closes a connection that was idle for so long, such as
	// 75s. 0s turns keep-alive off.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	KeepAliveTimeout *metav1.Duration `json:"keepAliveTimeout,omitempty"`
	// keepAliveRequests is how many requests a connection may carry.
	// +optional
	// +kubebuilder:validation:Minimum=1
	KeepAliveRequests *int32 `json:"keepAliveRequests,omitempty"`
	// maxConnections bounds open connections. 0 means no limit of its own: a
	// quarter of the process's file descriptors is always kept for upstreams.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MaxConnections *int32 `json:"maxConnections,omitempty"`
	// headerTimeout bounds the time from the first byte of a request head to
	// its last.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	HeaderTimeout *metav1.Duration `json:"headerTimeout,omitempty"`
	// bodyTimeout bounds the gap between two reads of a request body.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	BodyTimeout *metav1.Duration `json:"bodyTimeout,omitempty"`
	// maxHeaderBytes bounds one request head, in bytes.
	// +optional
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=1048576
	MaxHeaderBytes *int32 `json:"maxHeaderBytes,omitempty"`
	// http2 offers HTTP/2 to clients.
	// +optional
	HTTP2 *bool `json:"http2,omitempty"`
	// http2Streams is how many requests a connection of HTTP/2 may have open.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	HTTP2Streams *int32 `json:"http2Streams,omitempty"`
	// proxyProtocol expects each connection to begin with a PROXY header, which
	// tells the client's address.
	// +optional
	ProxyProtocol *bool `json:"proxyProtocol,omitempty"`
	// proxyHeaderTimeout bounds the time in which a PROXY header must have come.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	ProxyHeaderTimeout *metav1.Duration `json:"proxyHeaderTimeout,omitempty"`
	// trustedProxies are the networks and addresses whose PROXY headers are
	// believed, such as 10.0.0.0/8. That of another peer is read and not believed.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:Pattern=`^[0-9a-fA-F:.]+(/[0-9]{1,3})?$`
	TrustedProxies []string `json:"trustedProxies,omitempty"`
}

// Condition types of a ListenerConfig.
const (
	// ConditionAccepted is true when the settings are valid and an
	// IngressClass of this controller refers to them.
	ConditionAccepted = "Accepted"
	// ConditionProgrammed is true when the settings are in force.
	ConditionProgrammed = "Programmed"
)

// ListenerConfigStatus is what became of a ListenerConfig.
type ListenerConfigStatus struct {
	// conditions are Accepted and Programmed.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// connections is how many downstream connections the leading replica had
	// open when the status was last written.
	// +optional
	Connections *int32 `json:"connections,omitempty"`
}
