package telemetry

import (
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/lormas/lormas/shared/spec"
)

// cgroup is what the root of the hierarchy allows and uses. A limit of 0 is
// none; values that cannot be read are 0, as on most machines they are not
// there.
type cgroup struct {
	cpu        spec.CPU // the smaller of quota and set of processors
	cpuTime    time.Duration
	memory     spec.Bytes
	memoryUsed spec.Bytes
}

func (c cgroup) limitsCPU(m machine) bool    { return c.cpu > 0 && c.cpu < m.cpus }
func (c cgroup) limitsMemory(m machine) bool { return c.memory > 0 && c.memory < m.memory }

// readCgroup reads whichever version each controller has: in a hybrid the
// files of v2 lie elsewhere, so at most one of each pair is there.
func readCgroup(files fs.FS) cgroup {
	at := cgroupFiles{files}
	c := cgroup{
		cpu: smallest(
			quota(at.fields("cpu.max")),
			quota(append(at.fields("cpu/cpu.cfs_quota_us"), at.fields("cpu/cpu.cfs_period_us")...)),
			processors(at.fields("cpuset.cpus.effective")),
			processors(at.fields("cpuset/cpuset.effective_cpus")),
		),
		memory: smallest(
			spec.Bytes(number(at.fields("memory.max"))),
			spec.Bytes(number(at.fields("memory/memory.limit_in_bytes"))),
		),
		cpuTime: time.Duration(at.value("cpu.stat", "usage_usec"))*time.Microsecond +
			time.Duration(number(at.fields("cpuacct/cpuacct.usage"))),
	}
	used := number(at.fields("memory.current")) + number(at.fields("memory/memory.usage_in_bytes"))
	// The page cache that would be dropped first is not used up.
	cache := at.value("memory.stat", "inactive_file")
	if v1 := at.value("memory/memory.stat", "total_inactive_file"); v1 > 0 {
		cache = v1
	}
	c.memoryUsed = spec.Bytes(max(0, used-cache))
	return c
}

type cgroupFiles struct {
	files fs.FS
}

func (c cgroupFiles) read(name string) string {
	text, err := fs.ReadFile(c.files, "sys/fs/cgroup/"+name)
	if err != nil {
		return ""
	}
	return string(text)
}

func (c cgroupFiles) fields(name string) []string { return strings.Fields(c.read(name)) }

// value is one of the named numbers of a file of "name number" lines.
func (c cgroupFiles) value(name, key string) int64 {
	for line := range strings.Lines(c.read(name)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == key {
			return number(fields[1:])
		}
	}
	return 0
}

// number reads the first field; "max" and what v1 writes for no limit are 0.
func number(fields []string) int64 {
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/2 {
		return 0
	}
	return n
}

// quota reads a quota and its period, in microseconds each.
func quota(fields []string) spec.CPU {
	if len(fields) != 2 {
		return 0
	}
	allowed, period := number(fields), number(fields[1:])
	if period == 0 {
		return 0
	}
	return spec.CPUFromCores(float64(allowed) / float64(period))
}

// processors counts a list such as 0-3,8.
func processors(fields []string) spec.CPU {
	if len(fields) == 0 {
		return 0
	}
	count := 0
	for part := range strings.SplitSeq(fields[0], ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || last < first {
			return 0
		}
		count += last - first + 1
	}
	return spec.CPUFromCores(float64(count))
}

// smallest is the least that is set.
func smallest[T ~int64](values ...T) T {
	var least T
	for _, v := range values {
		if v > 0 && (least == 0 || v < least) {
			least = v
		}
	}
	return least
}
