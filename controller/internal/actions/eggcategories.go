package actions

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

func ofCategory(c fleet.EggCategory) subject {
	return subject{"egg category", uuid.UUID(c.ID), c.Name, authz.Everything}
}

func categoryAudit(c fleet.EggCategory) map[string]any {
	return map[string]any{"name": c.Name, "description": c.Description}
}

// NewEggCategory is what CreateEggCategory takes.
type NewEggCategory struct {
	Name        string
	Description string
	Key         string `json:"-"` // Idempotency-Key
}

// CreateEggCategory adds a drawer for eggs.
func (s *Service) CreateEggCategory(ctx context.Context, actor authz.Actor, in NewEggCategory) (fleet.EggCategory, error) {
	c := fleet.EggCategory{ID: id.New[id.EggCategoryID](), Name: in.Name, Description: in.Description, CreatedAt: s.now()}
	if err := s.check(ctx, actor, fleet.EggCategoryCreate, ofCategory(c)); err != nil {
		return fleet.EggCategory{}, err
	}
	if err := validNamed(c.Name, c.Description); err != nil {
		return fleet.EggCategory{}, err
	}
	o, err := s.once(actor, fleet.EggCategoryCreate, in.Key, in)
	if err != nil {
		return fleet.EggCategory{}, err
	}
	made := struct{ Category id.EggCategoryID }{c.ID}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		if err := tx.InsertEggCategory(ctx, c); err != nil {
			return err
		}
		if err := tx.InsertAudit(ctx, entry(actor, fleet.EggCategoryCreate, ofCategory(c))); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return fleet.EggCategory{}, fmt.Errorf("create egg category: %w", err)
	}
	return s.Store.EggCategory(ctx, made.Category)
}

// EggCategories lists the categories.
func (s *Service) EggCategories(ctx context.Context, actor authz.Actor, page store.Page) ([]fleet.EggCategory, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.EggCategoryView); err != nil {
		return nil, "", err
	}
	return s.Store.EggCategories(ctx, page)
}

// EggCategoryEdit is what EditEggCategory changes.
type EggCategoryEdit struct {
	Named
	Generation *int64 // If-Match
}

// EditEggCategory renames or describes a category.
func (s *Service) EditEggCategory(ctx context.Context, actor authz.Actor, category id.EggCategoryID, in EggCategoryEdit) (fleet.EggCategory, error) {
	c, err := s.categoryFor(ctx, actor, fleet.EggCategoryEdit, category)
	if err != nil {
		return c, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.LockEggCategory(ctx, category); err != nil {
			return err
		}
		if err := fleet.IfMatch(in.Generation, c.Generation, "egg category"); err != nil {
			return err
		}
		before := categoryAudit(c)
		in.apply(&c.Name, &c.Description)
		c.Generation++
		if err := validNamed(c.Name, c.Description); err != nil {
			return err
		}
		if err := tx.UpdateEggCategory(ctx, c); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, edited(entry(actor, fleet.EggCategoryEdit, ofCategory(c)), before, categoryAudit(c)))
	})
	if err != nil {
		return fleet.EggCategory{}, fmt.Errorf("edit egg category: %w", err)
	}
	return c, nil
}

// DeleteEggCategory removes an empty category.
func (s *Service) DeleteEggCategory(ctx context.Context, actor authz.Actor, category id.EggCategoryID) error {
	c, err := s.categoryFor(ctx, actor, fleet.EggCategoryDelete, category)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteEggCategory(ctx, category); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry(actor, fleet.EggCategoryDelete, ofCategory(c)))
	})
	if err != nil {
		return fmt.Errorf("delete egg category: %w", err)
	}
	return nil
}

func (s *Service) categoryFor(ctx context.Context, actor authz.Actor, v fleet.Verb, category id.EggCategoryID) (fleet.EggCategory, error) {
	c, err := s.Store.EggCategory(ctx, category)
	if err != nil {
		return c, err
	}
	return c, s.check(ctx, actor, v, ofCategory(c))
}
