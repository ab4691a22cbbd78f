package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// repository is where the program comes from.
const repository = "https://github.com/shockwave-ingress/shockwave"

// built tells the version and commit of the program: those set by a release
// build, else what Go knows of the checkout.
func built() (release, revision string) {
	release, revision = version, commit
	info, ok := debug.ReadBuildInfo()
	if ok {
		release = cmp.Or(release, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = cmp.Or(revision, s.Value)
			}
		}
	}
	return cmp.Or(release, "(devel)"), cmp.Or(revision, "unknown")
}

func printVersion(w io.Writer) {
	release, revision := built()
	_, _ = fmt.Fprintf(w, "shockwave %s\ncommit %s\n%s %s/%s\nallocation modes: %s\n",
		release, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH, modes(alloc.Built()))
}

// modes lists the allocation modes with how they were built.
func modes(b alloc.BuildInfo) string {
	var described []string
	for mode, name := range alloc.Names() {
		var words []string
		if alloc.Mode(mode) == alloc.Arena {
			words = append(words, b.ArenaSource)
		}
		if alloc.Mode(mode) == b.Default {
			words = append(words, "default")
		}
		if len(words) > 0 {
			name += " (" + strings.Join(words, ", ") + ")"
		}
		described = append(described, name)
	}
	if b.Debug {
		described = append(described, "pooldebug")
	}
	return strings.Join(described, ", ")
}
