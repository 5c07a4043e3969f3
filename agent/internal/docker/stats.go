package docker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

// Stats reads a container's meters once. The engine is not asked for a rate,
// for which it would take two seconds: Usage.Stats makes it of two readings.
func (e *Engine) Stats(ctx context.Context, c id.ContainerID) (runtime.Usage, error) {
	f, err := e.one(ctx, c)
	if err != nil {
		return runtime.Usage{}, err
	}
	response, err := e.api.ContainerStatsOneShot(ctx, f.DockerID)
	if err != nil {
		return runtime.Usage{}, e.fault("read the container's meters", err)
	}
	defer response.Body.Close()
	var reading container.StatsResponse
	if err := json.NewDecoder(response.Body).Decode(&reading); err != nil {
		return runtime.Usage{}, e.fault("read the container's meters", err)
	}
	return usage(reading), nil
}

func usage(r container.StatsResponse) runtime.Usage {
	u := runtime.Usage{
		At:          r.Read,
		CPU:         time.Duration(r.CPUStats.CPUUsage.TotalUsage),
		Memory:      memoryUsed(r.MemoryStats),
		MemoryLimit: int64(r.MemoryStats.Limit),
		Pids:        int64(r.PidsStats.Current),
	}
	for _, n := range r.Networks {
		u.NetRx += int64(n.RxBytes)
		u.NetTx += int64(n.TxBytes)
	}
	for _, entry := range r.BlkioStats.IoServiceBytesRecursive {
		switch entry.Op {
		case "read", "Read": // cgroup v2, v1
			u.BlockRead += int64(entry.Value)
		case "write", "Write":
			u.BlockWrite += int64(entry.Value)
		}
	}
	return u
}

// memoryUsed leaves out the page cache that the kernel would drop first, as
// docker stats does: a container that has read a large file has not used up
// its memory.
func memoryUsed(m container.MemoryStats) int64 {
	for _, name := range []string{"total_inactive_file", "inactive_file"} { // cgroup v1, v2
		if cache, ok := m.Stats[name]; ok && cache < m.Usage {
			return int64(m.Usage - cache)
		}
	}
	return int64(m.Usage)
}
