package store

import (
	"context"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Placed is a migration as its next step wants it, with the place that was
// found.
type Placed struct {
	Migration fleet.Migration // State, Version and times as the step gives them
	Node      id.NodeID
	Ports     []spec.Port // placement.Confirm's; nil in Switch: those that were reserved
}

// LockPlaces locks the ledgers of nodes, in the order of their ids, and
// answers with what is true of them now, all taken ports included. Nodes that
// were deleted are left out. Containers are locked before (LockMigrations);
// pass the nodes that are left, too, where a Switch follows.
func (tx *Tx) LockPlaces(ctx context.Context, nodes []id.NodeID) (map[id.NodeID]placement.Candidate, error) {
	return nil, errLater
}

// ReserveFor takes room and ports at the target, beside what the container
// has where it is. It sets To.
func (tx *Tx) ReserveFor(ctx context.Context, list []Placed) error { return errLater }

// Evict has the node of each container told to stop it, by desired state and
// by a command with a receipt. It sets StopRev and StopCommand and answers the
// revisions of the nodes. Every migration has a job.
func (tx *Tx) Evict(ctx context.Context, list []fleet.Migration) (revs map[id.NodeID]int64, err error) {
	return nil, errLater
}

// Stay ends an eviction: the container runs on where it is, and what was
// reserved elsewhere is given back.
func (tx *Tx) Stay(ctx context.Context, list []fleet.Migration) (revs map[id.NodeID]int64, err error) {
	return nil, errLater
}

// Switch gives containers to other nodes: the next epoch, there. Room and
// ports are taken at the target unless they were reserved, and given back at
// the node that is left. It sets To and ToEpoch and answers the new revisions
// of all nodes concerned.
func (tx *Tx) Switch(ctx context.Context, list []Placed) (revs map[id.NodeID]int64, err error) {
	return nil, errLater
}

// SaveMigrations writes everything else that a step changes, and answers
// which of them were still of the version given. What was reserved is given
// back where the state no longer holds it.
func (tx *Tx) SaveMigrations(ctx context.Context, list []fleet.Migration) ([]id.MigrationID, error) {
	return nil, errLater
}

// FinishMigrations writes final states: the migration, its container's
// status, its job unless that is a drain. An eviction ends, what was reserved
// is given back. It answers what people want to hear, and the revisions of
// nodes that have something new.
func (tx *Tx) FinishMigrations(ctx context.Context, list []fleet.Migration) (News, map[id.NodeID]int64, error) {
	return News{}, nil, errLater
}

// SaveJobs writes how far jobs have come, unless they are over: for those
// that no command's receipt moves.
func (tx *Tx) SaveJobs(ctx context.Context, jobs []fleet.Job) error { return errLater }

// ContainersByID loads containers, also deleted ones, in no order.
func (s *Store) ContainersByID(ctx context.Context, ids []id.ContainerID) ([]fleet.Container, error) {
	return nil, errLater
}
