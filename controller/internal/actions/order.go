package actions

import (
	"context"
	"time"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// transientDeadline is how long a restart or kill may wait for its node: it
// is never carried out later.
const transientDeadline = 60 * time.Second

// order is what a node is to be asked for.
type order struct {
	verb      fleet.Verb // of the job
	action    wire.Action
	container fleet.Container // as it should be from now on
	transient bool            // changes no desired state, so replaces nothing
	input     string          // for the console
}

// order records a verb for a node: the change of its desired set, unless the
// verb is transient, and the job with the command that reports back.
func (s *Service) order(ctx context.Context, tx *store.Tx, actor authz.Actor, o order) (fleet.Job, error) {
	c, now := o.container, s.now()
	job := newJob(actor, o.verb, c, now)
	command := fleet.Command{
		ID: id.New[id.CommandID](), JobID: job.ID, NodeID: c.NodeID, ContainerID: &c.ID,
		Action: o.action, Receipt: wire.Queued, Epoch: c.Epoch, Generation: c.Generation, QueuedAt: now, Input: o.input,
	}
	if o.action.Transient() {
		deadline := now.Add(transientDeadline)
		command.Deadline = &deadline
	}
	if !o.transient {
		if err := tx.SupersedeOpen(ctx, c.ID); err != nil {
			return fleet.Job{}, err
		}
		rev, err := tx.TouchNode(ctx, c.NodeID, c.ID)
		if err != nil {
			return fleet.Job{}, err
		}
		command.Rev = rev
	}
	job.Commands = []fleet.Command{command}
	return job, tx.InsertJob(ctx, job)
}

func newJob(actor authz.Actor, v fleet.Verb, c fleet.Container, now time.Time) fleet.Job {
	return fleet.Job{
		ID: id.New[id.JobID](), Kind: v, State: fleet.JobQueued, NodeID: &c.NodeID, ContainerID: &c.ID,
		RequestedBy: requester(actor), CreatedAt: now,
	}
}
