package telemetry

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/lormas/lormas/shared/spec"
)

// machine is what /proc tells.
type machine struct {
	cpus       spec.CPU // processors that are on
	busy       uint64
	total      uint64
	memory     spec.Bytes
	memoryUsed spec.Bytes
	uptime     time.Duration
}

func readMachine(files fs.FS) (machine, error) {
	var m machine
	return m, errors.Join(
		parse(files, "proc/stat", m.parseStat),
		parse(files, "proc/meminfo", m.parseMeminfo),
		parse(files, "proc/uptime", m.parseUptime),
	)
}

func parse(files fs.FS, name string, read func(string) error) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("measure the machine: %w", err)
	}
	if err := read(string(text)); err != nil {
		return fmt.Errorf("measure the machine: /%s: %w", name, err)
	}
	return nil
}

// The columns of a processor's line in /proc/stat. Guest time, in the two
// columns after these, is part of user time already.
const (
	statIdle   = 3
	statIOWait = 4
	statFields = 8
)

func (m *machine) parseStat(text string) error {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		if fields[0] != "cpu" {
			m.cpus += spec.CPUFromCores(1)
			continue
		}
		for i, field := range fields[1:min(len(fields), 1+statFields)] {
			ticks, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				return err
			}
			m.total += ticks
			if i != statIdle && i != statIOWait {
				m.busy += ticks
			}
		}
	}
	if m.cpus == 0 || m.total == 0 {
		return errors.New("it names no processor")
	}
	return nil
}

func (m *machine) parseMeminfo(text string) error {
	found := map[string]spec.Bytes{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err == nil {
			found[name] = spec.Bytes(kib) * spec.KiB
		}
	}
	total, hasTotal := found["MemTotal"]
	available, hasAvailable := found["MemAvailable"]
	if !hasTotal || !hasAvailable {
		return errors.New("it lacks MemTotal or MemAvailable")
	}
	m.memory, m.memoryUsed = total, total-available
	return nil
}

func (m *machine) parseUptime(text string) error {
	first, _, _ := strings.Cut(text, " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return err
	}
	m.uptime = time.Duration(seconds * float64(time.Second))
	return nil
}
