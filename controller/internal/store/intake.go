package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Report is what one message of an agent's outbox says, at most one entry
// for each container and each command.
type Report struct {
	Head     uint64 // the cursor moves here
	States   []wire.ContainerStatus
	Receipts []ReceiptNote
	Progress []ProgressNote
}

// ReceiptNote is how far a command has come, in the agent's words.
type ReceiptNote struct {
	Command id.CommandID
	Receipt wire.Receipt
	Message string
}

// ProgressNote is how far a command in work has come.
type ProgressNote struct {
	Command id.CommandID
	Percent int // -1: not known
	Step    string
}

// News is what a transaction changed that people want to hear of.
type News struct {
	Containers []fleet.Container
	Jobs       []fleet.Job
}

// LockCursor answers how far the outbox of an agent was taken in, and keeps
// others from moving it until the transaction ends. A ledger that was never
// seen begins at 0.
func (tx *Tx) LockCursor(ctx context.Context, node id.NodeID, ledger string) (last uint64, err error) {
	err = tx.tx.QueryRow(ctx, `
		insert into node_cursor as c (node_id, ledger_id, last_seq)
		select id, $2, 0 from nodes where id = $1 and deleted_at is null
		on conflict (node_id) do update set
			last_seq = case when c.ledger_id = excluded.ledger_id then c.last_seq else 0 end,
			ledger_id = excluded.ledger_id
		returning last_seq`, node, ledger).Scan(&last)
	return last, one(err, "node", node)
}

// Ingest takes a report in. What is older than what is known, not of this
// node's assignment or not a legal move changes nothing. The caller holds
// the cursor; the number of statements does not depend on the report.
func (tx *Tx) Ingest(ctx context.Context, node id.NodeID, r Report) (News, error) {
	var news News
	batch := &pgx.Batch{}
	if len(r.States) > 0 {
		tx.queueStates(batch, node, r.States, &news)
	}
	if len(r.Receipts) > 0 {
		queueReceipts(batch, node, r.Receipts, &news)
	}
	if len(r.Progress) > 0 {
		queueProgress(batch, node, r.Progress, &news)
	}
	batch.Queue(`update node_cursor set last_seq = $2 where node_id = $1 and last_seq < $2`, node, int64(r.Head))
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return News{}, fmt.Errorf("ingest report: %w", err)
	}
	return news, nil
}

// queueStates orders reports by epoch, then generation; the cursor orders
// those of one generation. A container that is assigned elsewhere, or under
// another epoch, is not the node's to speak of.
func (tx *Tx) queueStates(batch *pgx.Batch, node id.NodeID, states []wire.ContainerStatus, news *News) {
	ids := make([]id.ContainerID, len(states))
	epochs, generations := make([]int64, len(states)), make([]int64, len(states))
	for i, s := range states {
		ids[i], epochs[i], generations[i] = s.ID, s.Epoch, s.Generation
	}
	batch.Queue(`
		update containers c set observed = s.status, observed_at = now()
		from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::jsonb[]) as s (id, epoch, generation, status)
		where c.id = s.id and c.node_id = $1 and c.epoch = s.epoch and c.deleted_at is null
		  and (c.observed is null
		       or ((c.observed->>'epoch')::bigint, (c.observed->>'generation')::bigint) <= (s.epoch, s.generation))
		returning`+containerColumns, node, ids, epochs, generations, states).
		Query(collectInto(&news.Containers, tx.scanContainer))
}

// queueReceipts moves commands along queued → delivered → final, never back,
// and then their jobs.
func queueReceipts(batch *pgx.Batch, node id.NodeID, receipts []ReceiptNote, news *News) {
	ids := make([]id.CommandID, len(receipts))
	words, messages := make([]wire.Receipt, len(receipts)), make([]string, len(receipts))
	for i, r := range receipts {
		ids[i], words[i], messages[i] = r.Command, r.Receipt, r.Message
	}
	batch.Queue(`
		update commands c set receipt = r.receipt, message = r.message,
			delivered_at = coalesce(c.delivered_at, now()),
			finished_at = case when r.receipt <> 'delivered' then now() end,
			input = case when r.receipt = 'delivered' then c.input else '' end
		from unnest($2::uuid[], $3::text[], $4::text[]) as r (id, receipt, message)
		where c.id = r.id and c.node_id = $1
		  and (c.receipt = 'queued' or (c.receipt = 'delivered' and r.receipt <> 'delivered'))`,
		node, ids, words, messages)
	queueJobs(batch, ids, news)
}

// migratorsJobs are the kinds of jobs that the migrator moves along; a receipt
// is only a part of what they wait for.
const migratorsJobs = `('migration.manage', 'node.drain')`

// queueJobs moves the jobs of commands to where the receipts of all their
// commands say. The worst outcome of a job's commands is the job's.
func queueJobs(batch *pgx.Batch, commands []id.CommandID, news *News) {
	batch.Queue(`
		with heard as (
			select c.job_id,
			       bool_or(c.receipt in ('queued', 'delivered')) as open,
			       bool_or(c.receipt <> 'queued') as begun,
			       bool_or(c.receipt = 'failed') as failed,
			       bool_or(c.receipt = 'expired') as expired,
			       bool_or(c.receipt = 'superseded') as superseded,
			       string_agg(c.message, '; ' order by c.id)
			           filter (where c.receipt in ('failed', 'expired') and c.message <> '') as error
			from commands c
			where c.job_id in (select job_id from commands where id = any($1))
			group by c.job_id),
		next as (
			select job_id, coalesce(error, '') as error,
			       case when open and begun then 'running' when open then 'queued'
			            when failed then 'failed' when expired then 'expired'
			            when superseded then 'superseded' else 'succeeded' end as state
			from heard)
		update jobs j set state = n.state, error = n.error,
			progress = case when n.state = 'succeeded' then 100 else j.progress end,
			started_at = coalesce(j.started_at, now()),
			finished_at = case when n.state <> 'running' then now() end
		from next n
		where j.id = n.job_id and j.state in ('queued', 'running') and n.state not in (j.state, 'queued')
		  and j.kind not in `+migratorsJobs+`
		returning`+jobColumns, commands).
		Query(collectInto(&news.Jobs, scanJob))
}

func queueProgress(batch *pgx.Batch, node id.NodeID, progress []ProgressNote, news *News) {
	ids := make([]id.CommandID, len(progress))
	percents, steps := make([]int, len(progress)), make([]string, len(progress))
	for i, p := range progress {
		ids[i], percents[i], steps[i] = p.Command, p.Percent, p.Step
	}
	batch.Queue(`
		update jobs j set step = p.step, progress = case when p.percent < 0 then j.progress else p.percent end
		from unnest($2::uuid[], $3::int[], $4::text[]) as p (command, percent, step)
		join commands c on c.id = p.command and c.node_id = $1
		where j.id = c.job_id and j.state in ('queued', 'running') and j.kind not in `+migratorsJobs+`
		returning`+jobColumns, node, ids, percents, steps).
		Query(collectInto(&news.Jobs, scanJob))
}

// collectInto appends the rows of a batched statement to list.
func collectInto[T any](list *[]T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		more, err := pgx.CollectRows(rows, scan)
		*list = append(*list, more...)
		return err
	}
}

// ExpireCommands ends the commands whose deadline has passed: those that
// nobody confirmed at once, those that an agent has begun after patience, as
// their result may be on its way.
func (tx *Tx) ExpireCommands(ctx context.Context, now time.Time, patience time.Duration) (News, error) {
	rows, err := tx.tx.Query(ctx, `
		update commands set receipt = 'expired', finished_at = $1, input = '',
			message = case receipt when 'queued' then 'the node did not confirm it before its deadline: check the node and try again'
			          else 'the node began it but did not say how it ended' end
		where deadline is not null
		  and ((receipt = 'queued' and deadline < $1) or (receipt = 'delivered' and deadline < $2))
		returning id`, now, now.Add(-patience))
	if err != nil {
		return News{}, fmt.Errorf("expire commands: %w", err)
	}
	expired, err := pgx.CollectRows(rows, pgx.RowTo[id.CommandID])
	if err != nil || len(expired) == 0 {
		return News{}, err
	}
	var news News
	batch := &pgx.Batch{}
	queueJobs(batch, expired, &news)
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return News{}, fmt.Errorf("expire jobs: %w", err)
	}
	return news, nil
}
