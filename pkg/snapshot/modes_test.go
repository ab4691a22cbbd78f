package snapshot

import (
	"os"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// TestModesHaveOneSetOfNames: the names of the allocation modes stand in packages
// that must not know each other, and each of them can be compiled.
func TestModesHaveOneSetOfNames(t *testing.T) {
	var ofModel []string
	for _, m := range model.AllocationModes {
		ofModel = append(ofModel, string(m))
	}
	if !slices.Equal(ofModel, alloc.Names()) {
		t.Errorf("the model has %v, package alloc %v", ofModel, alloc.Names())
	}
	resource := []string{
		string(v1alpha1.AllocationStandard), string(v1alpha1.AllocationArena), string(v1alpha1.AllocationGreenTea),
	}
	if !slices.Equal(resource, alloc.Names()) {
		t.Errorf("ListenerConfig has %v, package alloc %v", resource, alloc.Names())
	}
	if def := model.AllocationMode(alloc.Built().Default.String()); !def.Known() {
		t.Errorf("the default mode %s is not in the model", def)
	}
}

// The schema of ListenerConfig accepts the same names.
func TestModesOfTheSchema(t *testing.T) {
	text, err := os.ReadFile("../../config/crd/shockwave.dev_listenerconfigs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema schemaNode }
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	got := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["allocationMode"].Enum
	if !slices.Equal(got, alloc.Names()) {
		t.Errorf("the schema has %v, package alloc %v", got, alloc.Names())
	}
}

// schemaNode is what the test reads of a schema.
type schemaNode struct {
	Properties map[string]schemaNode
	Enum       []string
}
