package snapshot

import (
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// passthrough are the upstreams of hosts whose TLS connections are handed on as they
// are, by the host's name.
type passthrough map[string]*upstream.Upstream

// connectPassthrough finds the upstreams of hosts that are passed through. upstreams
// are those of s.Config, in their order.
func (s *Snapshot) connectPassthrough(upstreams []*upstream.Upstream) {
	for i := range s.Config.Hosts {
		h := &s.Config.Hosts[i]
		if h.Passthrough.IsZero() {
			continue
		}
		if s.passthrough == nil {
			s.passthrough = make(passthrough)
		}
		at, _ := findUpstream(s.Config, h.Passthrough)
		s.passthrough[h.Name] = upstreams[at]
		for _, a := range h.Aliases {
			s.passthrough[a.Name] = upstreams[at]
		}
	}
	if s.passthrough == nil {
		return
	}
	// Other aliases decide before wildcards that are passed through.
	for i := range s.Config.Hosts {
		for _, a := range s.Config.Hosts[i].Aliases {
			if _, ok := s.passthrough[a.Name]; !ok {
				s.passthrough[a.Name] = nil
			}
		}
	}
}

// checkPassthrough makes sure that connectPassthrough finds each upstream.
func (s *Snapshot) checkPassthrough() error {
	for i := range s.Config.Hosts {
		h := &s.Config.Hosts[i]
		if _, ok := findUpstream(s.Config, h.Passthrough); !ok && !h.Passthrough.IsZero() {
			return errNoUpstream(h.Passthrough)
		}
	}
	return nil
}

// Passthrough returns the upstream that gets the TLS connections for a server name
// as they are, nil when they end here. A host of that very name decides before the
// wildcard for its first label.
func (s *Snapshot) Passthrough(serverName string) *upstream.Upstream {
	if len(s.passthrough) == 0 {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(serverName, "."))
	if up, ok := s.passthrough[name]; ok {
		return up
	}
	first, rest, ok := strings.Cut(name, ".")
	if !ok || first == "" || s.hasHost(name) {
		return nil
	}
	return s.passthrough["*."+rest]
}

// hasHost tells whether there is a host of that very name.
func (s *Snapshot) hasHost(name string) bool {
	_, found := slices.BinarySearchFunc(s.Config.Hosts, name, func(h model.Host, name string) int {
		return strings.Compare(h.Name, name)
	})
	return found
}

// PassesThrough tells whether any host is passed through.
func (s *Snapshot) PassesThrough() bool { return len(s.passthrough) > 0 }
