package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

const selectCategories = `select id, name, description, created_at, generation from egg_categories`

func scanCategory(row pgx.CollectableRow) (fleet.EggCategory, error) {
	var c fleet.EggCategory
	err := row.Scan(&c.ID, &c.Name, &c.Description, &c.CreatedAt, &c.Generation)
	return c, err
}

// EggCategory loads one category.
func (s *Store) EggCategory(ctx context.Context, category id.EggCategoryID) (fleet.EggCategory, error) {
	rows, err := s.db.Query(ctx, selectCategories+` where id = $1`, category)
	if err != nil {
		return fleet.EggCategory{}, fmt.Errorf("load egg category: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCategory)
	return c, one(err, "egg category", category)
}

// LockEggCategory loads a category and keeps others from editing or deleting it
// until the transaction ends.
func (tx *Tx) LockEggCategory(ctx context.Context, category id.EggCategoryID) (fleet.EggCategory, error) {
	rows, err := tx.tx.Query(ctx, selectCategories+` where id = $1 for update`, category)
	if err != nil {
		return fleet.EggCategory{}, fmt.Errorf("lock egg category: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCategory)
	return c, one(err, "egg category", category)
}

// EggCategoryList is how egg categories are listed.
var EggCategoryList = Listing{
	name: "egg categories", looks: []string{"x.name", "x.description"}, Finds: "the name and the description",
	orders: []order{byText("name", "x.name"), byTime("createdAt", "x.created_at")},
}

// EggCategories lists categories, and the cursor of the next page.
func (s *Store) EggCategories(ctx context.Context, p Page) ([]fleet.EggCategory, string, error) {
	return list(ctx, s, EggCategoryList, p, scanCategory, selectCategories)
}

// InsertEggCategory records a new category.
func (tx *Tx) InsertEggCategory(ctx context.Context, c fleet.EggCategory) error {
	_, err := tx.tx.Exec(ctx, `insert into egg_categories (id, name, description, created_at) values ($1, $2, $3, $4)`,
		c.ID, c.Name, c.Description, c.CreatedAt)
	if violates(err, "egg_categories_name_key") {
		return taken("egg category", c.Name)
	}
	if err != nil {
		return fmt.Errorf("insert egg category: %w", err)
	}
	return nil
}

// UpdateEggCategory writes what people may edit of a category, as its next
// generation.
func (tx *Tx) UpdateEggCategory(ctx context.Context, c fleet.EggCategory) error {
	tag, err := tx.tx.Exec(ctx, `update egg_categories set name = $2, description = $3, generation = generation + 1 where id = $1`, c.ID, c.Name, c.Description)
	if violates(err, "egg_categories_name_key") {
		return taken("egg category", c.Name)
	}
	if err != nil {
		return fmt.Errorf("update egg category: %w", err)
	}
	return changed(tag, "egg category", c.ID)
}

// DeleteEggCategory removes a category that holds no egg. A deleted egg has
// left its category, so the foreign key speaks of living ones only.
func (tx *Tx) DeleteEggCategory(ctx context.Context, category id.EggCategoryID) error {
	tag, err := tx.tx.Exec(ctx, `delete from egg_categories where id = $1`, category)
	if violates(err, "eggs_category_id_fkey") {
		return fleet.Errorf(fleet.Conflict, "the category still holds eggs: move or delete them first")
	}
	if err != nil {
		return fmt.Errorf("delete egg category: %w", err)
	}
	return changed(tag, "egg category", category)
}
