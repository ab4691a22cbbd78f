package manifests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestIncrementalEqualsFull follows a long series of changes of files as Source
// does and compares each result with that of reading everything.
func TestIncrementalEqualsFull(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	d := newDirectory(dir)
	if _, err := d.scan(time.Now()); err != nil {
		t.Fatal(err)
	}
	d.objects()
	updates := 0
	for step := range 400 {
		touched := make(map[string]struct{})
		for range 1 + r.IntN(3) {
			path := filepath.Join(dir, fmt.Sprintf("%d.yaml", r.IntN(6)))
			if r.IntN(4) == 0 {
				path = filepath.Join(dir, "sub", "a.yaml")
			}
			touched[path] = struct{}{}
			if r.IntN(12) == 0 {
				_ = os.Remove(path) // which may not be there
				continue
			}
			if err := os.WriteFile(path, []byte(randomManifests(r)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, complete := d.update(touched, time.Now()); complete {
			updates++
		} else if _, err := d.scan(time.Now()); err != nil {
			t.Fatal(err)
		}
		got := d.objects()
		want := scanned(t, dir)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("step %d: incremental\n%+v\nfull\n%+v", step, got, want)
		}
	}
	if updates < 100 {
		t.Errorf("only %d of the changes were read without a scan", updates)
	}
}

// randomManifests are a few objects, often in the same places as in another
// result, with names that several files define.
func randomManifests(r *rand.Rand) string {
	var docs []string
	if r.IntN(8) == 0 {
		docs = append(docs, "# moves all lines")
	}
	for i := range 1 + r.IntN(2) {
		docs = append(docs, fmt.Sprintf(`apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app-%d, annotations: {x: "%d"}}`, i+r.IntN(2), r.IntN(3)),
			fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: app-%d}
spec: {ports: [{port: %d}]}`, i, 80+r.IntN(3)))
	}
	switch r.IntN(6) {
	case 0:
		docs = append(docs, `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: a, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: example.com/a}`)
	case 1:
		docs = append(docs, `apiVersion: v1
kind: Service
metadata: {name: other}
spec: {port: [misspelt]}`)
	}
	return strings.Join(docs, "\n---\n") + "\n"
}

// TestUnchangedObjectsStayTheSame is what makes building again cheap.
func TestUnchangedObjectsStayTheSame(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ingress := func(name, note string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " + name + ", annotations: {note: \"" + note + "\"}}\n---\n"
	}
	write("a.yaml", ingress("a", "1")+ingress("b", "1"))
	path := write("b.yaml", ingress("c", "1")+ingress("d", "1"))
	d := newDirectory(dir)
	if _, err := d.scan(time.Now()); err != nil {
		t.Fatal(err)
	}
	before := d.objects()

	write("b.yaml", ingress("c", "1")+ingress("d", "2"))
	if changed, complete := d.update(map[string]struct{}{path: {}}, time.Now()); !changed || !complete {
		t.Fatalf("changed %t, complete %t", changed, complete)
	}
	after := d.objects()
	for i, ing := range after.Ingresses {
		if same := ing == before.Ingresses[i]; same != (ing.Name != "d") {
			t.Errorf("Ingress %s is the same object: %t", ing.Name, same)
		}
	}

	write("c.yaml", ingress("e", "1"))
	if _, complete := d.update(map[string]struct{}{filepath.Join(dir, "c.yaml"): {}}, time.Now()); complete {
		t.Error("a new file needs no scan")
	}
	if _, err := d.scan(time.Now()); err != nil {
		t.Fatal(err)
	}
	for i, ing := range d.objects().Ingresses {
		if i < len(after.Ingresses) && ing != after.Ingresses[i] {
			t.Errorf("Ingress %s is another object for a new file at the end", ing.Name)
		}
	}
}
