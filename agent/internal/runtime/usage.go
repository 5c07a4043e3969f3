package runtime

import (
	"time"

	"github.com/lormas/lormas/shared/wire"
)

// Usage is one reading of a container's meters. All but the memory and the
// processes are totals since its start, so a rate needs two readings.
type Usage struct {
	At          time.Time
	CPU         time.Duration // processor time
	Memory      int64         // without what the kernel can drop at once
	MemoryLimit int64
	NetRx       int64
	NetTx       int64
	BlockRead   int64
	BlockWrite  int64
	Pids        int64
}

// Stats is what people are shown: the reading, with the processor's use
// since an earlier one. Without an earlier one of the same run it is 0.
func (u Usage) Stats(earlier Usage) wire.Stats {
	stats := wire.Stats{
		Header: wire.Head(wire.TypeStats), At: u.At,
		MemoryBytes: u.Memory, MemoryLimit: u.MemoryLimit,
		NetRx: u.NetRx, NetTx: u.NetTx,
		BlockRead: u.BlockRead, BlockWrite: u.BlockWrite,
		Pids: u.Pids,
	}
	elapsed := u.At.Sub(earlier.At)
	if !earlier.At.IsZero() && elapsed > 0 && u.CPU >= earlier.CPU {
		stats.CPUCores = float64(u.CPU-earlier.CPU) / float64(elapsed)
	}
	return stats
}
