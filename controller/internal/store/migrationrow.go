package store

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// migrationRow is a migration as jsonb_to_recordset reads it: one parameter
// for any number of them. What is null need not be said.
type migrationRow struct {
	ID          id.MigrationID       `json:"id"`
	ContainerID id.ContainerID       `json:"container_id"`
	Kind        fleet.MigrationKind  `json:"kind"`
	Reason      string               `json:"reason"`
	RequestedBy *id.UserID           `json:"requested_by,omitempty"`
	JobID       *id.JobID            `json:"job_id,omitempty"`
	From        id.NodeID            `json:"from_node_id"`
	To          *id.NodeID           `json:"to_node_id,omitempty"`
	Wanted      *id.NodeID           `json:"wanted_node_id,omitempty"`
	FromEpoch   int64                `json:"from_epoch"`
	ToEpoch     *int64               `json:"to_epoch,omitempty"`
	Policy      fleet.HAPolicy       `json:"policy"`
	Force       bool                 `json:"force"`
	Overlap     bool                 `json:"overlap"`
	State       fleet.MigrationState `json:"state"`
	Version     int                  `json:"version"`
	Attempt     int                  `json:"attempt"`
	Excluded    []id.NodeID          `json:"excluded"`
	Priority    int                  `json:"priority"`
	StopRev     *int64               `json:"stop_rev,omitempty"`
	StopCommand *id.CommandID        `json:"stop_command,omitempty"`
	Waiting     string               `json:"waiting"`
	Error       string               `json:"error"`
	DetectedAt  *time.Time           `json:"detected_at,omitempty"`
	CreatedAt   time.Time            `json:"created_at"`
	ReservedAt  *time.Time           `json:"reserved_at,omitempty"`
	StoppingAt  *time.Time           `json:"stopping_at,omitempty"`
	StoppedAt   *time.Time           `json:"stopped_at,omitempty"`
	SwitchedAt  *time.Time           `json:"switched_at,omitempty"`
	RunningAt   *time.Time           `json:"running_at,omitempty"`
	FinishedAt  *time.Time           `json:"finished_at,omitempty"`
	Deadline    *time.Time           `json:"step_deadline,omitempty"`
	NextRunAt   time.Time            `json:"next_run_at"`
	Leftover    fleet.Leftover       `json:"leftover"`
	OverlapMS   *int64               `json:"overlap_ms,omitempty"`
	Ports       []spec.PortChange    `json:"ports,omitempty"`
	// of the job, where it has one of its own
	Step     string         `json:"step"`
	Progress int            `json:"progress"`
	Job      fleet.JobState `json:"job_state"`
}

// migrationRecord names the columns of migrationRow and their types.
const migrationRecord = `r (id uuid, container_id uuid, kind text, reason text, requested_by uuid, job_id uuid,
	from_node_id uuid, to_node_id uuid, wanted_node_id uuid, from_epoch bigint, to_epoch bigint, policy text,
	force boolean, overlap boolean, state text, version int, attempt int, excluded uuid[], priority int,
	stop_rev bigint, stop_command uuid, waiting text, error text, detected_at timestamptz, created_at timestamptz,
	reserved_at timestamptz, stopping_at timestamptz, stopped_at timestamptz, switched_at timestamptz, running_at timestamptz,
	finished_at timestamptz, step_deadline timestamptz, next_run_at timestamptz, leftover text, overlap_ms bigint, ports jsonb,
	step text, progress int, job_state text)`

// insertedColumns are those of a migration that are written when it begins: all.
const insertedColumns = `id, container_id, kind, reason, requested_by, job_id, from_node_id, to_node_id, wanted_node_id, from_epoch, to_epoch,
	policy, force, overlap, state, version, attempt, excluded, priority, stop_rev, stop_command, waiting, error, detected_at, created_at,
	reserved_at, stopping_at, stopped_at, switched_at, running_at, finished_at, step_deadline, next_run_at, leftover, overlap_ms, ports`

func migrationRows(list []fleet.Migration) []migrationRow {
	rows := make([]migrationRow, len(list))
	for i, m := range list {
		rows[i] = migrationRow{
			ID: m.ID, ContainerID: m.ContainerID, Kind: m.Kind, Reason: m.Reason, RequestedBy: m.RequestedBy, JobID: m.JobID,
			From: m.From, To: m.To, Wanted: m.Wanted, FromEpoch: m.FromEpoch, ToEpoch: numberOrNull(m.ToEpoch), Policy: m.Policy,
			Force: m.Force, Overlap: m.Overlap, State: m.State, Version: max(m.Version, 1), Attempt: max(m.Attempt, 1),
			Excluded: append([]id.NodeID{}, m.Excluded...), Priority: m.Priority,
			StopRev: numberOrNull(m.StopRev), StopCommand: m.StopCommand, Waiting: m.Waiting, Error: m.Error,
			DetectedAt: m.DetectedAt, CreatedAt: m.CreatedAt, ReservedAt: m.ReservedAt, StoppingAt: m.StoppingAt,
			StoppedAt: m.StoppedAt, SwitchedAt: m.SwitchedAt, RunningAt: m.RunningAt, FinishedAt: m.FinishedAt,
			Deadline: m.Deadline, NextRunAt: m.NextRunAt, Leftover: m.Leftover, OverlapMS: m.OverlapMS, Ports: m.Ports,
		}
		if m.NextRunAt.IsZero() {
			rows[i].NextRunAt = m.CreatedAt
		}
		if rows[i].Leftover == "" {
			rows[i].Leftover = fleet.LeftoverNone
		}
		rows[i].Step, rows[i].Progress, rows[i].Job = jobOf(m)
	}
	return rows
}

func numberOrNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// jobOf is what a migration makes of its job.
func jobOf(m fleet.Migration) (step string, progress int, state fleet.JobState) {
	state = fleet.JobRunning
	switch m.State {
	case fleet.MigrationQueued:
		step = "waiting for a place"
	case fleet.MigrationReserved:
		step, progress = "preparing the target", 20
	case fleet.MigrationStopping:
		step, progress = "stopping at the source", 40
	case fleet.MigrationFencing:
		step, progress = "waiting for the source's lease to end", 50
	case fleet.MigrationStarting:
		step, progress = "starting at the target", 70
	case fleet.MigrationRollingBack:
		step, progress = "going back to the source", 70
	case fleet.MigrationDone:
		step, progress, state = "moved", 100, fleet.JobSucceeded
	case fleet.MigrationRolledBack:
		step, state = "back at the source", fleet.JobFailed
	case fleet.MigrationGaveUp:
		step, state = "given up", fleet.JobFailed
	case fleet.MigrationCancelled:
		step, state = "cancelled", fleet.JobSuperseded
	}
	if m.Waiting != "" {
		step = m.Waiting
	}
	return step, progress, state
}
