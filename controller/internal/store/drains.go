package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// SetCordon gives a node nothing new from now on, or with a nil time lifts
// that.
func (tx *Tx) SetCordon(ctx context.Context, node id.NodeID, at *time.Time, reason string) error {
	tag, err := tx.tx.Exec(ctx, `update nodes set cordoned_at = $2, cordon_reason = $3, updated_at = now()
		where id = $1 and deleted_at is null`, node, at, reason)
	if err != nil {
		return fmt.Errorf("set cordon: %w", err)
	}
	return changed(tag, "node", node)
}

// SetDrain begins a drain, or with nil ends it.
func (tx *Tx) SetDrain(ctx context.Context, node id.NodeID, d *fleet.Drain) error {
	var job *id.JobID
	var deadline *time.Time
	if d == nil {
		d = &fleet.Drain{}
	} else {
		job, deadline = &d.JobID, &d.Deadline
	}
	tag, err := tx.tx.Exec(ctx, `
		update nodes set drain_job_id = $2, drain_deadline = $3, drain_standard = $4, drain_reason = $5, updated_at = now()
		where id = $1 and deleted_at is null`, node, job, deadline, d.Standard, d.Reason)
	if err != nil {
		return fmt.Errorf("set drain: %w", err)
	}
	return changed(tag, "node", node)
}

// DrainingNodes lists the nodes that are being emptied.
func (s *Store) DrainingNodes(ctx context.Context) ([]fleet.Node, error) {
	rows, err := s.db.Query(ctx, selectNodes+` and n.drain_job_id is not null order by n.id`)
	if err != nil {
		return nil, fmt.Errorf("list draining nodes: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, scanNode)
	if err != nil {
		return nil, fmt.Errorf("list draining nodes: %w", err)
	}
	return nodes, nil
}

// Resident is a container that a node still has.
type Resident struct {
	Container fleet.Container
	Migration *id.MigrationID // that moves it now
}

// Residents lists what a node still has, those on their way out included, ha
// containers first.
func (s *Store) Residents(ctx context.Context, node id.NodeID) ([]Resident, error) {
	rows, err := s.db.Query(ctx, `select`+containerColumns+`, m.id
		from containers c left join container_migrations m on m.container_id = c.id and `+isOpen+`
		where c.node_id = $1 and c.deleted_at is null order by c.type, c.id`, node)
	if err != nil {
		return nil, fmt.Errorf("list containers of node: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Resident, error) {
		var r Resident
		if err := row.Scan(append(containerFields(&r.Container), &r.Migration)...); err != nil {
			return Resident{}, err
		}
		return r, s.openSpec(r.Container.ID, &r.Container.Spec)
	})
	return list, wrap("list containers of node", err)
}
