package actions

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
)

func ofEgg(e fleet.Egg) subject {
	return subject{"egg", uuid.UUID(e.ID), e.Egg.Name, authz.Everything}
}

// NewEgg is what CreateEgg takes.
type NewEgg struct {
	CategoryID *id.EggCategoryID
	Egg        egg.Egg
	Key        string `json:"-"` // Idempotency-Key
}

// CreateEgg files a new egg.
func (s *Service) CreateEgg(ctx context.Context, actor authz.Actor, in NewEgg) (fleet.Egg, error) {
	now := s.now()
	e := fleet.Egg{ID: id.New[id.EggID](), CategoryID: in.CategoryID, Egg: in.Egg, Generation: 1, CreatedAt: now, UpdatedAt: now}
	if err := s.check(ctx, actor, fleet.EggCreate, ofEgg(e)); err != nil {
		return fleet.Egg{}, err
	}
	if found := in.Egg.Validate(); len(found) > 0 {
		return fleet.Egg{}, fleet.InvalidFields(found...)
	}
	o, err := s.once(actor, fleet.EggCreate, in.Key, in)
	if err != nil {
		return fleet.Egg{}, err
	}
	made := struct{ Egg id.EggID }{e.ID}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		if err := tx.InsertEgg(ctx, e); err != nil {
			return err
		}
		if err := tx.InsertAudit(ctx, entry(actor, fleet.EggCreate, ofEgg(e))); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return fleet.Egg{}, fmt.Errorf("create egg: %w", err)
	}
	return s.Store.Egg(ctx, made.Egg)
}

// Egg shows one egg.
func (s *Service) Egg(ctx context.Context, actor authz.Actor, eggID id.EggID) (fleet.Egg, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.EggView); err != nil {
		return fleet.Egg{}, err
	}
	return s.Store.Egg(ctx, eggID)
}

// Eggs lists eggs. They belong to no place: who may see one sees them all.
func (s *Service) Eggs(ctx context.Context, actor authz.Actor, f store.EggFilter) ([]fleet.Egg, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.EggView); err != nil {
		return nil, "", err
	}
	return s.Store.Eggs(ctx, f)
}

// EggEdit replaces an egg. Containers keep the spec they were made with.
type EggEdit struct {
	CategoryID *id.EggCategoryID
	Egg        egg.Egg
	Generation *int64 // If-Match
}

// EditEgg writes all of an egg anew, as its next generation.
func (s *Service) EditEgg(ctx context.Context, actor authz.Actor, eggID id.EggID, in EggEdit) (fleet.Egg, error) {
	var e fleet.Egg
	if err := s.checkEgg(ctx, actor, fleet.EggEdit, eggID); err != nil {
		return e, err
	}
	if found := in.Egg.Validate(); len(found) > 0 {
		return e, fleet.InvalidFields(found...)
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if e, err = tx.LockEgg(ctx, eggID); err != nil {
			return err
		}
		if err := fleet.IfMatch(in.Generation, e.Generation, "egg"); err != nil {
			return err
		}
		before := eggAudit(e)
		e.CategoryID, e.Egg = in.CategoryID, in.Egg
		e.Generation, e.UpdatedAt = e.Generation+1, s.now()
		if err := tx.UpdateEgg(ctx, e); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, edited(entry(actor, fleet.EggEdit, ofEgg(e)), before, eggAudit(e)))
	})
	if err != nil {
		return fleet.Egg{}, fmt.Errorf("edit egg: %w", err)
	}
	return e, nil
}

// eggAudit is what the audit trail keeps of an egg. The defaults of variables
// may be secrets: there are only their names.
func eggAudit(e fleet.Egg) map[string]any {
	var variables []string
	for _, v := range e.Egg.Variables {
		variables = append(variables, v.Env)
	}
	return map[string]any{
		"name": e.Egg.Name, "description": e.Egg.Description, "author": e.Egg.Author, "category": e.CategoryID,
		"images": e.Egg.Images, "startup": e.Egg.Startup, "command": e.Egg.Command, "user": e.Egg.User, "stop": e.Egg.Stop,
		"ports": e.Egg.Ports, "volumes": e.Egg.Volumes, "variables": variables, "generation": e.Generation,
	}
}

// DeleteEgg removes an egg that no container was made from.
func (s *Service) DeleteEgg(ctx context.Context, actor authz.Actor, eggID id.EggID) error {
	if err := s.checkEgg(ctx, actor, fleet.EggDelete, eggID); err != nil {
		return err
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		e, err := tx.LockEgg(ctx, eggID)
		if err != nil {
			return err
		}
		count, err := tx.EggUse(ctx, eggID)
		if err != nil {
			return err
		}
		if count > 0 {
			return fleet.Errorf(fleet.Conflict, "egg %s is used by %d containers: delete them first", e.Egg.Name, count)
		}
		if err := tx.DeleteEgg(ctx, eggID); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry(actor, fleet.EggDelete, ofEgg(e)))
	})
	if err != nil {
		return fmt.Errorf("delete egg: %w", err)
	}
	return nil
}

func (s *Service) checkEgg(ctx context.Context, actor authz.Actor, v fleet.Verb, eggID id.EggID) error {
	e, err := s.Store.Egg(ctx, eggID)
	if err != nil {
		return err
	}
	return s.check(ctx, actor, v, ofEgg(e))
}
