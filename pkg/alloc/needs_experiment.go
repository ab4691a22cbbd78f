//go:build arenas && !goexperiment.arenas

package alloc

// A build with the tag but without the experiment must not quietly be another one.
var _ uint = "the build tag arenas needs the experiment of the same name: run GOEXPERIMENT=arenas go build -tags arenas"
