package load

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is what a process has used of a processor.
type CPUTime struct{ User, System time.Duration }

// Minus is what was used between o and c.
func (c CPUTime) Minus(o CPUTime) CPUTime {
	return CPUTime{c.User - o.User, c.System - o.System}
}

// tick is the unit of times in /proc, USER_HZ, which is 100 on every Linux
// that Go runs on.
const tick = 10 * time.Millisecond

// CPU returns the processor time of a process with all its threads, and of its
// children.
func CPU(pid int) (sum CPUTime, err error) {
	err = eachOf(pid, func(pid int) error {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return err
		}
		c, err := parseStat(string(stat))
		sum.User += c.User
		sum.System += c.System
		return err
	})
	return sum, err
}

// CPUClock returns the user and system time of a process without its children.
// It is the sum that CPU takes from /proc, to the nanosecond.
func CPUClock(pid int) (time.Duration, error) {
	// The clock of a process, clock_getcpuclockid(3): the kernel's
	// MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED).
	const sched = 2
	var t unix.Timespec
	if err := unix.ClockGettime(^int32(pid)<<3|sched, &t); err != nil {
		return 0, fmt.Errorf("clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// parseStat reads fields 14 and 15 of /proc/PID/stat (proc_pid_stat(5)). The
// second field, a name in brackets, may hold anything.
func parseStat(stat string) (CPUTime, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return CPUTime{}, fmt.Errorf("unreadable stat %q", stat)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return CPUTime{}, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return CPUTime{}, err
	}
	return CPUTime{time.Duration(user) * tick, time.Duration(system) * tick}, nil
}

// RSS returns the resident memory of a process and its children, in bytes.
func RSS(pid int) (sum int64, err error) {
	err = eachOf(pid, func(pid int) error {
		statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			return err
		}
		fields := strings.Fields(string(statm))
		if len(fields) < 2 {
			return fmt.Errorf("unreadable statm %q", statm)
		}
		pages, err := strconv.ParseInt(fields[1], 10, 64)
		sum += pages * int64(os.Getpagesize())
		return err
	})
	return sum, err
}

// eachOf calls do for a process and its children.
func eachOf(pid int, do func(pid int) error) error {
	if err := do(pid); err != nil {
		return err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	for field := range strings.FieldsSeq(string(children)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		if err := eachOf(child, do); err != nil {
			return err
		}
	}
	return nil
}
