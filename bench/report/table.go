package report

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// None stands for a figure that there is not.
const None = "–"

// Table is shown as text and in Markdown. The first column holds names, the others
// figures.
type Table struct {
	Head []string
	Rows [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Text is the table for a terminal.
func (t *Table) Text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	_ = w.Flush() // into memory
	return b.String()
}

// Markdown is the table for a page, without a line end behind it.
func (t *Table) Markdown() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.Head)
	rule := make([]string, len(t.Head))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	line(rule)
	for _, row := range t.Rows {
		line(row)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Number is v with so many decimals.
func Number(v float64, decimals int) string { return fmt.Sprintf("%.*f", decimals, v) }

// Megabytes is a number of bytes in millions.
func Megabytes(n float64) string { return Number(n/1e6, 1) }

// And joins parts of a sentence.
func And(parts []string) string {
	switch n := len(parts); n {
	case 0:
		return ""
	case 1:
		return parts[0]
	default:
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
}
