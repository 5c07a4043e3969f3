package guard

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Harden keeps the guard in time while the machine is short of memory or of
// processors. What cannot be had is returned: it guards all the same.
func Harden() []error {
	var faults []error
	note := func(what string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", what, err))
		}
	}
	// On fault: else the kernel would fill the whole heap that Go reserves.
	note("stay in memory", unix.Mlockall(unix.MCL_CURRENT|unix.MCL_FUTURE|unix.MCL_ONFAULT))
	note("be spared when memory runs out", os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0))
	threads, err := os.ReadDir("/proc/self/task") // each has a priority of its own, and hands it on
	note("find its threads", err)
	for _, thread := range threads {
		if tid, err := strconv.Atoi(thread.Name()); err == nil {
			note("go first", syscall.Setpriority(syscall.PRIO_PROCESS, tid, -10))
		}
	}
	return faults
}
