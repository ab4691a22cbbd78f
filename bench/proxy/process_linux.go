package main

import (
	"fmt"
	"os"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// process is a child on a core of its own.
type process struct {
	*load.Process
	addr string // where it listens, if it has announced that
}

// spawnRole starts this program in one of its roles, which announces where it
// listens.
func (b *bench) spawnRole(core int, role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := b.spawn(core, w, self, append([]string{role}, args...)...)
	w.Close()
	if err != nil {
		return nil, err
	}
	if p.addr, err = load.ReadAnnounced(r); err != nil {
		return nil, fmt.Errorf("%s: %w; its errors:\n%s", role, err, p.Complaint())
	}
	return p, nil
}

// spawn starts a program on a core. It ends with the bench. Its output is
// discarded if stdout is nil.
func (b *bench) spawn(core int, stdout *os.File, program string, args ...string) (*process, error) {
	started, err := load.Start(load.Command{Core: core, Dir: b.dir, Program: program, Args: args, Stdout: stdout})
	if err != nil {
		return nil, err
	}
	p := &process{Process: started}
	b.running = append(b.running, p)
	return p, nil
}
