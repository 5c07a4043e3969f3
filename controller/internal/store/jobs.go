package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

const jobColumns = `
	j.id, j.kind, j.state, j.node_id, j.container_id,
	coalesce((select c.name from containers c where c.id = j.container_id), '') as container_name, j.progress, j.step, j.error, j.requested_by,
	j.created_at, j.started_at, j.finished_at`

func scanJob(row pgx.CollectableRow) (fleet.Job, error) {
	var j fleet.Job
	err := row.Scan(&j.ID, &j.Kind, &j.State, &j.NodeID, &j.ContainerID, &j.ContainerName, &j.Progress, &j.Step, &j.Error, &j.RequestedBy,
		&j.CreatedAt, &j.StartedAt, &j.FinishedAt)
	return j, err
}

const commandColumns = `
	id, job_id, node_id, container_id, action, receipt, rev, epoch, generation, deadline, message,
	queued_at, delivered_at, finished_at`

func scanCommand(row pgx.CollectableRow) (fleet.Command, error) {
	var c fleet.Command
	err := row.Scan(&c.ID, &c.JobID, &c.NodeID, &c.ContainerID, &c.Action, &c.Receipt, &c.Rev, &c.Epoch, &c.Generation,
		&c.Deadline, &c.Message, &c.QueuedAt, &c.DeliveredAt, &c.FinishedAt)
	return c, err
}

// Job loads one job with its commands.
func (s *Store) Job(ctx context.Context, job id.JobID) (fleet.Job, error) {
	rows, err := s.db.Query(ctx, `select`+jobColumns+` from jobs j where j.id = $1`, job)
	if err != nil {
		return fleet.Job{}, fmt.Errorf("load job: %w", err)
	}
	j, err := pgx.CollectExactlyOneRow(rows, scanJob)
	if err != nil {
		return j, one(err, "job", job)
	}
	jobs := []fleet.Job{j}
	err = s.withCommands(ctx, jobs)
	return jobs[0], err
}

// JobList is how jobs are listed.
var JobList = Listing{
	name: "jobs", looks: []string{"x.kind", nameOfContainer, nameOf("node_id")}, Finds: "the kind, and the names of its container and node",
	orders: []order{byTime("createdAt", "x.created_at"), byText("kind", "x.kind"), byText("state", "x.state")},
}

// JobFilter narrows a list of jobs. Zero fields do not.
type JobFilter struct {
	Page
	Container *id.ContainerID
	Node      *id.NodeID
	State     fleet.JobState
	Kind      fleet.Verb
	Reach     Reach
}

// Jobs lists jobs with their commands, and the cursor of the next page. A job
// is of the node on which it was done, and of its container for good: also
// when that is gone.
func (s *Store) Jobs(ctx context.Context, f JobFilter) ([]fleet.Job, string, error) {
	jobs, next, err := list(ctx, s, JobList, f.Page, scanJob, `select`+jobColumns+`
		from jobs j
		where ($1::uuid is null or j.container_id = $1)
		and ($2::uuid is null or j.node_id = $2)
		and ($3 = '' or j.state = $3)
		and ($4 = '' or j.kind = $4)
		and `+f.Reach.holdsJob("j", 5),
		f.Container, f.Node, f.State, f.Kind, f.Reach.Containers, f.Reach.Nodes, f.Reach.Clusters, f.Reach.Owners)
	if err != nil {
		return nil, "", err
	}
	return jobs, next, s.withCommands(ctx, jobs)
}

// LatestJob is the newest job of a kind for a container.
func (s *Store) LatestJob(ctx context.Context, container id.ContainerID, kind fleet.Verb) (fleet.Job, error) {
	jobs, _, err := s.Jobs(ctx, JobFilter{Page: Page{Limit: 1}, Container: &container, Kind: kind, Reach: Reach{All: true}})
	if err != nil {
		return fleet.Job{}, err
	}
	if len(jobs) == 0 {
		return fleet.Job{}, fleet.Errorf(fleet.NotFound, "there is no %s job of container %s", kind, container)
	}
	return jobs[0], nil
}

// withCommands fills in the commands of all jobs with one query.
func (s *Store) withCommands(ctx context.Context, jobs []fleet.Job) error {
	at := make(map[id.JobID]int, len(jobs))
	ids := make([]id.JobID, len(jobs))
	for i, j := range jobs {
		at[j.ID], ids[i] = i, j.ID
	}
	rows, err := s.db.Query(ctx, `select`+commandColumns+` from commands where job_id = any($1) order by id`, ids)
	if err != nil {
		return fmt.Errorf("load commands: %w", err)
	}
	commands, err := pgx.CollectRows(rows, scanCommand)
	if err != nil {
		return fmt.Errorf("load commands: %w", err)
	}
	for _, c := range commands {
		j := &jobs[at[c.JobID]]
		j.Commands = append(j.Commands, c)
	}
	return nil
}

// InsertJob records a job with its commands, each with the outbox row that
// gets it sent.
func (tx *Tx) InsertJob(ctx context.Context, j fleet.Job) error {
	batch := &pgx.Batch{}
	batch.Queue(`insert into jobs (id, kind, state, node_id, container_id, progress, step, error, requested_by, created_at, started_at, finished_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		j.ID, j.Kind, j.State, j.NodeID, j.ContainerID, j.Progress, j.Step, j.Error, j.RequestedBy, j.CreatedAt, j.StartedAt, j.FinishedAt)
	for _, c := range j.Commands {
		batch.Queue(`insert into commands (id, job_id, node_id, container_id, action, receipt, rev, epoch, generation, deadline, queued_at, input)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			c.ID, c.JobID, c.NodeID, c.ContainerID, c.Action, c.Receipt, c.Rev, c.Epoch, c.Generation, c.Deadline, c.QueuedAt, c.Input)
		batch.Queue(`insert into outbox (node_id, command_id, created_at) values ($1, $2, $3)`, c.NodeID, c.ID, c.QueuedAt)
	}
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return nil
}

// SupersedeOpen ends the commands of a container that a newer lifecycle verb
// replaces, and their jobs: what they wanted is wanted no more, and a kill
// or restart that has not reached the agent must not hit the container in
// its newer state. A restart in work is left to finish. Called before the
// newer command is inserted.
func (tx *Tx) SupersedeOpen(ctx context.Context, container id.ContainerID) error {
	_, err := tx.tx.Exec(ctx, `
		with ended as (
			update commands set receipt = 'superseded', finished_at = now(), input = ''
			where container_id = $1 and receipt in ('queued', 'delivered')
			  and (action <> 'restart' or receipt = 'queued')
			returning job_id)
		update jobs set state = 'superseded', finished_at = now()
		where id in (select job_id from ended) and state in ('queued', 'running') and kind not in `+migratorsJobs, container)
	if err != nil {
		return fmt.Errorf("supersede commands: %w", err)
	}
	return nil
}
