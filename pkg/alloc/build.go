package alloc

// BuildInfo tells how the package was built.
type BuildInfo struct {
	// Default is the mode where nothing else is asked for: Standard, or what the
	// build tag arenas or greenteagc says.
	Default Mode
	// ArenaSource is where arena mode has its chunks from: "mmap", "heap" on
	// systems without it, or "arena" for the standard library's arenas (build
	// tag arenas with GOEXPERIMENT=arenas).
	ArenaSource string
	// Debug tells that released memory is poisoned and watched (build tag
	// pooldebug).
	Debug bool
}

// Built tells how the package was built.
func Built() BuildInfo {
	return BuildInfo{Default: defaultMode, ArenaSource: arenaSource, Debug: debugging}
}
