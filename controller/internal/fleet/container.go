package fleet

import (
	"fmt"
	"strings"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Container is one instance of an egg: what it should be, where it is
// assigned, and what its node last saw of it.
type Container struct {
	ID                 id.ContainerID
	Name               string
	EggID              id.EggID
	OwnerID            *id.UserID
	NodeID             id.NodeID
	Spec               spec.Container
	Epoch              int64 // grows with every change of place: the fencing token
	Generation         int64 // grows with every change of spec
	Power              spec.Power
	Type               ContainerType
	HAPolicy           HAPolicy // "" unless Type is HA
	HAPolicyReason     string   // who or what chose it
	Group              string   // those of one group are kept on different nodes where possible
	Evicting           bool     // told to stop on its node, as it is about to leave it
	MigrationStatus    MigrationStatus
	PreferredClusterID *id.ClusterID
	LastMigrationAt    *time.Time
	Observed           *wire.ContainerStatus // nil until the agent reported
	ObservedAt         *time.Time
	CreatedAt          time.Time
	UpdatedAt          time.Time
	DeletedAt          *time.Time
}

// Phase is what people are shown: the last thing seen, or pending where the
// node has not yet spoken of this place and generation.
func (c Container) Phase() spec.Phase {
	if c.Observed == nil || c.Observed.Epoch != c.Epoch {
		return spec.Pending
	}
	return c.Observed.Phase
}

// Warnings say what people should know who let the container move by itself.
func (c Container) Warnings() []string {
	var list []string
	if shared := c.Spec.Writes(true); c.HAPolicy == Available && len(shared) > 0 {
		list = append(list, fmt.Sprintf("for a while after a node was lost two copies may run and write to what is shared (%s): choose ha_policy exclusive unless the program can bear that", strings.Join(shared, ", ")))
	}
	if own := c.Spec.Writes(false); c.Type == HA && len(own) > 0 {
		list = append(list, fmt.Sprintf("what is in %s stays on its node when the container moves: use shared volumes for what has to go along", strings.Join(own, ", ")))
	}
	return list
}

// ContainerType tells containers that stay on their node from those that
// move when it is lost.
type ContainerType string

// The types.
const (
	Standard ContainerType = "standard"
	HA       ContainerType = "ha"
)

// HAPolicy says which matters more for a moved container: that one runs, or
// that never two do.
type HAPolicy string

// The policies.
const (
	Available HAPolicy = "available"
	Exclusive HAPolicy = "exclusive"
)

// MigrationStatus is how a container's latest move went.
type MigrationStatus string

// The statuses.
const (
	MigrationIdle      MigrationStatus = "idle"
	Migrating          MigrationStatus = "migrating"
	MigrationCompleted MigrationStatus = "completed"
	MigrationFailed    MigrationStatus = "failed"
)

// completedFor is how long a container shows that it has moved, unless
// something new begins before.
const completedFor = time.Minute

// At is what the status of a container has become by now, that moved then. One
// that failed stays so until somebody does something about it.
func (s MigrationStatus) At(now time.Time, moved *time.Time) MigrationStatus {
	if s == MigrationCompleted && moved != nil && now.Sub(*moved) >= completedFor {
		return MigrationIdle
	}
	return s
}

// Job is an operation that a user asked for, and its outcome.
type Job struct {
	ID            id.JobID
	Kind          Verb
	State         JobState
	NodeID        *id.NodeID
	ContainerID   *id.ContainerID
	ContainerName string // "" where there is none
	Progress      int    // percent
	Step          string
	Error         string
	RequestedBy   *id.UserID
	CreatedAt     time.Time
	StartedAt     *time.Time
	FinishedAt    *time.Time
	Commands      []Command // the receipts
}

// JobState is how far a job has come.
type JobState string

// The states.
const (
	JobQueued     JobState = "queued"
	JobRunning    JobState = "running"
	JobSucceeded  JobState = "succeeded"
	JobFailed     JobState = "failed"
	JobExpired    JobState = "expired"
	JobSuperseded JobState = "superseded"
)

var jobMoves = map[JobState][]JobState{
	JobQueued:  {JobRunning, JobSucceeded, JobFailed, JobExpired, JobSuperseded},
	JobRunning: {JobSucceeded, JobFailed, JobExpired, JobSuperseded},
}

// CanBecome reports whether a job may go from s to next in one step.
func (s JobState) CanBecome(next JobState) bool { return contains(jobMoves[s], next) }

// Final reports whether the job is over.
func (s JobState) Final() bool { return len(jobMoves[s]) == 0 }

// JobStateOf is what a command's receipt makes of its job.
func JobStateOf(r wire.Receipt) JobState {
	switch r {
	case wire.Queued:
		return JobQueued
	case wire.Delivered:
		return JobRunning
	case wire.Applied:
		return JobSucceeded
	case wire.FailedR:
		return JobFailed
	case wire.Expired:
		return JobExpired
	case wire.Superseded:
		return JobSuperseded
	}
	return JobFailed
}

// Command is what a node was asked to do, with its receipt.
type Command struct {
	ID          id.CommandID
	JobID       id.JobID
	NodeID      id.NodeID
	ContainerID *id.ContainerID
	Action      wire.Action
	Receipt     wire.Receipt
	Rev         int64
	Epoch       int64
	Generation  int64
	Deadline    *time.Time
	Message     string
	Input       string // stdin: what was typed; empty once it is over
	QueuedAt    time.Time
	DeliveredAt *time.Time
	FinishedAt  *time.Time
}
