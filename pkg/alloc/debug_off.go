//go:build !pooldebug

package alloc

// debugging is a constant, so that what it guards is not in the program.
const debugging = false

type grave struct{} //nolint:unused // see debug_on.go

// Outstanding lists where each Memory was taken that was neither released nor
// abandoned. It is known only with the build tag pooldebug; else the list is nil.
func Outstanding() []string { return nil }

func poison([]byte)               {}
func mustBePoison([]byte, string) {}
func (x *Memory) bury()           {}
func (x *Memory) mustLive()       {}
func (r *record) unearth()        {}
func (p piece) seal()             {}
