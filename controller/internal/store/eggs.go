package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// selectEggs is the read of an egg. The variables have a table of their own
// and are left out of the definition; they come back as one array.
const selectEggs = `
	select e.id, e.category_id, e.name, e.description, e.author, e.definition, e.generation, e.created_at, e.updated_at,
	       coalesce((select jsonb_agg(jsonb_build_object(
	           'name', v.name, 'description', v.description, 'env', v.env, 'default', v.default_value,
	           'rules', v.rules, 'user_viewable', v.user_viewable, 'user_editable', v.user_editable) order by v.position)
	         from egg_variables v where v.egg_id = e.id), '[]')
	from eggs e
	where e.deleted_at is null`

func scanEgg(row pgx.CollectableRow) (fleet.Egg, error) {
	var e fleet.Egg
	var name, description, author string
	var variables []egg.Variable
	err := row.Scan(&e.ID, &e.CategoryID, &name, &description, &author, &e.Egg, &e.Generation, &e.CreatedAt, &e.UpdatedAt, &variables)
	e.Egg.Name, e.Egg.Description, e.Egg.Author, e.Egg.Variables = name, description, author, variables
	return e, err
}

// Egg loads one egg, unless it is deleted.
func (s *Store) Egg(ctx context.Context, eggID id.EggID) (fleet.Egg, error) {
	return s.egg(ctx, eggID, "")
}

// UseEgg loads an egg and keeps it from being deleted until the transaction
// ends. Edits go on: a container is made from the egg as it was read.
func (tx *Tx) UseEgg(ctx context.Context, eggID id.EggID) (fleet.Egg, error) {
	return tx.egg(ctx, eggID, " for key share")
}

// LockEgg loads an egg and keeps it from being edited, deleted or used until
// the transaction ends.
func (tx *Tx) LockEgg(ctx context.Context, eggID id.EggID) (fleet.Egg, error) {
	return tx.egg(ctx, eggID, " for update")
}

func (s *Store) egg(ctx context.Context, eggID id.EggID, lock string) (fleet.Egg, error) {
	rows, err := s.db.Query(ctx, selectEggs+` and e.id = $1`+lock, eggID)
	if err != nil {
		return fleet.Egg{}, fmt.Errorf("load egg: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEgg)
	return e, one(err, "egg", eggID)
}

// SameEgg is the egg that a file is of: the one of its uuid or, where it has
// none, of its name.
func (s *Store) SameEgg(ctx context.Context, uuid, name string) (fleet.Egg, bool, error) {
	rows, err := s.db.Query(ctx, selectEggs+` and case when $1 = '' then e.name = $2 else e.definition->>'uuid' = $1 end`, uuid, name)
	if err != nil {
		return fleet.Egg{}, false, fmt.Errorf("find egg: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEgg)
	if errors.Is(err, pgx.ErrNoRows) {
		return fleet.Egg{}, false, nil
	}
	if err != nil {
		return fleet.Egg{}, false, fmt.Errorf("find egg: %w", err)
	}
	return e, true, nil
}

// EggSource is the file that an egg was imported from; nil: none.
func (s *Store) EggSource(ctx context.Context, eggID id.EggID) (source []byte, err error) {
	err = s.db.QueryRow(ctx, `select source from eggs where id = $1 and deleted_at is null`, eggID).Scan(&source)
	return source, one(err, "egg", eggID)
}

// KeepEggSource keeps the file that an egg was imported from.
func (tx *Tx) KeepEggSource(ctx context.Context, eggID id.EggID, source []byte) error {
	if _, err := tx.tx.Exec(ctx, `update eggs set source = $2 where id = $1`, eggID, source); err != nil {
		return fmt.Errorf("keep source of egg: %w", err)
	}
	return nil
}

// EggList is how eggs are listed.
var EggList = Listing{
	name: "eggs", looks: []string{"x.name", "x.author", "x.description"}, Finds: "the name, the author and the description",
	orders: []order{byText("name", "x.name"), byText("author", "x.author"), byTime("createdAt", "x.created_at"), byTime("updatedAt", "x.updated_at")},
}

// EggFilter narrows a list of eggs. Zero fields do not.
type EggFilter struct {
	Page
	Category *id.EggCategoryID
}

// Eggs lists eggs, and the cursor of the next page.
func (s *Store) Eggs(ctx context.Context, f EggFilter) ([]fleet.Egg, string, error) {
	return list(ctx, s, EggList, f.Page, scanEgg, selectEggs+` and ($1::uuid is null or e.category_id = $1)`, f.Category)
}

// InsertEgg records a new egg.
func (tx *Tx) InsertEgg(ctx context.Context, e fleet.Egg) error {
	_, err := tx.tx.Exec(ctx, `
		insert into eggs (id, category_id, name, description, author, definition, generation, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
		e.ID, e.CategoryID, e.Egg.Name, e.Egg.Description, e.Egg.Author, definition(e.Egg), e.Generation, e.CreatedAt)
	if err != nil {
		return eggFault(err, e, "insert egg")
	}
	return tx.insertVariables(ctx, e)
}

// UpdateEgg writes all of an egg anew. The caller holds its lock.
func (tx *Tx) UpdateEgg(ctx context.Context, e fleet.Egg) error {
	tag, err := tx.tx.Exec(ctx, `
		update eggs set category_id = $2, name = $3, description = $4, author = $5, definition = $6, generation = $7, updated_at = $8
		where id = $1 and deleted_at is null`,
		e.ID, e.CategoryID, e.Egg.Name, e.Egg.Description, e.Egg.Author, definition(e.Egg), e.Generation, e.UpdatedAt)
	if err != nil {
		return eggFault(err, e, "update egg")
	}
	if err := changed(tag, "egg", e.ID); err != nil {
		return err
	}
	if _, err := tx.tx.Exec(ctx, `delete from egg_variables where egg_id = $1`, e.ID); err != nil {
		return fmt.Errorf("update egg variables: %w", err)
	}
	return tx.insertVariables(ctx, e)
}

func (tx *Tx) insertVariables(ctx context.Context, e fleet.Egg) error {
	batch := &pgx.Batch{}
	for i, v := range e.Egg.Variables {
		rules := v.Rules
		if rules == nil {
			rules = []string{}
		}
		batch.Queue(`insert into egg_variables (egg_id, position, name, description, env, default_value, rules, user_viewable, user_editable)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			e.ID, i, v.Name, v.Description, v.Env, v.Default, rules, v.Viewable, v.Editable)
	}
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("insert egg variables: %w", err)
	}
	return nil
}

// EggUse counts the containers that were made from an egg and still exist.
func (tx *Tx) EggUse(ctx context.Context, eggID id.EggID) (count int, err error) {
	err = tx.tx.QueryRow(ctx, `select count(*) from containers where egg_id = $1 and deleted_at is null`, eggID).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count use of egg: %w", err)
	}
	return count, nil
}

// DeleteEgg puts an egg out of sight; deleted containers still name it.
func (tx *Tx) DeleteEgg(ctx context.Context, eggID id.EggID) error {
	if _, err := tx.tx.Exec(ctx, `update eggs set deleted_at = now(), category_id = null where id = $1`, eggID); err != nil {
		return fmt.Errorf("delete egg: %w", err)
	}
	return nil
}

// definition is what is kept as JSON: the columns and the table of variables
// hold the rest.
func definition(e egg.Egg) egg.Egg {
	e.Name, e.Description, e.Author, e.Variables = "", "", "", nil
	return e
}

func eggFault(err error, e fleet.Egg, step string) error {
	switch {
	case violates(err, "eggs_name"):
		return taken("egg", e.Egg.Name)
	case violates(err, "eggs_uuid"):
		e := fleet.Errorf(fleet.Conflict, "the uuid %s is that of another egg: leave it out, or edit that egg", e.Egg.UUID)
		e.Faults = []spec.Fault{{Field: "uuid", Message: "another egg has this uuid"}}
		return e
	case violates(err, "eggs_category_id_fkey"):
		return fleet.InvalidFields(spec.Fault{Field: "categoryId", Message: fmt.Sprintf("there is no egg category %s", e.CategoryID)})
	}
	return fmt.Errorf("%s: %w", step, err)
}
