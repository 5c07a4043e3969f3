package actions

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// DeleteContainer removes a container. Its name, ports and room stay taken
// until its node has confirmed the removal; asking again answers with the
// same job. One that moves is refused.
func (s *Service) DeleteContainer(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Job, error) {
	return s.remove(ctx, actor, container, false)
}

// ForceDeleteContainer is DeleteContainer that ends a move for it, as only
// those may who may end moves.
func (s *Service) ForceDeleteContainer(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Job, error) {
	if _, err := s.anyContainerFor(ctx, actor, fleet.MigrationManage, container); err != nil {
		return fleet.Job{}, err
	}
	return s.remove(ctx, actor, container, true)
}

func (s *Service) remove(ctx context.Context, actor authz.Actor, container id.ContainerID, force bool) (fleet.Job, error) {
	seen, err := s.anyContainerFor(ctx, actor, fleet.ContainerDelete, container)
	if err != nil {
		return fleet.Job{}, err
	}
	var job fleet.Job
	end := ending{revs: map[id.NodeID]int64{seen.NodeID: 0}}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		c, err := tx.LockContainer(ctx, container)
		if err != nil {
			return err
		}
		if c.Power == spec.Absent {
			job, err = tx.LatestJob(ctx, container, fleet.ContainerDelete)
			return err
		}
		if end, err = s.endMove(ctx, tx, c, force, "deleted by "+actor.Name); err != nil {
			return err
		}
		if job, err = s.deleteContainer(ctx, tx, actor, c); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry(actor, fleet.ContainerDelete, ofContainer(c, authz.Everything)))
	})
	if err != nil {
		return fleet.Job{}, fmt.Errorf("delete container: %w", err)
	}
	s.tellEnding(ctx, end)
	return job, nil
}

// endMove ends the migration of a container that is about to go, if there is
// one, and sees to it that no node keeps a copy.
func (s *Service) endMove(ctx context.Context, tx *store.Tx, c fleet.Container, force bool, why string) (ending, error) {
	revs := map[id.NodeID]int64{c.NodeID: 0}
	m, err := tx.OpenMigrationOf(ctx, c.ID)
	if m == nil || err != nil {
		return ending{revs: revs}, err
	}
	if !force {
		e := m.InTheWay()
		e.Message += "; or delete it all the same with DELETE /api/v1/containers/" + c.ID.String() + "?force=true"
		return ending{}, e
	}
	state := fleet.MigrationCancelled
	if m.Switched() {
		state = fleet.MigrationGaveUp
	}
	end, err := s.endMigration(ctx, tx, *m, state, why)
	if err != nil {
		return ending{}, err
	}
	for _, node := range []*id.NodeID{&m.From, m.To} {
		if node == nil || *node == c.NodeID {
			continue
		}
		rev, err := tx.TouchNode(ctx, *node, c.ID)
		if fleet.KindOf(err) == fleet.NotFound {
			continue // the node is gone, and its copy with it
		}
		if err != nil {
			return ending{}, err
		}
		revs[*node] = rev
	}
	return ending{revs, end.moves}, nil
}

func (s *Service) deleteContainer(ctx context.Context, tx *store.Tx, actor authz.Actor, c fleet.Container) (fleet.Job, error) {
	c.Power, c.UpdatedAt = spec.Absent, s.now()
	if err := tx.UpdateDesired(ctx, c); err != nil {
		return fleet.Job{}, err
	}
	// an agent that says hello for the first time waits here, or has done so before
	if err := tx.LockLedger(ctx, c.NodeID); err != nil {
		return fleet.Job{}, err
	}
	n, err := tx.Node(ctx, c.NodeID)
	if err != nil {
		return fleet.Job{}, err
	}
	if n.JoinedAt != nil {
		return s.order(ctx, tx, actor, order{verb: fleet.ContainerDelete, action: wire.ActionDelete, container: c})
	}
	return s.deleteUnseen(ctx, tx, actor, c)
}

// deleteUnseen ends a container that no agent can have: nobody would ever
// confirm its removal.
func (s *Service) deleteUnseen(ctx context.Context, tx *store.Tx, actor authz.Actor, c fleet.Container) (fleet.Job, error) {
	job := newJob(actor, fleet.ContainerDelete, c, s.now())
	job.State, job.Progress, job.FinishedAt = fleet.JobSucceeded, 100, &job.CreatedAt
	if err := tx.SupersedeOpen(ctx, c.ID); err != nil {
		return fleet.Job{}, err
	}
	if _, err := tx.TouchNode(ctx, c.NodeID, c.ID); err != nil {
		return fleet.Job{}, err
	}
	if err := tx.FinishDelete(ctx, c.ID); err != nil {
		return fleet.Job{}, err
	}
	return job, tx.InsertJob(ctx, job)
}
