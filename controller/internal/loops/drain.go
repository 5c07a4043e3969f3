package loops

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// drains takes every drain one step further. What a lost node had is failed
// over first: that waits for no limit.
func (m *Migrator) drains(ctx context.Context) error {
	nodes, err := m.Store.DrainingNodes(ctx)
	if err != nil || len(nodes) == 0 {
		return err
	}
	lost := m.Nodes.Lost()
	for _, n := range nodes {
		if since, gone := lost[n.ID]; gone && !m.hasBegun(n.ID, since) {
			continue
		}
		if err := m.drain(ctx, n); err != nil {
			return fmt.Errorf("drain node %s: %w", n.ID, err)
		}
	}
	return nil
}

func (m *Migrator) drain(ctx context.Context, n fleet.Node) error {
	seen, err := m.draining(ctx, n)
	if err != nil {
		return err
	}
	next := failover.Drain(seen)
	job, err := m.Store.Job(ctx, n.Drain.JobID)
	if err != nil {
		return err
	}
	now := m.Now()
	started := job.StartedAt == nil
	changed := len(next.Queue) > 0 || next.Over || started || job.Progress != next.Done || job.Step != next.Step
	if !changed || job.State.Final() && !next.Over {
		return nil
	}
	job.State, job.Progress, job.Step, job.Error = next.Job, next.Done, next.Step, next.Error
	if started {
		job.StartedAt = &now
	}
	if next.Over {
		job.FinishedAt = &now
	}
	var queued []fleet.Migration
	err = m.inTx(ctx, "drain", func(tx *store.Tx) error {
		if queued, err = m.queueDrain(ctx, tx, n, next.Queue); err != nil {
			return err
		}
		if next.Over {
			if err := tx.SetDrain(ctx, n.ID, nil); err != nil {
				return err
			}
		}
		return tx.SaveJobs(ctx, []fleet.Job{job})
	})
	if err != nil {
		return err
	}
	m.Live.Job(job)
	m.tell(ctx, queued, nil)
	return nil
}

// draining is what there is to know of a drain.
func (m *Migrator) draining(ctx context.Context, n fleet.Node) (failover.Draining, error) {
	d := failover.Draining{Drain: *n.Drain}
	residents, err := m.Store.Residents(ctx, n.ID)
	if err != nil {
		return d, err
	}
	for _, r := range residents {
		d.Residents = append(d.Residents, failover.Resident{Container: r.Container, Moving: r.Migration != nil})
	}
	filter := store.MigrationFilter{Page: store.Page{Limit: 200}, Job: &n.Drain.JobID, Reach: store.Reach{All: true}}
	for {
		page, next, err := m.Store.Migrations(ctx, filter)
		if err != nil {
			return d, err
		}
		d.Tried = append(d.Tried, page...)
		if next == "" {
			return d, nil
		}
		filter.Cursor = next
	}
}

// queueDrain queues a migration for each container that has to leave. One
// that somebody else has begun to move meanwhile is looked at again.
func (m *Migrator) queueDrain(ctx context.Context, tx *store.Tx, n fleet.Node, leave []fleet.Container) ([]fleet.Migration, error) {
	var queued []fleet.Migration
	for _, c := range leave {
		locked, err := tx.LockContainer(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if locked.NodeID != n.ID || locked.DeletedAt != nil {
			continue
		}
		job := n.Drain.JobID
		g := fleet.Migration{
			ID: id.New[id.MigrationID](), ContainerID: c.ID, Kind: fleet.KindDrain, Reason: n.Drain.Reason, JobID: &job,
			From: n.ID, FromEpoch: locked.Epoch, Policy: locked.HAPolicy, State: fleet.MigrationQueued, Version: 1, Attempt: 1,
			Priority: fleet.PriorityDrain, CreatedAt: m.Now(), NextRunAt: m.Now(), Leftover: fleet.LeftoverNone,
		}
		switch err := tx.InsertMigration(ctx, g); {
		case fleet.KindOf(err) == fleet.Conflict:
			continue
		case err != nil:
			return nil, err
		}
		queued = append(queued, g)
	}
	return queued, nil
}
