// Command docgen writes the pages of docs/reference from the tables in the code,
// so that they say what the program does. `make generate` runs it, and its test
// fails when a page is out of date.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go run . ../../docs/reference

// page is one page of the reference.
type page struct {
	file, source string
	text         func() string
}

var pages = []page{
	{"annotations.md", "pkg/annotation", annotationsPage},
	{"configmap.md", "pkg/annotation", configMapPage},
	{"flags.md", "pkg/settings", flagsPage},
	{"metrics.md", "pkg/metrics", metricsPage},
	{"variables.md", "pkg/variable", variablesPage},
}

// content is what the page's file holds.
func (p page) content() string {
	return fmt.Sprintf("<!-- Made from the tables of %s by `make generate`; do not edit. -->\n\n%s", p.source, p.text())
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docgen DIR")
		os.Exit(2)
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(os.Args[1], p.file), []byte(p.content()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "docgen:", err)
			os.Exit(1)
		}
	}
}

// table writes a table whose first column is in code font. Cells that are empty
// stay so.
func table(b *strings.Builder, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		for i, cell := range row {
			cell = strings.ReplaceAll(cell, "|", `\|`)
			if i == 0 {
				cell = code(cell)
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
	}
}

// code puts text that is not empty in code font.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// codes puts each word of a list in code font.
func codes(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = code(w)
	}
	return strings.Join(quoted, ", ")
}
