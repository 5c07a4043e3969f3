package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// ha makes an available container on a node and waits until it runs.
func (b *bubble) ha(name string, on *bubbleNode) fleet.Container {
	b.Helper()
	c := b.container(name, func(in *actions.NewContainer) { in.Type, in.NodeID = fleet.HA, &on.Node })
	b.await(name+" to run", func() bool {
		return slices.Equal(b.where(c.ID), []id.NodeID{on.Node}) && b.seen(c.ID).Phase() == "running"
	})
	return b.seen(c.ID)
}

// seen is a container as it is on record.
func (b *bubble) seen(c id.ContainerID) fleet.Container {
	b.Helper()
	out, err := b.store.AnyContainer(context.Background(), c)
	b.ok(err)
	return out
}

func (b *bubble) tx(work func(ctx context.Context, tx *store.Tx) error) {
	b.Helper()
	b.ok(b.store.InTx(context.Background(), func(tx *store.Tx) error { return work(context.Background(), tx) }))
}

// migrate asks for a move, as the API does.
func (b *bubble) migrate(c fleet.Container, edit func(*fleet.Migration)) fleet.Migration {
	b.Helper()
	now := time.Now()
	job := fleet.Job{ID: id.New[id.JobID](), Kind: fleet.MigrationManage, State: fleet.JobQueued, NodeID: &c.NodeID, ContainerID: &c.ID, CreatedAt: now}
	m := fleet.Migration{
		ID: id.New[id.MigrationID](), ContainerID: c.ID, Kind: fleet.KindManual, JobID: &job.ID, From: c.NodeID, FromEpoch: c.Epoch,
		Policy: c.HAPolicy, State: fleet.MigrationQueued, Version: 1, Attempt: 1, Priority: fleet.PriorityManual, CreatedAt: now, NextRunAt: now,
		Leftover: fleet.LeftoverNone,
	}
	edit(&m)
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LockContainer(ctx, c.ID); err != nil {
			return err
		}
		if err := tx.InsertJob(ctx, job); err != nil {
			return err
		}
		return tx.InsertMigration(ctx, m)
	})
	b.migrator.Wake()
	return m
}

// latest is the newest migration of a container.
func (b *bubble) latest(c id.ContainerID) fleet.Migration {
	b.Helper()
	list, _, err := b.store.Migrations(context.Background(), store.MigrationFilter{Page: store.Page{Limit: 1}, Container: &c, Reach: store.Reach{All: true}})
	b.ok(err)
	if len(list) == 0 {
		return fleet.Migration{}
	}
	return list[0]
}

// awaitMigration waits until the newest migration of a container is in a state.
func (b *bubble) awaitMigration(c id.ContainerID, want fleet.MigrationState) fleet.Migration {
	b.Helper()
	b.await("a migration that is "+string(want), func() bool {
		m := b.latest(c)
		if !m.ID.IsZero() && m.State.Final() && m.State != want {
			b.Fatalf("the migration is %s: %s", m.State, m.Error)
		}
		return m.State == want
	})
	return b.latest(c)
}

func TestALostNodeIsReplaced(t *testing.T) {
	inBubble(t, 3, func(b *bubble) {
		time.Sleep(time.Minute) // grace
		old := b.nodes[0]
		c := b.ha("web", old)
		cut := time.Now()
		old.link.cut(true)
		m := b.awaitMigration(c.ID, fleet.MigrationDone)
		took := time.Since(cut)
		if took < 20*time.Second || took > 32*time.Second {
			t.Errorf("the replacement runs %s after the cut", took)
		}
		now := b.seen(c.ID)
		if now.NodeID == old.Node || now.Epoch != c.Epoch+1 || *m.To != now.NodeID || m.Kind != fleet.KindFailover || now.MigrationStatus != fleet.MigrationCompleted {
			t.Errorf("it is on %s at epoch %d, %s, after %+v", now.NodeID, now.Epoch, now.MigrationStatus, m)
		}
		if m.Leftover != fleet.LeftoverUnknown {
			t.Errorf("the old copy is %s", m.Leftover)
		}
		time.Sleep(10 * time.Second)
		old.link.cut(false)
		b.await("one copy", func() bool { return slices.Equal(b.where(c.ID), []id.NodeID{now.NodeID}) })
		b.await("the overlap to be known", func() bool { return b.latest(c.ID).Leftover == fleet.LeftoverGone })
		if m = b.latest(c.ID); m.OverlapMS == nil || *m.OverlapMS < 9000 || *m.OverlapMS > 60000 {
			t.Errorf("the overlap is %v ms", m.OverlapMS)
		}
	})
}

func TestAContainerIsMoved(t *testing.T) {
	inBubble(t, 3, func(b *bubble) {
		c := b.ha("web", b.nodes[0])
		began := time.Now()
		b.migrate(c, func(m *fleet.Migration) { m.Wanted = &b.nodes[2].Node })
		m := b.awaitMigration(c.ID, fleet.MigrationDone)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
		if on := b.where(c.ID); !slices.Equal(on, []id.NodeID{b.nodes[2].Node}) || m.Leftover != fleet.LeftoverNone {
			t.Errorf("it runs on %v, and left %s", on, m.Leftover)
		}
		job, err := b.store.Job(context.Background(), *m.JobID)
		b.ok(err)
		if job.State != fleet.JobSucceeded {
			t.Errorf("its job has %s", job.State)
		}
	})
}
