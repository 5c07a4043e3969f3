package telemetry

import (
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// tree is a machine of four processors and 8 GiB, of which 3 are used, with
// the given files beside.
func tree(more map[string]string) fs.FS {
	files := map[string]string{
		"proc/stat": "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\ncpu2 1 1 1 1\ncpu3 1 1 1 1\n" +
			"intr 12345 0 0\nctxt 1\nbtime 1\n",
		"proc/meminfo": "MemTotal:        8388608 kB\nMemFree:         1048576 kB\nMemAvailable:    5242880 kB\nHugePages_Total:       0\n",
		"proc/uptime":  "3601.50 14000.00\n",
	}
	maps.Copy(files, more)
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// The roots of the hierarchy, as kernels show them.
var (
	v2Limited = map[string]string{
		"sys/fs/cgroup/cgroup.controllers":    "cpuset cpu io memory pids\n",
		"sys/fs/cgroup/cpu.max":               "150000 100000\n",
		"sys/fs/cgroup/cpu.stat":              "usage_usec 5000000\nuser_usec 4000000\n",
		"sys/fs/cgroup/cpuset.cpus.effective": "0-3\n",
		"sys/fs/cgroup/memory.max":            "2147483648\n",
		"sys/fs/cgroup/memory.current":        "1073741824\n",
		"sys/fs/cgroup/memory.stat":           "anon 1\ninactive_file 536870912\n",
	}
	v2Unlimited = map[string]string{
		"sys/fs/cgroup/cpu.max":               "max 100000\n",
		"sys/fs/cgroup/cpuset.cpus.effective": "0-3\n",
		"sys/fs/cgroup/memory.max":            "max\n",
	}
	v1Limited = map[string]string{
		"sys/fs/cgroup/cpu/cpu.cfs_quota_us":         "150000\n",
		"sys/fs/cgroup/cpu/cpu.cfs_period_us":        "100000\n",
		"sys/fs/cgroup/cpuacct/cpuacct.usage":        "5000000000\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
		"sys/fs/cgroup/memory/memory.usage_in_bytes": "1073741824\n",
		"sys/fs/cgroup/memory/memory.stat":           "inactive_file 1\ntotal_inactive_file 536870912\n",
	}
	hybridUnlimited = map[string]string{
		"sys/fs/cgroup/cpu/cpu.cfs_quota_us":           "-1\n",
		"sys/fs/cgroup/cpu/cpu.cfs_period_us":          "100000\n",
		"sys/fs/cgroup/cpuset/cpuset.effective_cpus":   "0-3\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
		"sys/fs/cgroup/unified/cgroup.controllers":     "\n",
		"sys/fs/cgroup/unified/cpu.stat":               "usage_usec 1\n",
		"sys/fs/cgroup/systemd/user.slice/cgroup.proc": "\n",
	}
	v2FewProcessors = map[string]string{"sys/fs/cgroup/cpuset.cpus.effective": "0,2\n"}
)

const (
	wholeMemory   = 8*spec.GiB - 512*spec.MiB // a tenth would be more than half a gigabyte
	limitedMemory = 2*spec.GiB - 2*spec.GiB/10
)

func TestAllocatableAndMemoryUse(t *testing.T) {
	for name, c := range map[string]struct {
		files    map[string]string
		opt      Options
		cpu      spec.CPU
		memory   spec.Bytes
		memoryIn spec.Bytes // use
	}{
		"no cgroups":             {nil, Options{}, 4000, wholeMemory, 3 * spec.GiB},
		"v2, a plain machine":    {v2Unlimited, Options{}, 4000, wholeMemory, 3 * spec.GiB},
		"v2, in a container":     {v2Limited, Options{}, 1500, limitedMemory, 512 * spec.MiB},
		"v1, in a container":     {v1Limited, Options{}, 1500, limitedMemory, 512 * spec.MiB},
		"hybrid, plain machine":  {hybridUnlimited, Options{}, 4000, wholeMemory, 3 * spec.GiB},
		"v2, two processors":     {v2FewProcessors, Options{}, 2000, wholeMemory, 3 * spec.GiB},
		"a limit above the host": {map[string]string{"sys/fs/cgroup/memory.max": "17179869184\n", "sys/fs/cgroup/cpu.max": "900000 100000\n"}, Options{}, 4000, wholeMemory, 3 * spec.GiB},
		"nonsense":               {map[string]string{"sys/fs/cgroup/memory.max": "lots\n", "sys/fs/cgroup/cpu.max": "1\n", "sys/fs/cgroup/cpuset.cpus.effective": "3-1,x\n"}, Options{}, 4000, wholeMemory, 3 * spec.GiB},
		"reserve":                {nil, Options{Reserve: spec.Resources{CPU: 500, Memory: spec.GiB}}, 3500, 7 * spec.GiB, 3 * spec.GiB},
		"reserve beyond all":     {nil, Options{Reserve: spec.Resources{CPU: 5000, Memory: 9 * spec.GiB}}, 0, 0, 3 * spec.GiB},
		"declared":               {v2Limited, Options{Declared: spec.Resources{CPU: 8000, Memory: 16 * spec.GiB}, Reserve: spec.Resources{CPU: 500}}, 8000, 16 * spec.GiB, 512 * spec.MiB},
	} {
		t.Run(name, func(t *testing.T) {
			c.opt.Files, c.opt.DataDir = tree(c.files), t.TempDir()
			got, err := New(c.opt).Sample(time.Unix(1000, 0))
			if err != nil {
				t.Fatal(err)
			}
			want := wire.Telemetry{
				Resources:         &spec.Resources{CPU: c.cpu, Memory: c.memory, Disk: spec.Bytes(got.DiskAllocatable)},
				CPUAllocatable:    c.cpu.Cores(),
				MemoryAllocatable: int64(c.memory),
				MemoryUsed:        int64(c.memoryIn),
				DiskAllocatable:   got.DiskAllocatable,
				DiskUsed:          got.DiskUsed,
				UptimeSeconds:     3601,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("telemetry (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATenthOfTheDiskIsKeptBack(t *testing.T) {
	for want, opt := range map[spec.Bytes]Options{
		90 * spec.GiB:  {},
		95 * spec.GiB:  {Reserve: spec.Resources{Disk: 5 * spec.GiB}},
		300 * spec.GiB: {Declared: spec.Resources{Disk: 300 * spec.GiB}},
	} {
		if got := allocatable(machine{}, cgroup{}, 100*spec.GiB, opt).Disk; got != want {
			t.Errorf("%+v: %s, want %s", opt, got, want)
		}
	}
}

func TestProcessorUseIsTheMeanSinceTheReadingBefore(t *testing.T) {
	stat := func(cpu string) map[string]string {
		return map[string]string{"proc/stat": "cpu  " + cpu + "\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\n"}
	}
	for name, c := range map[string]struct {
		before, after map[string]string
		want          float64
	}{
		// 110 of 400 ticks; the guest's are in the user's already.
		"machine":         {stat("100 0 100 700 100 0 0 0 0 0"), stat("150 20 120 980 110 5 5 10 40 7"), 1.1},
		"busy went back":  {stat("100 0 100 700 100 0 0 0 0 0"), stat("90 0 100 720 100 0 0 0 0 0"), 0},
		"total went back": {stat("100 0 100 700 100 0 0 0 0 0"), stat("110 0 100 600 100 0 0 0 0 0"), 0},
		"v2 container":    {v2Limited, with(v2Limited, "sys/fs/cgroup/cpu.stat", "usage_usec 17000000\n"), 1.2},
		"v1 container":    {v1Limited, with(v1Limited, "sys/fs/cgroup/cpuacct/cpuacct.usage", "17000000000\n"), 1.2},
	} {
		t.Run(name, func(t *testing.T) {
			m, start := New(Options{Files: tree(c.before), DataDir: t.TempDir()}), time.Unix(1000, 0)
			first, err := m.Sample(start)
			if err != nil || first.CPUUsed != 0 {
				t.Errorf("the first sample tells a use of %v, %v", first.CPUUsed, err)
			}
			m.opt.Files = tree(c.after)
			second, err := m.Sample(start.Add(10 * time.Second))
			if err != nil || second.CPUUsed != c.want {
				t.Errorf("use %v, %v, want %v", second.CPUUsed, err, c.want)
			}
		})
	}
}

func with(files map[string]string, name, text string) map[string]string {
	out := maps.Clone(files)
	out[name] = text
	return out
}

func TestWhatCannotBeReadIsNamedAndTheRestCounts(t *testing.T) {
	files := tree(map[string]string{"proc/meminfo": "MemTotal: 1 kB\n", "proc/uptime": "soon\n"})
	got, err := New(Options{Files: files, DataDir: "/no/such/dir"}).Sample(time.Unix(1000, 0))
	for _, want := range []string{"/proc/meminfo", "/proc/uptime", "/no/such/dir"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if got.CPUAllocatable != 4 || got.MemoryAllocatable != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestThisMachine(t *testing.T) {
	m := New(Options{DataDir: t.TempDir()})
	got, err := m.Sample(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got.CPUAllocatable <= 0 || got.MemoryAllocatable <= 0 || got.MemoryUsed <= 0 ||
		got.DiskAllocatable <= 0 || got.DiskUsed <= 0 || got.UptimeSeconds <= 0 {
		t.Errorf("got %+v", got)
	}
}
