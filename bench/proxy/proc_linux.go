package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// cpuTime is what a process has used of a processor.
type cpuTime struct{ User, System time.Duration }

func (c cpuTime) minus(o cpuTime) cpuTime {
	return cpuTime{c.User - o.User, c.System - o.System}
}

// tick is the unit of times in /proc, USER_HZ, which is 100 on every Linux
// that Go runs on.
const tick = 10 * time.Millisecond

// cpu returns the processor time of a process with all its threads, and of its
// children.
func cpu(pid int) (sum cpuTime, err error) {
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

// parseStat reads fields 14 and 15 of /proc/PID/stat (proc_pid_stat(5)). The
// second field, a name in brackets, may hold anything.
func parseStat(stat string) (cpuTime, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return cpuTime{}, fmt.Errorf("unreadable stat %q", stat)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return cpuTime{}, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return cpuTime{}, err
	}
	return cpuTime{time.Duration(user) * tick, time.Duration(system) * tick}, nil
}

// rss returns the resident memory of a process and its children, in bytes.
func rss(pid int) (sum int64, err error) {
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
