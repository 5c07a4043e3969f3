package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/shared/id"
)

// Keep says how long what nobody needs any more is kept.
type Keep struct {
	Idempotency time.Duration
	Jobs        time.Duration // after they finished
	Transitions time.Duration // of nodes
	Revisions   int64         // of a node's desired set, for deltas
}

// Sweep deletes what is older than keep.
func (tx *Tx) Sweep(ctx context.Context, now time.Time, keep Keep) error {
	batch := &pgx.Batch{}
	batch.Queue(`delete from idempotency_keys where created_at < $1`, now.Add(-keep.Idempotency))
	batch.Queue(`delete from jobs where finished_at < $1`, now.Add(-keep.Jobs))
	batch.Queue(`delete from node_transitions where at < $1`, now.Add(-keep.Transitions))
	batch.Queue(`delete from node_changes c using node_health h where h.node_id = c.node_id and c.rev <= h.rev - $1`, keep.Revisions)
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// Requeue puts commands into the outbox again that were sent to an agent
// which is there but did not confirm them: MQTT may have lost them. An agent
// that got one twice answers from its ledger.
func (tx *Tx) Requeue(ctx context.Context, present []id.NodeID, sentBefore time.Time) (int, error) {
	tag, err := tx.tx.Exec(ctx, `
		insert into outbox (node_id, command_id)
		select c.node_id, c.id from commands c
		where c.receipt = 'queued' and c.node_id = any($1) and c.queued_at < $2
		  and (c.deadline is null or c.deadline > now())
		  and not exists (select from outbox o where o.command_id = c.id)`, present, sentBefore)
	if err != nil {
		return 0, fmt.Errorf("requeue commands: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
