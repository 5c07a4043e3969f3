package actions

import (
	"context"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Container shows one container.
func (s *Service) Container(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Container, error) {
	return s.ContainerFor(ctx, actor, fleet.ContainerView, container)
}

// ContainerFor loads a container for a verb that the actor may do to it. It
// is all that reading logs and stats needs of this package.
func (s *Service) ContainerFor(ctx context.Context, actor authz.Actor, v fleet.Verb, container id.ContainerID) (fleet.Container, error) {
	c, err := s.anyContainerFor(ctx, actor, v, container)
	if err == nil && c.DeletedAt != nil {
		return fleet.Container{}, gone(container)
	}
	return c, err
}

// anyContainerFor is ContainerFor that also finds deleted ones.
func (s *Service) anyContainerFor(ctx context.Context, actor authz.Actor, v fleet.Verb, container id.ContainerID) (fleet.Container, error) {
	c, err := s.Store.AnyContainer(ctx, container)
	if err != nil {
		return c, err
	}
	on, err := s.subjectOf(ctx, c)
	if err != nil {
		return fleet.Container{}, err
	}
	return c, s.check(ctx, actor, v, on)
}

// subjectOf is a container where it is.
func (s *Service) subjectOf(ctx context.Context, c fleet.Container) (subject, error) {
	place := authz.Target{Node: c.NodeID}
	n, err := s.Store.Node(ctx, c.NodeID)
	switch {
	case err == nil:
		place = nodeTarget(n)
	case fleet.KindOf(err) != fleet.NotFound: // the node of a deleted container may be gone
		return subject{}, err
	}
	return ofContainer(c, place), nil
}

// Containers lists the containers that the actor may see.
func (s *Service) Containers(ctx context.Context, actor authz.Actor, f store.ContainerFilter) ([]fleet.Container, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.ContainerView); err != nil {
		return nil, "", err
	}
	f.Reach = reach(actor, fleet.ContainerView)
	return s.Store.Containers(ctx, f)
}

// gone is what a deleted container looks like: as if it had never been.
func gone(container id.ContainerID) error {
	return fleet.Errorf(fleet.NotFound, "there is no container %s", container)
}

// lockLiving locks a container that a verb is about to change. One that moves
// is left alone: its epoch and its node are about to be others.
func lockLiving(ctx context.Context, tx *store.Tx, container id.ContainerID) (fleet.Container, error) {
	c, err := tx.LockContainer(ctx, container)
	switch {
	case err != nil:
		return c, err
	case c.DeletedAt != nil:
		return c, gone(container)
	case c.Power == spec.Absent:
		return c, fleet.Errorf(fleet.Conflict, "container %s is being deleted: nothing else can be done with it", c.Name)
	}
	open, err := tx.OpenMigrationOf(ctx, container)
	switch {
	case err != nil:
		return c, err
	case open != nil:
		return c, open.InTheWay()
	}
	if c.MigrationStatus == fleet.MigrationCompleted {
		c.MigrationStatus = fleet.MigrationIdle // as UpdateDesired has it: something new begins
	}
	return c, nil
}
