package status

import (
	"cmp"
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

type address = networkingv1.IngressLoadBalancerIngress

// addressesOf returns what an Ingress published by a Service gets
// (ingress-nginx: internal/ingress/status/status.go, statusAddressFromService):
// the load balancer's addresses with their ports and the external IPs; for the
// other types the external name, the external IPs or the cluster IP.
func addressesOf(s *corev1.Service) []address {
	var all []address
	switch s.Spec.Type {
	case corev1.ServiceTypeExternalName:
		all = append(all, address{Hostname: s.Spec.ExternalName})
	case corev1.ServiceTypeLoadBalancer:
		for _, from := range s.Status.LoadBalancer.Ingress {
			to := address{IP: from.IP, Hostname: from.Hostname}
			for _, p := range from.Ports {
				to.Ports = append(to.Ports, networkingv1.IngressPortStatus{Port: p.Port, Protocol: p.Protocol, Error: p.Error})
			}
			all = append(all, to)
		}
		all = append(all, ips(s.Spec.ExternalIPs)...)
	case corev1.ServiceTypeNodePort:
		all = ips(s.Spec.ExternalIPs)
		if len(all) == 0 {
			all = ips([]string{s.Spec.ClusterIP})
		}
	default:
		all = ips([]string{s.Spec.ClusterIP})
	}
	return tidy(all)
}

func ips(list []string) []address {
	var all []address
	for _, ip := range list {
		if ip != "" && ip != corev1.ClusterIPNone {
			all = append(all, address{IP: ip})
		}
	}
	return all
}

// given returns the addresses of --publish-status-address.
func given(list []string) []address {
	var all []address
	for _, text := range list {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if _, err := netip.ParseAddr(text); err == nil {
			all = append(all, address{IP: text})
		} else {
			all = append(all, address{Hostname: text})
		}
	}
	return tidy(all)
}

// tidy sorts addresses and drops an address that is there already, whether with
// ports or without.
func tidy(all []address) []address {
	compare := func(a, b address) int {
		return cmp.Or(cmp.Compare(a.IP, b.IP), cmp.Compare(a.Hostname, b.Hostname))
	}
	slices.SortStableFunc(all, compare)
	return slices.CompactFunc(all, func(a, b address) bool { return compare(a, b) == 0 })
}

// addresses returns what our Ingresses should show. known is false when that
// cannot be told, and nothing is to be written.
func (w *Writer) addresses(objs *translate.Objects) (list []address, known bool) {
	if len(w.options.Addresses) > 0 {
		return given(w.options.Addresses), true
	}
	if w.options.PublishService.Name == "" {
		return nil, false
	}
	for _, s := range objs.Services {
		if s.Namespace == w.options.PublishService.Namespace && s.Name == w.options.PublishService.Name {
			return addressesOf(s), true
		}
	}
	return nil, false
}

// addressWrites returns the Ingresses whose addresses are out of date: those
// of ours, and those that were ours in the last pass and still show what we
// wrote. The latter are cleared only then, as another controller may have
// written its own by now.
func (w *Writer) addressWrites(seen *observation, l *ledger) []write {
	if !w.options.UpdateStatus {
		return nil
	}
	want, known := w.addresses(seen.objs)
	if !known {
		return nil
	}
	var due []write
	ours := make(map[types.UID]struct{})
	for _, ing := range translate.Ours(seen.objs, w.options.Settings) {
		ours[ing.UID] = struct{}{}
		if !sameAddresses(ing.Status.LoadBalancer.Ingress, want) {
			due = append(due, w.addressWrite(ing, want))
		}
	}
	next := ours
	for _, ing := range seen.objs.Ingresses {
		_, is := ours[ing.UID]
		_, was := l.ours[ing.UID]
		if was && !is && len(want) > 0 && sameAddresses(ing.Status.LoadBalancer.Ingress, want) {
			due = append(due, w.addressWrite(ing, nil))
			next[ing.UID] = struct{}{} // until that has been observed
		}
	}
	l.ours = next
	return due
}

func sameAddresses(a, b []address) bool {
	return len(a) == 0 && len(b) == 0 || equality.Semantic.DeepEqual(a, b)
}

func (w *Writer) addressWrite(ing *networkingv1.Ingress, want []address) write {
	return write{
		key:     "Ingress " + ing.Namespace + "/" + ing.Name,
		version: ing.ResourceVersion,
		do:      func(ctx context.Context) error { return w.setAddresses(ctx, ing, want) },
	}
}

// setAddresses writes the addresses of the Ingress that was observed, and of no
// later version of it.
func (w *Writer) setAddresses(ctx context.Context, ing *networkingv1.Ingress, want []address) error {
	patch, err := statusPatch(ing.ResourceVersion, map[string]any{"loadBalancer": map[string]any{"ingress": want}})
	if err != nil {
		return err
	}
	_, err = w.ingresses.Ingresses(ing.Namespace).Patch(ctx, ing.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// statusPatch is a merge patch (RFC 7396) of the status of one version of an
// object. A nil list removes what was there.
func statusPatch(version string, status any) ([]byte, error) {
	return json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": version},
		"status":   status,
	})
}

// clear removes the addresses when the last replica ends.
func (w *Writer) clear(ctx context.Context) {
	seen := w.observed()
	if seen == nil || !w.options.UpdateStatus || !w.options.ClearOnShutdown || len(w.options.Addresses) > 0 || w.othersServe(seen.objs) {
		return
	}
	want, known := w.addresses(seen.objs)
	if !known || len(want) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	var due []write
	for _, ing := range translate.Ours(seen.objs, w.options.Settings) {
		if sameAddresses(ing.Status.LoadBalancer.Ingress, want) {
			due = append(due, w.addressWrite(ing, nil))
		}
	}
	failed := 0
	for _, err := range w.do(ctx, due) {
		if err != nil {
			failed++
		}
	}
	w.log.Info("this is the last replica: addresses removed from the status of Ingresses", "ingresses", len(due)-failed, "failed", failed)
}

// othersServe tells whether the published Service has a ready endpoint other
// than this replica.
func (w *Writer) othersServe(objs *translate.Objects) bool {
	for _, slice := range objs.EndpointSlices {
		if slice.Namespace != w.options.PublishService.Namespace || slice.Labels["kubernetes.io/service-name"] != w.options.PublishService.Name {
			continue
		}
		for i := range slice.Endpoints {
			e := &slice.Endpoints[i]
			self := e.TargetRef != nil && e.TargetRef.Name == w.options.PodName
			ready := e.Conditions.Ready == nil || *e.Conditions.Ready
			if ready && !self {
				return true
			}
		}
	}
	return false
}
