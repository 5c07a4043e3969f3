package app

import (
	"context"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// settleIn is how long a log that goes with its container is waited for: it is
// seldom far behind.
const settleIn = 2 * time.Second

// settle has a container forgotten only when its log is in the book.
func (a *agent) settle(ctx context.Context, c id.ContainerID) {
	ctx, cancel := context.WithTimeout(ctx, settleIn)
	defer cancel()
	a.keeper.Settle(ctx, c)
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
