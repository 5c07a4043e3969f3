package actions

import (
	"context"
	"errors"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// Move is what MigrateContainer takes.
type Move struct {
	Force          bool       // does not wait for the source to confirm
	Target         *id.NodeID // nil: chosen when its turn comes
	Overlap        bool       // the new copy starts before the old one stops
	AcceptDataLoss bool       // what is in its own volumes stays behind
	Reason         string
	Key            string `json:"-"` // Idempotency-Key

	kind fleet.MigrationKind
}

// Moved is a migration and the job that follows it.
type Moved struct {
	Migration fleet.Migration
	Job       fleet.Job
}

// MigrateContainer asks for a container to be moved. It only writes that
// down: the migrator does the rest, step by step, and says in the job how far
// it has come.
func (s *Service) MigrateContainer(ctx context.Context, actor authz.Actor, container id.ContainerID, in Move) (Moved, error) {
	if _, err := s.ContainerFor(ctx, actor, fleet.MigrationManage, container); err != nil {
		return Moved{}, err
	}
	if err := s.maySeeTarget(ctx, actor, in.Target); err != nil {
		return Moved{}, err
	}
	in.kind = fleet.KindManual
	out, err := s.move(ctx, actor, container, in, func(ctx context.Context, tx *store.Tx) (fleet.Container, error) {
		return lockLiving(ctx, tx, container)
	})
	if err == nil {
		s.tellBegun(ctx, out.Migration)
	}
	return out, err
}

// tellBegun is called after the commit. A repeated request may find that it is
// over: that was told then.
func (s *Service) tellBegun(ctx context.Context, m fleet.Migration) {
	if !m.State.Final() {
		s.TellMoves(ctx, []fleet.Migration{m})
	}
}

// maySeeTarget keeps nodes from being named by those who may not see them.
// One that does not exist is a fault of the request, later.
func (s *Service) maySeeTarget(ctx context.Context, actor authz.Actor, target *id.NodeID) error {
	if target == nil {
		return nil
	}
	_, err := s.nodeFor(ctx, actor, fleet.NodeView, *target)
	if fleet.KindOf(err) == fleet.NotFound {
		return nil
	}
	return err
}

// move walks the stairs of a migration that somebody asks for. lock finds the
// container in the state in which it may be moved.
func (s *Service) move(ctx context.Context, actor authz.Actor, container id.ContainerID, in Move,
	lock func(context.Context, *store.Tx) (fleet.Container, error)) (Moved, error) {
	o, err := s.once(actor, fleet.MigrationManage, in.Key, []any{container, in})
	if err != nil {
		return Moved{}, err
	}
	var made struct {
		Migration id.MigrationID
		Job       id.JobID
	}
	var out Moved
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		c, err := lock(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.checkMove(ctx, tx, c, in); err != nil {
			return in.elsewhere(c, err)
		}
		if out, err = s.insertMove(ctx, tx, actor, c, in); err != nil {
			return err
		}
		made.Migration, made.Job = out.Migration.ID, out.Job.ID
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return Moved{}, fmt.Errorf("migrate container: %w", err)
	}
	if out.Job.ID.IsZero() {
		return s.movedBefore(ctx, made.Migration, made.Job)
	}
	s.WakeMigrator()
	return out, nil
}

// movedBefore answers a repeated request with what it led to.
func (s *Service) movedBefore(ctx context.Context, migration id.MigrationID, job id.JobID) (Moved, error) {
	m, err := s.Store.Migration(ctx, migration)
	if err != nil {
		return Moved{}, err
	}
	j, err := s.Store.Job(ctx, job)
	return Moved{m, j}, err
}

func (s *Service) insertMove(ctx context.Context, tx *store.Tx, actor authz.Actor, c fleet.Container, in Move) (Moved, error) {
	job := newJob(actor, fleet.MigrationManage, c, s.now())
	m := fleet.Migration{
		ID: id.New[id.MigrationID](), ContainerID: c.ID, Kind: in.kind, Reason: in.Reason, RequestedBy: requester(actor), JobID: &job.ID,
		From: c.NodeID, Wanted: in.Target, FromEpoch: c.Epoch, Policy: c.HAPolicy, Force: in.Force, Overlap: in.Overlap,
		State: fleet.MigrationQueued, Version: 1, Attempt: 1, Leftover: fleet.LeftoverNone, CreatedAt: job.CreatedAt, NextRunAt: job.CreatedAt,
	}
	m.Priority = failover.Urgency(m)
	if err := tx.InsertJob(ctx, job); err != nil {
		return Moved{}, err
	}
	if err := tx.InsertMigration(ctx, m); err != nil {
		return Moved{}, err
	}
	detail := map[string]any{
		"migration": m.ID, "kind": m.Kind, "from": m.From, "target": m.Wanted, "force": m.Force, "overlap": m.Overlap,
		"accept_data_loss": in.AcceptDataLoss, "reason": m.Reason,
	}
	on := ofContainer(c, authz.Everything)
	return Moved{m, job}, tx.InsertAudit(ctx, detailed(entry(actor, fleet.MigrationManage, on), detail))
}

// elsewhere adds the way out to the refusal of a rollback, which has but one
// target.
func (in Move) elsewhere(c fleet.Container, err error) error {
	var e *fleet.Error
	if in.kind != fleet.KindRollback || !errors.As(err, &e) {
		return err
	}
	more := *e
	more.Message += fmt.Sprintf("; a rollback only goes back to where the container came from: move it elsewhere with POST /api/v1/containers/%s/migrate", c.ID)
	return &more
}

// checkMove finds what speaks against a move at once. What may change until
// its turn comes, such as room on a node that nobody named, is left to the
// migrator, which waits for it.
func (s *Service) checkMove(ctx context.Context, tx *store.Tx, c fleet.Container, in Move) error {
	var f faults
	f.reason(in.Reason)
	if in.Overlap && c.HAPolicy == fleet.Exclusive {
		f.add("overlap", "an exclusive container never runs twice, so it cannot start on one node before it has stopped on the other: leave overlap out")
	}
	if left := c.Spec.Writes(false); c.Type == fleet.Standard && len(left) > 0 && !in.AcceptDataLoss && in.kind != fleet.KindRollback {
		f.add("acceptDataLoss", "what is in its volumes (%s) stays on its node: move the data yourself and send acceptDataLoss: true, or declare the volumes shared", enumerate(left))
	}
	if in.Target == nil {
		return f.err()
	}
	if *in.Target == c.NodeID {
		f.add("targetNodeId", "the container is on this node already: name another one, or leave targetNodeId out to have one chosen")
		return f.err()
	}
	n, err := tx.Node(ctx, *in.Target)
	if in.kind == fleet.KindRollback && fleet.KindOf(err) == fleet.NotFound {
		return fleet.Errorf(fleet.Conflict, "node %s, which it came from, was removed", *in.Target)
	}
	if f.unknown("targetNodeId", err) != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	if err := s.usable(n, c.HAPolicy, in.Force); err != nil {
		return err
	}
	return s.fitsOn(ctx, tx, c, n, in.Force)
}
