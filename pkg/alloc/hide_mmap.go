//go:build pooldebug && linux && !(arenas && goexperiment.arenas)

package alloc

import "syscall"

// hide makes every use of a piece fault, and reveal allows it again.
func hide(b []byte, from origin) {
	if from.mapped {
		_ = syscall.Mprotect(b, syscall.PROT_NONE)
	}
}

func reveal(b []byte, from origin) {
	if from.mapped {
		_ = syscall.Mprotect(b, syscall.PROT_READ|syscall.PROT_WRITE)
	}
}
