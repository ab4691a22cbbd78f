package status

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

const (
	// component is the source of our Events.
	component = "shockwave"
	// tellAgain is when an Event about a Problem that is still there is
	// written again: API servers keep Events for an hour.
	tellAgain = time.Hour
	// maxMessage bounds an Event's message, in bytes.
	maxMessage = 1000
	// budgetWindow and perWindow bound the Events about one object, whose
	// author may change a mistake as often as he likes.
	budgetWindow = 10 * time.Minute
	perWindow    = 25
)

// telling is one Problem as an Event shows it.
type telling struct {
	kind, namespace, name string
	uid                   types.UID
	reason, message       string
}

// budget counts the Events about one object in a window of time.
type budget struct {
	since time.Time
	spent int
}

// eventWrites returns the Events that are missing: one for each object, reason
// and message. Each has a name made of these, so that a new leader does not
// tell again what the last one told. (client-go's recorders are no use here:
// the one merges Events whatever their message, the other makes a new one for
// each leader.)
func (w *Writer) eventWrites(seen *observation, l *ledger, now time.Time) []write {
	current := make(map[telling]struct{}, len(seen.problems))
	var missing []telling
	if len(seen.problems) > 0 {
		identify := identities(seen.objs, seen.problems)
		for _, p := range seen.problems {
			t := telling{
				kind: p.Object.Kind, namespace: p.Object.Namespace, name: p.Object.Name,
				uid: identify[refOf(p)], reason: p.Reason, message: truncate(p.Message, maxMessage),
			}
			if _, again := current[t]; again {
				continue
			}
			current[t] = struct{}{}
			if at, told := l.told[t]; (!told || now.Sub(at) > tellAgain) && knownKind(t.kind) {
				missing = append(missing, t)
			}
		}
	}
	for t := range l.told {
		if _, still := current[t]; !still {
			delete(l.told, t)
		}
	}
	var due []write
	coming := make(map[objectRef]int)
	for _, t := range missing {
		object := objectRef{t.kind, t.namespace, t.name}
		if l.spent(object, now)+coming[object] >= perWindow {
			continue
		}
		coming[object]++
		due = append(due, write{
			key:  t.key(),
			do:   func(ctx context.Context) error { return w.tell(ctx, t, now) },
			done: func() { l.told[t] = now; l.budgets[object].spent++ },
		})
	}
	return due
}

// spent tells how many Events about an object were written in this window.
func (l *ledger) spent(object objectRef, now time.Time) int {
	b := l.budgets[object]
	if b == nil || now.Sub(b.since) > budgetWindow {
		b = &budget{since: now}
		l.budgets[object] = b
	}
	return b.spent
}

// objectRef names an object that a Problem is about.
type objectRef struct{ kind, namespace, name string }

func refOf(p model.Problem) objectRef {
	return objectRef{p.Object.Kind, p.Object.Namespace, p.Object.Name}
}

// identities returns the UIDs of the objects that problems are about, without
// which `kubectl describe` does not show an Event.
func identities(objs *translate.Objects, problems []model.Problem) map[objectRef]types.UID {
	uids := make(map[objectRef]types.UID, len(problems))
	for _, p := range problems {
		uids[refOf(p)] = ""
	}
	note := func(kind string, m *metav1.ObjectMeta) {
		ref := objectRef{kind, m.Namespace, m.Name}
		if _, wanted := uids[ref]; wanted {
			uids[ref] = m.UID
		}
	}
	for _, o := range objs.Ingresses {
		note("Ingress", &o.ObjectMeta)
	}
	for _, o := range objs.IngressClasses {
		note("IngressClass", &o.ObjectMeta)
	}
	for _, o := range objs.Services {
		note("Service", &o.ObjectMeta)
	}
	for _, o := range objs.Secrets {
		note("Secret", &o.ObjectMeta)
	}
	for _, o := range objs.ConfigMaps {
		note("ConfigMap", &o.ObjectMeta)
	}
	for _, o := range objs.ListenerConfigs {
		note(v1alpha1.ListenerConfigKind, &o.ObjectMeta)
	}
	return uids
}

// apiVersions are those of the kinds that Problems can be about.
var apiVersions = map[string]string{
	"Ingress":                   networkingv1.SchemeGroupVersion.String(),
	"IngressClass":              networkingv1.SchemeGroupVersion.String(),
	"Service":                   "v1",
	"Secret":                    "v1",
	"ConfigMap":                 "v1",
	v1alpha1.ListenerConfigKind: v1alpha1.GroupVersion.String(),
}

func knownKind(kind string) bool { return apiVersions[kind] != "" }

// key names the Event: its object and a digest of the rest.
func (t telling) key() string {
	sum := sha256.New()
	for _, part := range []string{t.kind, string(t.uid), t.reason, t.message} {
		sum.Write([]byte(part))
		sum.Write([]byte{0})
	}
	name := t.name[:min(len(t.name), 200)]
	return "Event " + name + "." + hex.EncodeToString(sum.Sum(nil)[:8])
}

// tell writes the Event, or, if there is one already, that it is still so.
func (w *Writer) tell(ctx context.Context, t telling, now time.Time) error {
	namespace := t.namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	name := t.key()[len("Event "):]
	_, err := w.events.Events(namespace).Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: apiVersions[t.kind], Kind: t.kind, Namespace: t.namespace, Name: t.name, UID: t.uid,
		},
		Type:                corev1.EventTypeWarning,
		Reason:              t.reason,
		Message:             t.message,
		Source:              corev1.EventSource{Component: component, Host: w.options.PodName},
		FirstTimestamp:      metav1.NewTime(now),
		LastTimestamp:       metav1.NewTime(now),
		Count:               1,
		ReportingController: component,
		ReportingInstance:   w.options.PodName,
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		var patch []byte
		if patch, err = json.Marshal(map[string]any{"lastTimestamp": metav1.NewTime(now)}); err == nil {
			_, err = w.events.Events(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
		}
	}
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return nil
	}
	return err
}

// truncate cuts s to at most n bytes, between characters.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
