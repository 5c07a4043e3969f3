package actions

import (
	"context"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// AssignContainer gives a container to another owner, or to nobody where owner
// is nil. The new owner may do with it what the built-in role Owner says,
// which the actor has to hold there himself; the old one may not any more. The
// program in it notices nothing.
func (s *Service) AssignContainer(ctx context.Context, actor authz.Actor, container id.ContainerID, owner *id.UserID) (fleet.Container, error) {
	seen, err := s.ContainerFor(ctx, actor, fleet.ContainerAssign, container)
	if err != nil {
		return fleet.Container{}, err
	}
	on := ofContainer(seen, authz.Everything)
	err = s.changePeople(ctx, actor, func(tx *store.Tx, actor authz.Actor) error {
		c, err := tx.LockContainer(ctx, container)
		if err != nil {
			return err
		}
		if err := mayAssign(ctx, tx, actor, container, owner); err != nil {
			return err
		}
		e := entry(actor, fleet.ContainerAssign, on)
		e.Edited(map[string]any{"owner": c.OwnerID}, map[string]any{"owner": owner})
		if err := tx.SetOwner(ctx, container, owner, s.now()); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, e)
	})
	if err != nil {
		return fleet.Container{}, s.refused(ctx, entry(actor, fleet.ContainerAssign, on), err)
	}
	s.Changed()
	return s.Store.AnyContainer(ctx, container)
}

// mayAssign finds what is in the way of an owner.
func mayAssign(ctx context.Context, tx *store.Tx, actor authz.Actor, container id.ContainerID, owner *id.UserID) error {
	at, _, err := tx.Place(ctx, fleet.OfContainer, uuid.UUID(container))
	if err != nil {
		return err
	}
	if !actor.Can(fleet.ContainerAssign, at) {
		return authz.Denied(fleet.ContainerAssign)
	}
	if owner == nil {
		return nil
	}
	var f faults
	u, _, err := tx.UserByID(ctx, *owner)
	if f.unknown("ownerId", err) != nil {
		return err
	}
	if err == nil && u.DisabledAt != nil {
		f.add("ownerId", "%s is disabled: enable the user first, or choose another", u.Email)
	}
	if err := f.err(); err != nil {
		return err
	}
	roles, err := tx.BuiltinRoles(ctx)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if r.Name != fleet.RoleOwner {
			continue
		}
		if err := actor.MayGive("to own a container", r.All(), fleet.OfContainer, uuid.UUID(container), at); err != nil {
			return err
		}
	}
	return nil
}
