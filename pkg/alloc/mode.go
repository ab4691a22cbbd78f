package alloc

import "fmt"

// Mode is where the buffers of a region come from.
type Mode uint8

// The modes. Standard is size-classed pooling on the Go heap.
const (
	Standard Mode = iota
	modes
)

var modeNames = [modes]string{Standard: "standard"}

func (m Mode) String() string {
	if m < modes {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode returns the mode of a name as annotations and flags write it. It
// fails for a name that is not built in.
func ParseMode(name string) (Mode, error) {
	for m, n := range modeNames {
		if n == name {
			return Mode(m), nil
		}
	}
	return Standard, fmt.Errorf("allocation mode %q is not built in: this binary has %v", name, Modes())
}

// Modes lists the names of the modes that are built in.
func Modes() []string { return modeNames[:] }
