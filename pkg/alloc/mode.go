package alloc

import (
	"fmt"
	"strings"
)

// Mode is where the buffers of a region come from.
type Mode uint8

// The modes. Every build has all of them, side by side.
const (
	// Standard takes each buffer from a size-classed sync.Pool on the Go heap.
	Standard Mode = iota
	// Arena bumps a pointer through chunks outside the Go heap.
	Arena
	// GreenTea gives each exchange one pointer-free slab on the Go heap.
	GreenTea

	// Modes is the number of modes: an array of that length has a place for each.
	Modes = int(GreenTea) + 1
)

var modeNames = [Modes]string{Standard: "standard", Arena: "arena", GreenTea: "greentea"}

// String is the name of m as annotations and flags write it.
func (m Mode) String() string {
	if int(m) < Modes {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode returns the mode of a name as annotations and flags write it.
func ParseMode(name string) (Mode, error) {
	for m, n := range modeNames {
		if n == name {
			return Mode(m), nil
		}
	}
	return Standard, fmt.Errorf("%q is no allocation mode: there are %s", name, strings.Join(Names(), ", "))
}

// Names lists the names of the modes.
func Names() []string { return modeNames[:] }
