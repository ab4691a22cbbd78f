package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/shockwave-ingress/shockwave"

// goPackage is what is read of `go list -json`.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string // direct, without those of test files
	Deps       []string // direct and indirect
}

// program lists the packages of this module, by path below the module, and
// tells which import paths belong to the standard library.
func program(t *testing.T) (own map[string]goPackage, standard map[string]bool) {
	t.Helper()
	dependOnSources(t)
	// -e: a package that does not compile has imports all the same, and its
	// errors are the compiler's to tell.
	cmd := exec.Command("go", "list", "-pgo=off", "-e", "-deps", "-json=ImportPath,Standard,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	own, standard = map[string]goPackage{}, map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		if path, ok := strings.CutPrefix(p.ImportPath, module+"/"); ok {
			own[path] = p
		}
		standard[p.ImportPath] = p.Standard
	}
	if len(own) == 0 {
		t.Fatal("go list names no package of this module")
	}
	return own, standard
}

// dependOnSources makes the result of this test stale when a Go file of the
// module changes: go test keeps results until a file changes that the test
// looked at, and does not see what `go list` reads.
func dependOnSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "bin"):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go":
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// matches tells whether path is one of patterns.
func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
			return path == dir || strings.HasPrefix(path, dir+"/")
		}
		return path == pattern
	})
}

// place is where a package stands: a column and how deep.
type place struct {
	column string
	depth  int // 0 is the top
}

var columns = map[string][]layer{
	"around": around, "data plane": dataPlane, "control plane": controlPlane, "shared": shared, "besides": {besides},
}

func placeOf(path string) (place, bool) {
	for name, column := range columns {
		for depth, l := range column {
			if matches(path, l) {
				return place{name, depth}, true
			}
		}
	}
	return place{}, false
}

// under are the columns that lie wholly below a column.
var under = map[string][]string{
	"around":        {"data plane", "control plane", "shared"},
	"data plane":    {"shared"},
	"control plane": {"shared"},
	"besides":       {"around", "data plane", "control plane", "shared", "besides"},
}

// mayImport tells why from must not import to; nil when it may.
func mayImport(from, to string) error {
	a, ok := placeOf(from)
	if !ok {
		return fmt.Errorf("%s has no place in the tables of rules_test.go: give it one", from)
	}
	b, ok := placeOf(to)
	if !ok {
		return nil // reported for to itself
	}
	switch {
	case a.column == b.column && (b.depth > a.depth || sameTree(from, to)):
		return nil
	case slices.Contains(under[a.column], b.column):
		return nil
	case a.column == b.column && a.depth == b.depth:
		return fmt.Errorf("%s imports %s, which stands beside it in the %s", from, to, a.column)
	case a.column == b.column:
		return fmt.Errorf("%s imports %s, which stands above it in the %s", from, to, a.column)
	}
	return fmt.Errorf("%s (%s) imports %s (%s)", from, a.column, to, b.column)
}

// sameTree tells whether two packages belong to the same "/..." entry.
func sameTree(a, b string) bool {
	for _, column := range columns {
		for _, l := range column {
			for _, pattern := range l {
				if strings.HasSuffix(pattern, "/...") && matches(a, []string{pattern}) && matches(b, []string{pattern}) {
					return true
				}
			}
		}
	}
	return false
}

func TestImportsPointDown(t *testing.T) {
	own, _ := program(t)
	for path, p := range own {
		if _, ok := placeOf(path); !ok {
			t.Errorf("%s has no place in the tables of rules_test.go: give it one", path)
			continue
		}
		for _, imported := range p.Imports {
			to, ok := strings.CutPrefix(imported, module+"/")
			if !ok {
				continue
			}
			if err := mayImport(path, to); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestKubernetesStaysInTheControlPlane(t *testing.T) {
	own, _ := program(t)
	for path, p := range own {
		at, ok := placeOf(path)
		if !ok || at.column == "besides" {
			continue
		}
		if at.column != "control plane" && !matches(path, mayKnowKubernetes) {
			for _, dep := range p.Deps {
				if slices.ContainsFunc(kubernetes, func(prefix string) bool { return strings.HasPrefix(dep, prefix) }) {
					t.Errorf("%s depends on %s; only the control plane may", path, dep)
					break
				}
			}
		}
		if at.column != "control plane" {
			continue
		}
		for _, dep := range p.Deps {
			if to, ok := strings.CutPrefix(dep, module+"/"); ok && matches(to, serving) {
				t.Errorf("%s belongs to the control plane and depends on %s, which serves", path, to)
			}
		}
	}
}

func TestFoundationIsSelfContained(t *testing.T) {
	own, standard := program(t)
	for path, p := range own {
		if !matches(path, foundation) {
			continue
		}
		for _, dep := range p.Deps {
			to, ours := strings.CutPrefix(dep, module+"/")
			if standard[dep] || ours && matches(to, foundation) {
				continue
			}
			t.Errorf("%s depends on %s; the foundation has only the standard library and itself", path, dep)
		}
	}
}

func TestUnsafeIsConfined(t *testing.T) {
	own, _ := program(t)
	for path, p := range own {
		at, ok := placeOf(path)
		if ok && at.column != "besides" && slices.Contains(p.Imports, "unsafe") && !matches(path, mayUseUnsafe) {
			t.Errorf("%s imports unsafe", path)
		}
	}
}

// The rules themselves, with imports that must and must not pass.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"pkg/proxy", "pkg/upstream", true},
		{"pkg/proxy", "pkg/downstream", false},
		{"pkg/downstream", "pkg/proxy", false},
		{"pkg/downstream", "pkg/downstream/h2", true},
		{"pkg/server", "pkg/downstream", true},
		{"pkg/downstream", "pkg/server", false},
		{"pkg/snapshot", "pkg/proxy", false},
		{"pkg/upstream", "pkg/filter", false},
		{"pkg/http11", "pkg/message", true},
		{"pkg/message", "pkg/alloc", true},
		{"pkg/alloc", "pkg/message", false},
		{"pkg/translate", "pkg/annotation", true},
		{"pkg/annotation", "pkg/translate", false},
		{"pkg/translate", "pkg/route", false},
		{"pkg/reconcile", "pkg/proxy", false},
		{"pkg/upstream", "pkg/translate", false},
		{"pkg/upstream", "pkg/model", true},
		{"pkg/settings", "pkg/translate", true},
		{"pkg/translate", "pkg/settings", false},
		{"pkg/proxy", "pkg/admin", false},
		{"pkg/proxy", "internal/rawconn", false},
		{"cmd/controller", "pkg/downstream", true},
		{"pkg/downstream", "cmd/controller", false},
		{"internal/kubetest", "pkg/reconcile", true},
		{"pkg/unheardof", "pkg/model", false},
	} {
		if err := mayImport(c.from, c.to); (err == nil) != c.ok {
			t.Errorf("mayImport(%s, %s) = %v, want ok %v", c.from, c.to, err, c.ok)
		}
	}
}
