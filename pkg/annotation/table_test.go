package annotation

import (
	"slices"
	"strings"
	"testing"
)

func TestTableIsComplete(t *testing.T) {
	seen := make(map[string]bool)
	for _, a := range Table {
		if seen[a.Name] {
			t.Errorf("%s stands twice", a.Name)
		}
		seen[a.Name] = true
		if a.Scope == 0 || a.parse == nil || !strings.HasSuffix(a.Help, ".") || strings.ToLower(a.Name) != a.Name {
			t.Errorf("row %s lacks a scope, a parser or a sentence of help", a.Name)
		}
		if a.Inherited() != slices.Contains([]string{
			"proxy-connect-timeout", "proxy-send-timeout", "proxy-read-timeout", "proxy-body-size",
		}, a.Name) {
			t.Errorf("%s: Inherited() = %v", a.Name, a.Inherited())
		}
		if _, twice := configKeys[a.Name]; twice {
			t.Errorf("%s is both read and without effect in the ConfigMap", a.Name)
		}
	}
}

// TestNginxTableIsComplete counts the annotations that ingress-nginx v1.15.1
// documents.
func TestNginxTableIsComplete(t *testing.T) {
	if len(nginxTable) != 138 || len(nginxByName) != 138 {
		t.Errorf("%d rows with %d names, want 138", len(nginxTable), len(nginxByName))
	}
	for _, a := range nginxTable {
		if len(a.name) > longestName {
			t.Errorf("%s is longer than a name can be", a.name)
		}
		if byName[a.name] != nil && (a.effect != plain || a.idle != nil) {
			t.Errorf("%s is implemented and still costs something", a.name)
		}
		if _, ok := removed[a.name]; ok {
			t.Errorf("%s is both known and removed", a.name)
		}
	}
}

func TestConfigKeysStandOnce(t *testing.T) {
	for _, key := range meaninglessKeys {
		if slices.Contains(unsupportedKeys, key) {
			t.Errorf("%s is both unsupported and without meaning", key)
		}
	}
	for _, list := range [][]string{unsupportedKeys, meaninglessKeys} {
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("keys are out of order or stand twice: %v", list)
		}
	}
}
