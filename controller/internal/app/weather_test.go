package app

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// An hour of fifty nodes whose links come and go, and whose agents crash; what
// is lost moves. The invariants are those of FAILOVER §9.1.
func TestI1I2I4I8I11I14AnHourOfBadLinks(t *testing.T) {
	inBubble(t, 50, func(b *bubble) {
		b.await("the guards to be heard of", b.guarded)
		var all []fleet.Container
		for i := range 60 {
			all = append(all, b.container(fmt.Sprintf("c-%d", i), func(in *actions.NewContainer) {
				switch i % 3 {
				case 1:
					in.Type, in.HAPolicy = fleet.HA, fleet.Available
				case 2:
					in.Type, in.HAPolicy = fleet.HA, fleet.Exclusive
				}
			}))
			b.never(all[i])
		}
		b.await("all containers to run", func() bool { return b.settled(all) == "" })
		b.storm(time.Hour)
		b.await("all nodes to be healthy", func() bool { return b.Main.nodes.States()[fleet.NodeHealthy] == len(b.nodes) })
		b.await("one copy of each, where it belongs", func() bool { return b.settled(all) == "" })
		b.afterStorm(all)
	})
}

// never keeps a container that must not run twice under watch.
func (b *bubble) never(c fleet.Container) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.once[c.ID] = c.HAPolicy != fleet.Available
}

// guarded reports whether every node has said that its guard answers.
func (b *bubble) guarded() bool {
	list, _, err := b.store.Nodes(context.Background(), store.NodeFilter{Page: store.Page{Limit: 200}, Reach: store.Reach{All: true}})
	b.ok(err)
	for _, n := range list {
		if !n.Health.GuardOK {
			return false
		}
	}
	return len(list) > 0
}

// settled is what is not yet as it should be, or "": each container runs once,
// on its node, and none is being moved (I2, I8).
func (b *bubble) settled(all []fleet.Container) string {
	b.Helper()
	ids := make([]id.ContainerID, len(all))
	for i, c := range all {
		ids[i] = c.ID
	}
	list, err := b.store.ContainersByID(context.Background(), ids)
	b.ok(err)
	for _, c := range list {
		if on := b.where(c.ID); len(on) != 1 || on[0] != c.NodeID || c.Phase() != "running" {
			return fmt.Sprintf("%s is %s on %v, and belongs to %s", c.Name, c.Phase(), on, c.NodeID)
		}
	}
	open, err := b.store.OpenMigrations(context.Background(), 1)
	b.ok(err)
	if len(open) > 0 {
		return fmt.Sprintf("migration %s is %s: %s", open[0].ID, open[0].State, open[0].Waiting)
	}
	return ""
}

// storm cuts links and crashes agents for so long.
func (b *bubble) storm(long time.Duration) {
	b.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); {
		time.Sleep(time.Duration(b.random.IntN(20000)) * time.Millisecond)
		n := b.nodes[b.random.IntN(len(b.nodes))]
		switch b.random.IntN(5) {
		case 0:
			b.ok(n.Crash())
		default:
			n.link.cut(true)
		}
		time.AfterFunc(time.Duration(b.random.IntN(90000))*time.Millisecond, func() {
			n.link.cut(false)
			b.ok(n.Start())
		})
	}
}

// afterStorm checks what has become of it all.
func (b *bubble) afterStorm(all []fleet.Container) {
	b.Helper()
	if why := b.settled(all); why != "" {
		b.Errorf("I2: %s", why)
	}
	b.mu.Lock()
	for _, twice := range b.twice {
		b.Errorf("I1: %s", twice)
	}
	for _, c := range all {
		if c.Type == fleet.Standard && b.ends[c.ID] > 0 {
			b.Errorf("I4: %s was ended %d times", c.Name, b.ends[c.ID])
		}
	}
	b.mu.Unlock()
	moved := map[fleet.HAPolicy]int{}
	for _, c := range all {
		now := b.seen(c.ID)
		if c.Type == fleet.Standard && now.Epoch != 1 {
			b.Errorf("I11: %s moved by itself", c.Name)
		}
		moved[c.HAPolicy] += int(now.Epoch) - 1
		for _, m := range b.history(c.ID) {
			if m.DurationMS < 0 || m.State == fleet.MigrationDone && (m.DetectMS == nil || m.StartMS == nil || *m.DetectMS+*m.StartMS < 0 || *m.StartMS > m.DurationMS) {
				b.Errorf("I14: the times of a migration do not add up: %+v", m)
			}
		}
	}
	if moved[fleet.Available] == 0 || moved[fleet.Exclusive] == 0 {
		b.Errorf("nothing was tried: %v moves", moved)
	}
	b.Logf("moves by policy: %v", moved)
}

func (b *bubble) history(c id.ContainerID) []store.PastMigration {
	b.Helper()
	list, _, err := b.store.MigrationHistory(context.Background(), c, store.Page{Limit: 200})
	b.ok(err)
	return list
}
