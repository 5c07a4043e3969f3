package liveness

import (
	"math"
	"net/netip"

	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Limits of what a node is believed to have; a number from outside may be
// anything.
const (
	maxCores = 1 << 16
	maxBytes = 1 << 60
)

// maxBusy bounds how many busy ports of a node are remembered.
const maxBusy = 1024

// Busy are the ports that something else on the node listens on, as its
// telemetry has it, or nil where that says nothing.
func Busy(t *wire.Telemetry) []spec.Port {
	if t == nil || t.Busy == nil {
		return nil
	}
	ports := []spec.Port{}
	for _, p := range t.Busy[:min(len(t.Busy), maxBusy)] {
		_, err := netip.ParseAddr(p.IP)
		if p.Port >= 1 && p.Port <= 65535 && (p.Protocol == spec.TCP || p.Protocol == spec.UDP) && (p.IP == "" || err == nil) {
			ports = append(ports, spec.Port{IP: p.IP, Host: p.Port, Protocol: p.Protocol})
		}
	}
	return ports
}

// Offer is what a node gives to Lormas as its telemetry has it, or nil where
// that says nothing.
func Offer(t *wire.Telemetry) *spec.Resources {
	if t == nil {
		return nil
	}
	if t.Resources != nil {
		return &spec.Resources{
			CPU:    min(max(t.Resources.CPU, 0), maxCores*1000),
			Memory: min(max(t.Resources.Memory, 0), maxBytes),
			Disk:   min(max(t.Resources.Disk, 0), maxBytes),
		}
	}
	return &spec.Resources{
		CPU:    spec.CPUFromCores(math.Min(math.Max(t.CPUAllocatable, 0), maxCores)),
		Memory: spec.Bytes(min(max(t.MemoryAllocatable, 0), maxBytes)),
		Disk:   spec.Bytes(min(max(t.DiskAllocatable, 0), maxBytes)),
	}
}
