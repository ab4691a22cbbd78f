//go:build !linux

package binary

import "syscall"

// dieWithParent has no equivalent here: a killed test process leaves the program.
func dieWithParent() *syscall.SysProcAttr { return nil }
