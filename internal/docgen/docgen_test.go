package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/annotation"
)

func TestPagesAreUpToDate(t *testing.T) {
	if mode := alloc.Built().Default; mode != alloc.Standard {
		t.Skipf("the pages tell of a build without tags, and this one has the default mode %v", mode)
	}
	for _, p := range pages {
		got, err := os.ReadFile(filepath.Join("../../docs/reference", p.file))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != p.content() {
			t.Errorf("docs/reference/%s is out of date: run `make generate`", p.file)
		}
	}
}

// A table is read as one only when all its rows have the same number of cells.
func TestTablesAreWhole(t *testing.T) {
	for _, p := range pages {
		columns := 0
		for n, line := range strings.Split(p.content(), "\n") {
			cells := strings.Count(line, "|") - strings.Count(line, `\|`)
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			if columns == 0 {
				columns = cells
			}
			if cells != columns {
				t.Errorf("%s:%d has %d cells, its table has %d: %s", p.file, n+1, cells-1, columns-1, line)
			}
		}
	}
}

// What is said to be common must be an annotation of ingress-nginx, or a slip of the
// pen hides it.
func TestUsesAreOfNginx(t *testing.T) {
	known := make(map[string]bool)
	for _, name := range annotation.NginxNames() {
		known[name] = true
	}
	seen := make(map[string]bool)
	for _, u := range uses {
		for _, name := range u.names {
			if !known[name] || seen[name] {
				t.Errorf("%s is no annotation of ingress-nginx, or stands twice", name)
			}
			seen[name] = true
		}
	}
}
