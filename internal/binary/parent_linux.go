package binary

import "syscall"

// dieWithParent ends the program with the test process, also when that is
// killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
