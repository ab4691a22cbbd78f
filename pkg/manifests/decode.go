package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kjson "sigs.k8s.io/json"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// maxListDepth bounds Lists within Lists.
const maxListDepth = 8

// kind is one kind of object that the controller uses.
type kind struct {
	schema.GroupVersionKind
	namespaced bool
	new        func() client.Object
}

var kinds = []kind{
	{corev1.SchemeGroupVersion.WithKind("Service"), true, func() client.Object { return new(corev1.Service) }},
	{corev1.SchemeGroupVersion.WithKind("Secret"), true, func() client.Object { return new(corev1.Secret) }},
	{corev1.SchemeGroupVersion.WithKind("ConfigMap"), true, func() client.Object { return new(corev1.ConfigMap) }},
	{networkingv1.SchemeGroupVersion.WithKind("Ingress"), true, func() client.Object { return new(networkingv1.Ingress) }},
	{networkingv1.SchemeGroupVersion.WithKind("IngressClass"), false, func() client.Object { return new(networkingv1.IngressClass) }},
	{discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"), true, func() client.Object { return new(discoveryv1.EndpointSlice) }},
	{v1alpha1.GroupVersion.WithKind(v1alpha1.ListenerConfigKind), false, func() client.Object { return new(v1alpha1.ListenerConfig) }},
}

// object is one object and where it stands.
type object struct {
	kind   string
	line   int
	object client.Object
}

// content is what a file holds.
type content struct {
	objects  []object
	problems []model.Problem
	// ignored are the kinds of documents that the controller does not use.
	ignored []string
	// broken tells that a part of the file could not be read.
	broken bool
	// kept tells that objects are those of an earlier state of the file.
	kept bool
}

// decodeFile reads all documents of a file. name is used in Problems and
// chooses the format.
func decodeFile(name string, data []byte) content {
	d := decoder{name: name}
	docs, err := split(name, data)
	for i := range docs {
		if docs[i].skipComments() {
			d.document(&docs[i])
		}
	}
	if err != nil {
		d.fail(0, err)
	}
	return d.content
}

type decoder struct {
	content
	name string
}

// fail notes a document that cannot be used. An err that knows its line
// overrides line.
func (d *decoder) fail(line int, err error) {
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		line = syntax.line
	}
	d.broken = true
	problem := parseProblem(d.name, line, sentence(err.Error()))
	if errors.Is(err, errNoObject) {
		problem.Reason = ReasonNoObject
	}
	d.problems = append(d.problems, problem)
}

// errNoObject is a document that has nothing to do with Kubernetes.
var errNoObject = errors.New("the document is not an object with apiVersion and kind")

func parseProblem(file string, line int, message string) model.Problem {
	return model.Problem{
		Object:  model.ObjectRef{Kind: "File", Name: file, File: file, Line: line},
		Reason:  model.ReasonParse,
		Message: message,
	}
}

func sentence(s string) string {
	return strings.TrimSuffix(strings.ReplaceAll(s, "\n", " "), ".") + "."
}

func (d *decoder) document(doc *document) {
	raw, err := doc.toJSON()
	if err != nil {
		d.fail(doc.line, err)
		return
	}
	d.value(raw, doc.line, doc.itemLines, 0)
}

// value reads one object or List. itemLines gives the lines of a List's items.
func (d *decoder) value(raw []byte, line int, itemLines func() []int, depth int) {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Items           []json.RawMessage `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &head); err != nil {
		d.fail(line, err)
		return
	}
	if head.APIVersion == "" || head.Kind == "" {
		err := errNoObject
		if slices.ContainsFunc(kinds, func(k kind) bool { return k.Kind == head.Kind }) {
			err = errors.New("the document has no apiVersion")
		}
		d.fail(line, err)
		return
	}
	gvk := schema.FromAPIVersionAndKind(head.APIVersion, head.Kind)
	if isList(gvk) {
		if depth == maxListDepth {
			d.fail(line, errors.New("lists are nested too deeply"))
			return
		}
		d.items(gvk, head.Items, line, itemLines, depth)
		return
	}
	k := slices.IndexFunc(kinds, func(k kind) bool { return k.GroupVersionKind == gvk })
	if k < 0 {
		d.unused(gvk, line)
		return
	}
	d.object(kinds[k], raw, line)
}

// isList tells whether gvk is v1 List or the list kind of a kind in use.
func isList(gvk schema.GroupVersionKind) bool {
	if gvk.Version == "v1" && gvk.Group == "" && gvk.Kind == "List" {
		return true
	}
	return slices.ContainsFunc(kinds, func(k kind) bool {
		return k.GroupVersion() == gvk.GroupVersion() && k.Kind+"List" == gvk.Kind
	})
}

func (d *decoder) items(list schema.GroupVersionKind, items []json.RawMessage, line int, itemLines func() []int, depth int) {
	var lines []int
	if itemLines != nil {
		lines = itemLines()
	}
	for i, item := range items {
		at := line
		if i < len(lines) {
			at = lines[i]
		}
		if list.Kind != "List" {
			item = withType(item, list)
		}
		d.value(item, at, nil, depth+1)
	}
}

// withType gives an item of a typed list, which may lack them, the apiVersion
// and kind of the list's items.
func withType(item json.RawMessage, list schema.GroupVersionKind) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(item, &fields) != nil || fields == nil {
		return item
	}
	quote := func(s string) json.RawMessage { return json.RawMessage(`"` + s + `"`) }
	if _, ok := fields["apiVersion"]; !ok {
		fields["apiVersion"] = quote(list.GroupVersion().String())
	}
	if _, ok := fields["kind"]; !ok {
		fields["kind"] = quote(strings.TrimSuffix(list.Kind, "List"))
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return item
	}
	return out
}

// unused notes a kind that the controller does not use. An old or misspelt
// version of one that it does use is a mistake, and not only beside the point.
func (d *decoder) unused(gvk schema.GroupVersionKind, line int) {
	for _, k := range kinds {
		if k.Kind != gvk.Kind || (gvk.Group != k.Group && gvk.Group != "extensions") {
			continue
		}
		d.fail(line, fmt.Errorf("%s of %s is not served by Kubernetes any more: write apiVersion %s",
			gvk.Kind, gvk.GroupVersion(), k.GroupVersion()))
		return
	}
	d.ignored = append(d.ignored, gvk.GroupVersion().String()+" "+gvk.Kind)
}

func (d *decoder) object(k kind, raw []byte, line int) {
	obj := k.new()
	strict, err := kjson.UnmarshalStrict(raw, obj)
	if err != nil {
		d.fail(line, fmt.Errorf("%s: %w", k.Kind, err))
		return
	}
	if err := checkMeta(k, obj); err != nil {
		d.fail(line, fmt.Errorf("%s: %w", k.Kind, err))
		return
	}
	if len(strict) > 0 {
		d.problems = append(d.problems, model.Problem{
			Object: model.ObjectRef{Kind: k.Kind, Namespace: obj.GetNamespace(), Name: obj.GetName(), File: d.name, Line: line},
			Reason: ReasonUnknownField,
			Message: sentence("the object is used, but a part of it has no effect: " +
				errors.Join(strict...).Error()),
		})
	}
	obj.GetObjectKind().SetGroupVersionKind(k.GroupVersionKind)
	obj.SetManagedFields(nil)
	setIdentity(k, obj, raw)
	setDefaults(obj)
	d.objects = append(d.objects, object{kind: k.Kind, line: line, object: obj})
}

// checkMeta sets the namespace that kubectl would and checks the names, as the
// rest of the program relies on them.
func checkMeta(k kind, obj client.Object) error {
	switch {
	case !k.namespaced:
		obj.SetNamespace("")
	case obj.GetNamespace() == "":
		obj.SetNamespace(metav1.NamespaceDefault)
	}
	if obj.GetName() == "" {
		return errors.New("metadata.name is missing")
	}
	if msgs := apivalidation.NameIsDNSSubdomain(obj.GetName(), false); len(msgs) > 0 {
		return fmt.Errorf("metadata.name %q: %s", obj.GetName(), msgs[0])
	}
	if k.namespaced {
		if msgs := apivalidation.ValidateNamespaceName(obj.GetNamespace(), false); len(msgs) > 0 {
			return fmt.Errorf("metadata.namespace %q: %s", obj.GetNamespace(), msgs[0])
		}
	}
	return nil
}

// setIdentity gives an object what an API server would, so that a reader can
// tell one version of it from another: a UID made of its name and a resource
// version made of its content.
func setIdentity(k kind, obj client.Object, raw []byte) {
	if obj.GetUID() == "" {
		obj.SetUID(types.UID("manifest:" + k.Kind + "/" + obj.GetNamespace() + "/" + obj.GetName()))
	}
	sum := sha256.Sum256(raw)
	obj.SetResourceVersion(hex.EncodeToString(sum[:8]))
}

func keyOf(o object) translate.ObjectKey {
	return translate.ObjectKey{Kind: o.kind, NamespacedName: client.ObjectKeyFromObject(o.object)}
}
