package telemetry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Options says where to look and what the operator wants offered. Fields of
// Declared and Reserve that are zero are not set.
type Options struct {
	Files    fs.FS          // nil: this machine's, from /
	DataDir  string         // on the file system whose space is offered
	Declared spec.Resources // offered as it is, whatever was found
	Reserve  spec.Resources // kept back of what was found, in place of the defaults below

	Published func() []spec.Port // by our own containers; nil: none
}

// What is kept back for the system unless Reserve says otherwise: a tenth of
// the memory up to half a gigabyte, a tenth of the disk, and no processor
// time, as that is shared rather than used up.
const (
	reservedShare  = 10
	maxReservedMem = 512 * spec.MiB
)

// Meter measures. It is for one goroutine.
type Meter struct {
	opt     Options
	last    reading
	sockets listeners
}

// reading is the part of a measurement that the next one needs.
type reading struct {
	at     time.Time
	busy   uint64 // ticks since boot in which a processor worked
	total  uint64 // ticks since boot
	cgroup time.Duration
}

// New makes a meter. Its first sample tells no processor use yet.
func New(opt Options) *Meter {
	if opt.Files == nil {
		opt.Files = os.DirFS("/")
	}
	return &Meter{opt: opt}
}

// Sample measures now. What cannot be read stays 0 and is named in the
// error; the rest counts. The container count and the agent's version are
// for the caller to fill in.
func (m *Meter) Sample(now time.Time) (wire.Telemetry, error) {
	machine, err := readMachine(m.opt.Files)
	group := readCgroup(m.opt.Files)
	disk, diskErr := readDisk(m.opt.DataDir)
	current := reading{at: now, busy: machine.busy, total: machine.total, cgroup: group.cpuTime}

	offered := allocatable(machine, group, disk.Total, m.opt)
	telemetry := wire.Telemetry{
		Resources:         &offered,
		CPUAllocatable:    offered.CPU.Cores(),
		CPUUsed:           cpuUsed(m.last, current, machine, group).Cores(),
		MemoryAllocatable: int64(offered.Memory),
		MemoryUsed:        int64(memoryUsed(machine, group)),
		DiskAllocatable:   int64(offered.Disk),
		DiskUsed:          int64(disk.Used),
		UptimeSeconds:     int64(machine.uptime / time.Second),
	}
	m.last = current
	var busyErr error
	telemetry.Busy, busyErr = m.sockets.look(m.opt.Files, m.opt.Published, now)
	return telemetry, errors.Join(err, diskErr, busyErr)
}

// allocatable is what the node offers to containers.
func allocatable(machine machine, group cgroup, disk spec.Bytes, opt Options) spec.Resources {
	cpu, memory := machine.cpus, machine.memory
	if group.limitsCPU(machine) {
		cpu = group.cpu
	}
	if group.limitsMemory(machine) {
		memory = group.memory
	}
	found := spec.Resources{
		CPU:    cpu - opt.Reserve.CPU,
		Memory: memory - orElse(opt.Reserve.Memory, min(memory/reservedShare, maxReservedMem)),
		Disk:   disk - orElse(opt.Reserve.Disk, disk/reservedShare),
	}
	return spec.Resources{
		CPU:    orElse(opt.Declared.CPU, max(0, found.CPU)),
		Memory: orElse(opt.Declared.Memory, max(0, found.Memory)),
		Disk:   orElse(opt.Declared.Disk, max(0, found.Disk)),
	}
}

func orElse[T ~int64](set, otherwise T) T {
	if set != 0 {
		return set
	}
	return otherwise
}

// cpuUsed is the mean use between two readings.
func cpuUsed(before, now reading, machine machine, group cgroup) spec.CPU {
	elapsed := now.at.Sub(before.at)
	if before.at.IsZero() || elapsed <= 0 {
		return 0
	}
	if group.limitsCPU(machine) {
		return spec.CPUFromCores(max(0, float64(now.cgroup-before.cgroup)/float64(elapsed)))
	}
	if now.total <= before.total || now.busy < before.busy { // a counter went back: the kernel's idle times sometimes do
		return 0
	}
	share := float64(now.busy-before.busy) / float64(now.total-before.total)
	return spec.CPUFromCores(share * machine.cpus.Cores())
}

func memoryUsed(machine machine, group cgroup) spec.Bytes {
	if group.limitsMemory(machine) {
		return group.memoryUsed
	}
	return machine.memoryUsed
}

// disk is the space of a file system.
type disk struct {
	Total, Used spec.Bytes
}

func readDisk(dir string) (disk, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return disk{}, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	size := spec.Bytes(fs.Bsize)
	return disk{Total: spec.Bytes(fs.Blocks) * size, Used: spec.Bytes(fs.Blocks-fs.Bfree) * size}, nil
}
