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

// StartContainer makes a container run. One that runs already gives a job
// that succeeds as soon as its node says so.
func (s *Service) StartContainer(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Job, error) {
	return s.power(ctx, actor, container, fleet.ContainerStart)
}

// StopContainer makes a container stop, with the grace that its spec gives.
func (s *Service) StopContainer(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Job, error) {
	return s.power(ctx, actor, container, fleet.ContainerStop)
}

// RestartContainer stops and starts a container, within a minute or not at
// all. One that should not run is started instead, which survives an outage.
func (s *Service) RestartContainer(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Job, error) {
	return s.power(ctx, actor, container, fleet.ContainerRestart)
}

// KillContainer ends a container without asking it. That it stays down is
// desired state; the kill itself happens within a minute or not at all.
func (s *Service) KillContainer(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Job, error) {
	return s.power(ctx, actor, container, fleet.ContainerKill)
}

// power walks the stairs for the four verbs.
func (s *Service) power(ctx context.Context, actor authz.Actor, container id.ContainerID, v fleet.Verb) (fleet.Job, error) {
	seen, err := s.ContainerFor(ctx, actor, v, container)
	if err != nil {
		return fleet.Job{}, err
	}
	var job fleet.Job
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		c, err := lockLiving(ctx, tx, container)
		if err != nil {
			return err
		}
		o := powerOrder(v, c)
		o.container.UpdatedAt = s.now()
		if !o.transient {
			if err := tx.UpdateDesired(ctx, o.container); err != nil {
				return err
			}
		}
		if job, err = s.order(ctx, tx, actor, o); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry(actor, v, ofContainer(c, authz.Everything)))
	})
	if err != nil {
		return fleet.Job{}, fmt.Errorf("%s: %w", v, err)
	}
	s.Wake(seen.NodeID)
	return job, nil
}

// powerOrder decides what a verb means for a container in its present state.
func powerOrder(v fleet.Verb, c fleet.Container) order {
	o := order{verb: v, container: c}
	switch {
	case v == fleet.ContainerRestart && c.Power == spec.Running:
		o.action, o.transient = wire.ActionRestart, true
	case v == fleet.ContainerStart, v == fleet.ContainerRestart:
		o.action, o.container.Power = wire.ActionStart, spec.Running
	case v == fleet.ContainerKill:
		o.action, o.container.Power = wire.ActionKill, spec.Stopped
	default:
		o.action, o.container.Power = wire.ActionStop, spec.Stopped
	}
	return o
}
