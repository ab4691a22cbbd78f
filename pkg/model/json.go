package model

import (
	"encoding/json"
	"time"
)

// The JSON form is that of `shockwave check -o json` and /configuration. Its names
// are in lower camel case, durations are written as Go does ("1m0s"), and settings
// bear the names of their annotations. Like the printed form it never shows a
// private key.

// MarshalJSON gives the JSON form of c.
func (c *Config) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Hosts              []Host        `json:"hosts"`
		Upstreams          []Upstream    `json:"upstreams"`
		Certificates       []Certificate `json:"certificates"`
		TLSNames           []TLSName     `json:"tlsNames,omitempty"`
		DefaultCertificate string        `json:"defaultCertificate,omitempty"`
		Listener           Listener      `json:"listener"`
	}{orEmpty(c.Hosts), orEmpty(c.Upstreams), orEmpty(c.Certificates), c.TLSNames, c.DefaultCertificate, c.Listener})
}

// orEmpty makes an absent list an empty one, so that it is written as [].
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// MarshalJSON gives the JSON form of h.
func (h Host) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string  `json:"name"`
		Certificate string  `json:"certificate,omitempty"`
		Routes      []Route `json:"routes"`
		Fallback    *Route  `json:"fallback,omitempty"`
	}{h.Name, h.Certificate, orEmpty(h.Routes), h.Fallback})
}

// MarshalJSON gives the JSON form of n.
func (n TLSName) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string `json:"name"`
		Certificate string `json:"certificate"`
	}{n.Name, n.Certificate})
}

// MarshalJSON gives the JSON form of r.
func (r Route) MarshalJSON() ([]byte, error) {
	match := r.Match.String()
	if r.Path == "" {
		match = "" // a fallback
	}
	return json.Marshal(struct {
		Path     string    `json:"path,omitempty"`
		Match    string    `json:"match,omitempty"`
		Upstream string    `json:"upstream,omitempty"`
		Ingress  ObjectRef `json:"ingress,omitzero"`
		Options  Options   `json:"options"`
		Denied   string    `json:"denied,omitempty"`
	}{r.Path, match, r.Upstream.text(), r.Ingress, r.Options, r.Denied})
}

// text is String, but empty for no upstream.
func (k UpstreamKey) text() string {
	if k.IsZero() {
		return ""
	}
	return k.String()
}

// MarshalJSON gives the JSON form of u.
func (u Upstream) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Key          string `json:"key"`
		ExternalName string `json:"externalName,omitempty"`
		ExternalPort uint16 `json:"externalPort,omitempty"`
		Pool         Pool   `json:"pool"`
	}{u.Key.text(), u.ExternalName, u.ExternalPort, u.Pool})
}

// duration is a duration as its text.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// MarshalJSON gives the JSON form of p.
func (p Pool) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		IdleConnections int      `json:"upstream-keepalive-connections"`
		IdleTimeout     duration `json:"upstream-keepalive-timeout"`
		MaxRequests     int      `json:"upstream-keepalive-requests"`
		MaxAge          duration `json:"upstream-keepalive-time"`
	}{p.IdleConnections, duration(p.IdleTimeout), p.MaxRequests, duration(p.MaxAge)})
}

// MarshalJSON gives the JSON form of o.
func (o Options) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		AllocationMode     AllocationMode `json:"allocation-mode"`
		AllocationModeFrom string         `json:"allocation-mode-from"`
		ConnectTimeout     duration       `json:"proxy-connect-timeout"`
		SendTimeout        duration       `json:"proxy-send-timeout"`
		ReadTimeout        duration       `json:"proxy-read-timeout"`
		MaxBodyBytes       int64          `json:"proxy-body-size"`
	}{o.AllocationMode, o.AllocationModeFrom, duration(o.ConnectTimeout), duration(o.SendTimeout), duration(o.ReadTimeout), o.MaxBodyBytes})
}

// MarshalJSON gives the JSON form of s.
func (s Listener) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		AllocationMode     AllocationMode `json:"allocation-mode"`
		AllocationModeFrom string         `json:"allocation-mode-from"`
		KeepAliveTimeout   duration       `json:"keep-alive"`
		KeepAliveRequests  int            `json:"keep-alive-requests"`
		MaxConnections     int            `json:"max-connections"`
		HeaderTimeout      duration       `json:"client-header-timeout"`
		BodyTimeout        duration       `json:"client-body-timeout"`
		MaxHeaderBytes     int            `json:"max-header-bytes"`
	}{s.AllocationMode, s.AllocationModeFrom, duration(s.KeepAliveTimeout), s.KeepAliveRequests, s.MaxConnections,
		duration(s.HeaderTimeout), duration(s.BodyTimeout), s.MaxHeaderBytes})
}

// MarshalJSON gives the name and the fingerprint of c.
func (c Certificate) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string `json:"name"`
		Fingerprint string `json:"sha256"`
	}{c.Name, c.fingerprint()})
}

// MarshalText gives the printed form of k, so that Endpoints can be written.
func (k UpstreamKey) MarshalText() ([]byte, error) { return []byte(k.text()), nil }

// MarshalJSON gives the JSON form of e.
func (e Endpoint) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Address string `json:"address"`
		Pod     string `json:"pod,omitempty"`
	}{e.Addr.String(), e.Pod})
}

// MarshalJSON gives the JSON form of r.
func (r ObjectRef) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind      string `json:"kind,omitempty"`
		Namespace string `json:"namespace,omitempty"`
		Name      string `json:"name,omitempty"`
		File      string `json:"file,omitempty"`
		Line      int    `json:"line,omitempty"`
	}{r.Kind, r.Namespace, r.Name, r.File, r.Line})
}

// MarshalJSON gives the JSON form of p.
func (p Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Object  ObjectRef `json:"object"`
		Reason  string    `json:"reason"`
		Message string    `json:"message"`
	}{p.Object, p.Reason, p.Message})
}
