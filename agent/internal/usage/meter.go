package usage

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

const (
	every    = 30 * time.Second
	firstIn  = 5 * time.Second // a rate takes two readings
	patience = 5 * time.Second // of one reading
)

// Engine is the container engine, as far as meters are concerned.
type Engine interface {
	Stats(context.Context, id.ContainerID) (runtime.Usage, error)
}

// Container is one that is measured.
type Container struct {
	ID      id.ContainerID
	Running bool
	Limit   spec.Bytes // of its volumes; 0: none
}

// Options is what a Meter needs.
type Options struct {
	Engine  Engine
	Volumes string             // the directory with a directory for each container's volumes
	Present func() []Container // which there are
	Notice  func(c id.ContainerID, text string)
	// Full is told, whenever all were measured, which containers have more in
	// their volumes than they may, and why that is so in words. Nil: nobody
	// does anything about it.
	Full func(map[id.ContainerID]string)
	Now  func() time.Time
}

// Meter measures until Run ends.
type Meter struct {
	Options
	disk *disk
	last map[id.ContainerID]runtime.Usage
	over map[id.ContainerID]bool // its volumes are larger than they may be, and it was told

	mu      sync.Mutex
	batch   wire.Usage
	changed chan struct{}
}

// New makes a Meter; nothing is measured before Run.
func New(o Options) *Meter {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Meter{
		Options: o, disk: newDisk(o.Now), last: map[id.ContainerID]runtime.Usage{}, over: map[id.ContainerID]bool{},
		changed: make(chan struct{}),
	}
}

// Batch is what was measured last; the channel is closed when there is more.
// Before the first there is none: its time is zero.
func (m *Meter) Batch() (wire.Usage, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.batch, m.changed
}

// Run measures until ctx ends.
func (m *Meter) Run(ctx context.Context) error {
	wait := firstIn
	for m.measure(ctx); ; m.publish(m.measure(ctx)) {
		if loop.Pause(ctx, wait) != nil {
			return nil
		}
		wait = every
	}
}

func (m *Meter) publish(list []wire.ContainerUsage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.batch = wire.Usage{Header: wire.Head(wire.TypeUsage), At: m.Now().UTC(), Containers: list}
	close(m.changed)
	m.changed = make(chan struct{})
}

// measure reads all meters, one after the other.
func (m *Meter) measure(ctx context.Context) []wire.ContainerUsage {
	list := []wire.ContainerUsage{}
	full := map[id.ContainerID]string{}
	keep, present := map[string]bool{}, map[id.ContainerID]bool{}
	for _, c := range m.Present() {
		if ctx.Err() != nil {
			break
		}
		dir := filepath.Join(m.Volumes, c.ID.String())
		keep[dir], present[c.ID] = true, true
		u := m.read(ctx, c)
		u.DiskBytes, u.DiskLimit = m.disk.size(ctx, dir), int64(c.Limit)
		if m.warn(c, u.DiskBytes); m.over[c.ID] {
			full[c.ID] = fullness(c, u.DiskBytes)
		}
		list = append(list, u)
	}
	if m.Full != nil && ctx.Err() == nil {
		m.Full(full)
	}
	m.disk.forget(keep)
	for c := range m.last {
		if !present[c] {
			delete(m.last, c)
			delete(m.over, c)
		}
	}
	slices.SortFunc(list, func(a, b wire.ContainerUsage) int {
		return strings.Compare(a.ContainerID.String(), b.ContainerID.String())
	})
	return list
}

// read reads the meters of a container; one that does not run uses nothing.
func (m *Meter) read(ctx context.Context, c Container) wire.ContainerUsage {
	u := wire.ContainerUsage{ContainerID: c.ID}
	before := m.last[c.ID]
	m.last[c.ID] = runtime.Usage{}
	if !c.Running {
		return u
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now, err := m.Engine.Stats(ctx, c.ID)
	if err != nil || now.At.IsZero() {
		return u // it has just ended, or the engine is away
	}
	m.last[c.ID] = now
	s := now.Stats(before)
	u.Running, u.CPUCores, u.MemoryBytes, u.MemoryLimit = true, s.CPUCores, s.MemoryBytes, s.MemoryLimit
	u.NetRx, u.NetTx, u.BlockRead, u.BlockWrite, u.Pids = s.NetRx, s.NetTx, s.BlockRead, s.BlockWrite, s.Pids
	return u
}

// warn says in the console that a limit is passed, once each time.
func (m *Meter) warn(c Container, bytes int64) {
	over := c.Limit > 0 && bytes > int64(c.Limit)
	if over && !m.over[c.ID] {
		m.Notice(c.ID, "[lormas] "+fullness(c, bytes))
	}
	m.over[c.ID] = over
}

func fullness(c Container, bytes int64) string {
	return fmt.Sprintf("the volumes hold %s, and the limit is %s: remove files, or have the limit raised", spec.Bytes(bytes), c.Limit)
}
