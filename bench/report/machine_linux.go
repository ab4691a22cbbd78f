package report

import (
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ThisMachine describes the machine that it runs on, and tells the date.
func ThisMachine() Machine {
	m := Machine{
		CPU:   "unknown",
		Cores: runtime.NumCPU(),
		Go:    runtime.Version(),
		Date:  time.Now().UTC().Truncate(time.Second),
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.Cores = 0
		for line := range strings.Lines(string(text)) {
			switch name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) {
			case "model name":
				m.CPU = strings.TrimSpace(value)
			case "processor":
				m.Cores++
			}
		}
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = float64(info.Totalram) * float64(info.Unit)
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		m.System = unix.ByteSliceToString(uts.Sysname[:]) + " " + unix.ByteSliceToString(uts.Release[:])
	}
	return m
}
