package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/shockwave-ingress/shockwave/pkg/settings"
)

// flagsPage is the reference of the command line.
func flagsPage() string {
	var b strings.Builder
	b.WriteString(`# Flags

The flags of ` + "`shockwave`" + `. Those that ingress-nginx has too have its names and meaning. Durations are numbers of
seconds or Go durations such as 1m30s. A switch may stand without a value.

`)
	defaults := settings.Default()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	defaults.Register(set)
	for _, group := range settings.Groups() {
		var rows [][]string
		for _, f := range settings.Flags {
			if f.Group != group {
				continue
			}
			flag := set.Lookup(f.Name)
			// pflag puts lists in brackets.
			rows = append(rows, []string{"--" + f.Name, valueName(flag), code(strings.Trim(flag.DefValue, "[]")), f.Help})
		}
		fmt.Fprintf(&b, "## %s\n\n", group)
		table(&b, []string{"flag", "value", "default", "meaning"}, rows)
		b.WriteString("\n")
	}

	b.WriteString(`## Flags of ingress-nginx without effect

They are accepted, so that an args list written for ingress-nginx works unchanged. One that asks for something is a
warning in the log.

`)
	foreign(&b, false)
	b.WriteString(`
These stop the process when they ask for something, because without them other requests would be served, or by others:

`)
	foreign(&b, true)
	return b.String()
}

// valueName says what kind of value a flag takes, as users call it.
func valueName(flag *pflag.Flag) string {
	switch kind := flag.Value.Type(); kind {
	case "bool":
		return "switch"
	case "string":
		return "text"
	case "int":
		return "number"
	case "stringSlice":
		return "list"
	default:
		return kind
	}
}

// foreign writes the flags of ingress-nginx that are refused, or those that are not.
func foreign(b *strings.Builder, refused bool) {
	var rows [][]string
	for _, f := range settings.Foreign {
		if f.Refused == refused {
			// pflag puts lists in brackets.
			rows = append(rows, []string{"--" + f.Name, f.Why})
		}
	}
	table(b, []string{"flag", "why"}, rows)
}
