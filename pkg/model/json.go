package model

import "encoding/json"

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
		Authorities        []Authority   `json:"authorities,omitempty"`
		Users              []UserList    `json:"users,omitempty"`
		Streams            []Stream      `json:"streams,omitempty"`
		TLSNames           []TLSName     `json:"tlsNames,omitempty"`
		DefaultCertificate string        `json:"defaultCertificate,omitempty"`
		Listener           Listener      `json:"listener"`
		Unrouted           object        `json:"unrouted,omitempty"`
	}{orEmpty(c.Hosts), orEmpty(c.Upstreams), orEmpty(c.Certificates), c.Authorities, c.Users, c.Streams, c.TLSNames, c.DefaultCertificate, c.Listener, c.Unrouted.asked()})
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
		Secured     bool    `json:"secured,omitempty"`
		Aliases     []Alias `json:"aliases,omitempty"`
		TLS         HostTLS `json:"tls,omitzero"`
		Passthrough string  `json:"passthrough,omitempty"`
		Routes      []Route `json:"routes"`
		Fallback    *Route  `json:"fallback,omitempty"`
	}{h.Name, h.Certificate, h.Secured, h.Aliases, h.TLS, h.Passthrough.text(), orEmpty(h.Routes), h.Fallback})
}

// MarshalJSON gives the JSON form of a.
func (a Alias) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string `json:"name"`
		Certificate string `json:"certificate,omitempty"`
		Secured     bool   `json:"secured,omitempty"`
	}{a.Name, a.Certificate, a.Secured})
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
	branches, none := r.Branches.Branches(), new(Branches)
	return json.Marshal(struct {
		Path     string    `json:"path,omitempty"`
		Match    string    `json:"match,omitempty"`
		Upstream string    `json:"upstream,omitempty"`
		Answer   int       `json:"answer,omitempty"`
		Ingress  ObjectRef `json:"ingress,omitzero"`
		Options  Options   `json:"options"`
		Branches object    `json:"branches,omitempty"`
		Denied   string    `json:"denied,omitempty"`
	}{r.Path, match, r.Upstream.text(), r.Answer, r.Ingress, r.Options, changed(branches.settings(), none.settings()), r.Denied})
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
		Settings     object `json:"settings"`
	}{u.Key.text(), u.ExternalName, u.ExternalPort, u.settings()})
}

// MarshalJSON gives the JSON form of o. Of the filters' settings it has those that ask
// for something.
func (o Options) MarshalJSON() ([]byte, error) {
	list := append([]setting{
		{"profile", string(o.Profile)},
		{"allocation-mode", string(o.AllocationMode)}, {"allocation-mode-from", o.AllocationModeFrom},
	}, o.settings()...)
	return json.Marshal(object(append(list, o.Filters.asked()...)))
}

// asked lists the settings that ask for something.
func (s FilterSet) asked() object {
	filters, none := s.Filters(), Filters{}
	return changed(filters.settings(), none.settings())
}

// MarshalJSON gives the JSON form of s.
func (s Listener) MarshalJSON() ([]byte, error) {
	return json.Marshal(object(append([]setting{
		{"profile", string(s.Profile)},
		{"allocation-mode", string(s.AllocationMode)}, {"allocation-mode-from", s.AllocationModeFrom},
	}, s.settings()...)))
}

// MarshalJSON gives the JSON form of t.
func (t HostTLS) MarshalJSON() ([]byte, error) { return json.Marshal(object(t.settings())) }

// MarshalJSON gives the JSON form of s.
func (s Stream) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string    `json:"name"`
		Upstream    string    `json:"upstream,omitempty"`
		AcceptProxy bool      `json:"acceptProxy,omitempty"`
		SendProxy   bool      `json:"sendProxy,omitempty"`
		Source      ObjectRef `json:"source,omitzero"`
		Settings    object    `json:"settings"`
	}{s.Name(), s.Upstream.text(), s.AcceptProxy, s.SendProxy, s.Source, s.settings()})
}

// MarshalJSON gives the name and the fingerprint of a.
func (a Authority) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string `json:"name"`
		Fingerprint string `json:"sha256"`
	}{a.Name, fingerprint(a.Certificates)})
}

// MarshalJSON gives the name and the fingerprint of u.
func (u UserList) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name        string `json:"name"`
		Fingerprint string `json:"sha256"`
	}{u.Name, u.fingerprint()})
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
		Weight  uint16 `json:"weight,omitempty"`
	}{e.Addr.String(), e.Pod, e.Weight})
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
