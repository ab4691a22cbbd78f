package report

import (
	"slices"
	"strings"
	"time"
)

// Machine is where and how a run was made.
type Machine struct {
	CPU     string    `json:"cpu"`
	Cores   int       `json:"cores"`
	Memory  float64   `json:"memory"` // bytes
	System  string    `json:"system"`
	Go      string    `json:"go"`
	Date    time.Time `json:"date"`
	Command string    `json:"command"`
	Rounds  int       `json:"rounds"`
	Window  string    `json:"window"`
	Took    string    `json:"took"`
}

// Command is how to make a run again: a target of make, and the rest of its arguments
// in a variable. Flags in without, which have a value, are left out: they say where
// files are.
func Command(target, variable string, args []string, without ...string) string {
	var rest []string
	for i := 0; i < len(args); i++ {
		name, _, whole := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		switch {
		case !slices.Contains(without, name):
			rest = append(rest, args[i])
		case !whole:
			i++
		}
	}
	if len(rest) == 0 {
		return "make " + target
	}
	return "make " + target + " " + variable + "='" + strings.Join(rest, " ") + "'"
}
