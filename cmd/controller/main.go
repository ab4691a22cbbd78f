// Command shockwave is a Kubernetes ingress controller: it watches Ingresses and
// serves them with an HTTP engine of its own, in one process.
//
// Without a subcommand it is the controller. run.go shows how its parts are put
// together and in which order they end.
package main

import (
	"fmt"
	"os"
	"path"
	"strings"
)

// Set when a release is built (-ldflags -X).
var (
	version = ""
	commit  = ""
)

func main() {
	args := os.Args[1:]
	// ingress-nginx's image is started with the program's name as the first
	// argument: an args list written for it works here too.
	if len(args) > 0 && path.Base(args[0]) == "nginx-ingress-controller" {
		args = args[1:]
	}
	cmd := newRoot()
	cmd.SetArgs(args)
	if err := cmd.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "shockwave: "+oneLine(err))
		os.Exit(exitCode(err))
	}
}

// oneLine writes several errors as one sentence each on a line of its own, below
// each other.
func oneLine(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "\nshockwave: ")
}
