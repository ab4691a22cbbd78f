package main

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// variablesPage is the reference of variables in texts.
func variablesPage() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Variables

Some settings, such as %[1]s, are texts in which %[2]s or %[3]s stands for a value of the exchange. Names and meanings
are those of nginx and ingress-nginx, in any case. A name has letters, digits and _; where it ends in NAME below, that part
stands for the name of a field, an argument or a cookie. As in nginx there is no way to write a $ that stands for itself.
A text has at most %[4]d bytes and %[5]d parts.

A variable that is not listed is an error. A value that there is none of is nothing.

`, code("upstream-hash-by"), code("$host"), code("${host}"), variable.MaxLength, variable.MaxParts)
	for _, source := range variable.Sources {
		var rows [][]string
		for _, v := range variable.Table {
			if v.Source == source && v.Known == variable.Request { // no setting takes others
				rows = append(rows, []string{"$" + v.Name, v.Help})
			}
		}
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n", source)
		table(&b, []string{"name", "value"}, rows)
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
