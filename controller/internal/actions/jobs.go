package actions

import (
	"context"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// Job shows one job with its receipts.
func (s *Service) Job(ctx context.Context, actor authz.Actor, job id.JobID) (fleet.Job, error) {
	j, err := s.Store.Job(ctx, job)
	if err != nil {
		return j, err
	}
	on := subject{kind: "job", id: uuid.UUID(j.ID), name: string(j.Kind)}
	if j.ContainerID != nil {
		on.target.Container = *j.ContainerID
		c, err := s.Store.AnyContainer(ctx, *j.ContainerID)
		if err == nil && c.OwnerID != nil {
			on.target.Owner = *c.OwnerID
		}
	}
	if j.NodeID != nil {
		on.target.Node = *j.NodeID
		// a node that is gone has no cluster any more
		if n, err := s.Store.Node(ctx, *j.NodeID); err == nil && n.ClusterID != nil {
			on.target.Cluster = *n.ClusterID
		}
	}
	if err := s.check(ctx, actor, fleet.JobView, on); err != nil {
		return fleet.Job{}, err
	}
	return j, nil
}

// Jobs lists the jobs that the actor may see.
func (s *Service) Jobs(ctx context.Context, actor authz.Actor, f store.JobFilter) ([]fleet.Job, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.JobView); err != nil {
		return nil, "", err
	}
	f.Reach = reach(actor, fleet.JobView)
	return s.Store.Jobs(ctx, f)
}
