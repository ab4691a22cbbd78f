package translate

import (
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// weightAnnotation gives the endpoints of an EndpointSlice their weight.
const weightAnnotation = annotation.Prefix + "/weight"

// weightOf returns the weight of a slice's endpoints, 0 for none. A value that is
// no whole number from 1 to 100 counts for none: most slices are made by
// controllers, and there is no author to tell.
func weightOf(s *discoveryv1.EndpointSlice) uint16 {
	text := s.Annotations[weightAnnotation]
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < 1 || n > 100 {
		return 0
	}
	return uint16(n)
}

// preferred are the endpoints that the hints of EndpointSlices mean for a zone.
type preferred struct {
	zone string
	list []model.Endpoint
	// without tells that an endpoint had no hints.
	without bool
}

// add adds an endpoint that is ready. Others are given no hints by Kubernetes, and
// must not decide.
func (p *preferred) add(endpoint *discoveryv1.Endpoint, port, weight uint16) {
	switch {
	case p.zone == "" || p.without:
	case endpoint.Hints == nil || len(endpoint.Hints.ForZones) == 0:
		p.without = true
	case isFor(endpoint.Hints, p.zone):
		p.list = appendAddresses(p.list, endpoint, port, weight)
	}
}

// counts tells whether the hints are to be followed: every endpoint has some, and
// the zone is among them (IN: internal/ingress/controller/endpointslices.go).
func (p *preferred) counts() bool { return !p.without && len(p.list) > 0 }

func isFor(hints *discoveryv1.EndpointHints, zone string) bool {
	for i := range hints.ForZones {
		if hints.ForZones[i].Name == zone {
			return true
		}
	}
	return false
}
