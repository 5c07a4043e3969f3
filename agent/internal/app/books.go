package app

import (
	"context"
	"time"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/docker"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// settled is the engine, which forgets a container's log only when it is in
// the book.
type settled struct {
	*docker.Engine
	keeper *console.Keeper
}

// settleIn is how long that may take: a log is seldom far behind.
const settleIn = 2 * time.Second

// Create makes a container in place of another.
func (s settled) Create(ctx context.Context, in runtime.Instance, report func(wire.Progress)) error {
	s.settle(ctx, in.ID)
	return s.Engine.Create(ctx, in, report)
}

// Remove removes a container.
func (s settled) Remove(ctx context.Context, c id.ContainerID) error {
	s.settle(ctx, c)
	return s.Engine.Remove(ctx, c)
}

func (s settled) settle(ctx context.Context, c id.ContainerID) {
	if f, err := s.Find(ctx, c); err == nil && f.Running {
		return
	} // where there is none, there may be what installed it
	ctx, cancel := context.WithTimeout(ctx, settleIn)
	defer cancel()
	s.keeper.Settle(ctx, c)
}

// tidyEvery is how often the books of containers that are gone are removed.
const tidyEvery = 10 * time.Minute

// tidyBooks removes the books of containers that the node neither has nor
// should have.
func (a *agent) tidyBooks(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := a.tidy(); err != nil {
			a.log.Warn("consoles of containers that are gone were not removed; it is tried again later", "error", err)
		}
	}
}

func (a *agent) tidy() error {
	view := a.reconciler.View()
	if !view.EngineOK {
		return nil
	}
	desired, err := a.ledger.Desired()
	if err != nil {
		return err
	}
	present := map[id.ContainerID]bool{}
	for _, c := range view.Present {
		present[c.ID] = true
	}
	return a.books.Keep(func(c id.ContainerID) bool {
		entry, wanted := desired.Containers[c]
		return wanted && entry.Power != spec.Absent || present[c]
	})
}
