package status

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// The reasons of conditions.
const (
	reasonAccepted      = "Accepted"
	reasonProgrammed    = "Programmed"
	reasonInvalid       = "Invalid"
	reasonIgnored       = "Ignored"
	reasonNotReferenced = "NotReferenced"
	reasonFailed        = "PublishFailed"
)

// verdict is what is to be said of a ListenerConfig.
type verdict struct {
	accepted, programmed bool
	// reason and message are of what is not as it should be; of the two
	// conditions the true one has its own name for a reason.
	reason, message string
}

// listenerWrites returns the ListenerConfigs whose conditions, or number of
// connections once a minute, are out of date.
func (w *Writer) listenerWrites(seen *observation, l *ledger) []write {
	count := l.count
	l.count = false
	inForce := translate.ListenerConfigInForce(seen.objs, w.options.Settings)
	var due []write
	for _, c := range seen.objs.ListenerConfigs {
		v, ok := w.judge(c, c == inForce, seen)
		if !ok {
			continue
		}
		status := c.Status.DeepCopy()
		v.apply(&status.Conditions, c.Generation)
		conditionsDiffer := !equality.Semantic.DeepEqual(status.Conditions, c.Status.Conditions)
		if c == inForce && w.options.Connections != nil && (count || conditionsDiffer || status.Connections == nil) {
			status.Connections = new(int32(min(w.options.Connections(), 1<<31-1)))
		}
		if c != inForce {
			status.Connections = nil
		}
		if equality.Semantic.DeepEqual(*status, c.Status) {
			continue
		}
		due = append(due, write{
			key:     v1alpha1.ListenerConfigKind + " " + c.Name,
			version: c.ResourceVersion,
			do: func(ctx context.Context) error {
				patch, err := statusPatch(c.ResourceVersion, map[string]any{
					"conditions": status.Conditions, "connections": status.Connections,
				})
				if err != nil {
					return err
				}
				_, err = w.dynamic.Resource(v1alpha1.GroupVersion.WithResource("listenerconfigs")).
					Patch(ctx, c.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
				return err
			},
		})
	}
	return due
}

// judge says what is to be said of c. ok is false when that is not our
// business: another controller's class refers to it, or none does and nobody
// has said otherwise.
func (w *Writer) judge(c *v1alpha1.ListenerConfig, inForce bool, seen *observation) (v verdict, ok bool) {
	if inForce {
		broken := slices.IndexFunc(seen.problems, func(p model.Problem) bool {
			return p.Object.Kind == v1alpha1.ListenerConfigKind && p.Object.Name == c.Name
		})
		switch {
		case broken >= 0:
			return verdict{reason: reasonInvalid, message: seen.problems[broken].Message}, true
		case seen.err != nil:
			return verdict{accepted: true, reason: reasonFailed, message: "The configuration cannot be published; the previous one stays in use."}, true
		}
		return verdict{accepted: true, programmed: true, message: "The settings are in force."}, true
	}
	class, ours := w.referrer(c, seen.objs)
	switch {
	case class != "" && ours:
		return verdict{reason: reasonIgnored, message: "IngressClass " + class + " refers to it, but listeners are set by the class " +
			w.options.Settings.IngressClass + "."}, true
	case class == "" && len(c.Status.Conditions) > 0:
		return verdict{reason: reasonNotReferenced, message: "No IngressClass refers to it."}, true
	}
	return verdict{}, false
}

// referrer returns an IngressClass that refers to c, one of ours if there is
// one.
func (w *Writer) referrer(c *v1alpha1.ListenerConfig, objs *translate.Objects) (name string, ours bool) {
	for _, class := range objs.IngressClasses {
		p := class.Spec.Parameters
		if p == nil || p.APIGroup == nil || *p.APIGroup != v1alpha1.GroupVersion.Group ||
			p.Kind != v1alpha1.ListenerConfigKind || p.Name != c.Name {
			continue
		}
		s := w.options.Settings
		if class.Spec.Controller == s.ControllerClass || s.IngressClassByName && class.Name == s.IngressClass {
			return class.Name, true
		}
		name = class.Name
	}
	return name, false
}

func (v verdict) apply(conditions *[]metav1.Condition, generation int64) {
	set := func(kind, reason string, ok bool) {
		c := metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: v.message, ObservedGeneration: generation}
		if !ok {
			c.Status, c.Reason = metav1.ConditionFalse, v.reason
		}
		meta.SetStatusCondition(conditions, c)
	}
	set(v1alpha1.ConditionAccepted, reasonAccepted, v.accepted)
	set(v1alpha1.ConditionProgrammed, reasonProgrammed, v.programmed)
}
