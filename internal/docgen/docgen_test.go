package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
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
