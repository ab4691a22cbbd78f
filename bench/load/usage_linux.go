package load

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what had been used when a window began.
type usage struct {
	at    time.Time
	cpu   CPUTime
	clock time.Duration
	idle  []time.Duration // of each core
}

func takeUsage(o *Options) (u usage, err error) {
	if o.PID != 0 {
		if u.cpu, err = CPU(o.PID); err != nil {
			return u, err
		}
		if u.clock, err = CPUClock(o.PID); err != nil {
			return u, err
		}
	}
	for _, core := range o.Cores {
		idle, err := Idle(core)
		if err != nil {
			return u, err
		}
		u.idle = append(u.idle, idle)
	}
	u.at = time.Now()
	return u, nil
}

// since adds to a result what was used after u.
func (u *usage) since(o *Options, r *Result) error {
	now, err := takeUsage(o)
	if err != nil {
		return err
	}
	r.CPU = now.cpu.Minus(u.cpu)
	r.Clock = now.clock - u.clock
	for i := range now.idle {
		idle := (now.idle[i] - u.idle[i]).Seconds() / now.at.Sub(u.at).Seconds()
		r.Busy = append(r.Busy, min(1, max(0, 1-idle)))
	}
	return nil
}

// Idle is how long a processor has been idle since the system started.
func Idle(core int) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseIdle(string(stat), core)
}

// parseIdle reads the times idle and iowait of a processor, the fourth and fifth in
// its line of /proc/stat (proc_stat(5)).
func parseIdle(stat string, core int) (idle time.Duration, err error) {
	name := "cpu" + strconv.Itoa(core)
	for line := range strings.Lines(stat) {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[0] != name {
			continue
		}
		for _, f := range fields[4:6] {
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("unreadable stat %q", line)
			}
			idle += time.Duration(n) * tick
		}
		return idle, nil
	}
	return 0, fmt.Errorf("there is no processor %d", core)
}
