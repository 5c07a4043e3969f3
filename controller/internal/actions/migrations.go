package actions

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// MigrationHistory shows the moves of a container that are over.
func (s *Service) MigrationHistory(ctx context.Context, actor authz.Actor, container id.ContainerID, page store.Page) ([]store.PastMigration, string, error) {
	if _, err := s.ContainerFor(ctx, actor, fleet.MigrationView, container); err != nil {
		return nil, "", err
	}
	return s.Store.MigrationHistory(ctx, container, page)
}

// Migrations lists the moves of containers that the actor may follow.
func (s *Service) Migrations(ctx context.Context, actor authz.Actor, f store.MigrationFilter) ([]fleet.Migration, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.MigrationView); err != nil {
		return nil, "", err
	}
	f.Reach = reach(actor, fleet.MigrationView)
	return s.Store.Migrations(ctx, f)
}

// Migration shows one move.
func (s *Service) Migration(ctx context.Context, actor authz.Actor, migration id.MigrationID) (fleet.Migration, error) {
	return s.migrationFor(ctx, actor, fleet.MigrationView, migration)
}

// migrationFor loads a migration for a verb that the actor may do to its
// container.
func (s *Service) migrationFor(ctx context.Context, actor authz.Actor, v fleet.Verb, migration id.MigrationID) (fleet.Migration, error) {
	m, err := s.Store.Migration(ctx, migration)
	if err != nil {
		return m, err
	}
	_, err = s.anyContainerFor(ctx, actor, v, m.ContainerID)
	switch {
	case fleet.KindOf(err) == fleet.NotFound: // of whose container one may not know
		return fleet.Migration{}, fleet.Errorf(fleet.NotFound, "there is no migration %s", migration)
	case err != nil:
		return fleet.Migration{}, err
	}
	return m, nil
}

// CancelMigration ends a move before the container has changed its node: it
// stays where it is, and runs there if it should.
func (s *Service) CancelMigration(ctx context.Context, actor authz.Actor, migration id.MigrationID) (fleet.Migration, error) {
	seen, err := s.migrationFor(ctx, actor, fleet.MigrationManage, migration)
	if err != nil {
		return seen, err
	}
	var end ending
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		c, err := tx.LockContainer(ctx, seen.ContainerID)
		if err != nil {
			return err
		}
		m, err := tx.Migration(ctx, migration)
		if err != nil {
			return err
		}
		if err := mayCancel(m); err != nil {
			return err
		}
		if end, err = s.endMigration(ctx, tx, m, fleet.MigrationCancelled, "cancelled by "+actor.Name); err != nil {
			return err
		}
		detail := map[string]any{"migration": m.ID, "cancelled": true, "state": m.State}
		return tx.InsertAudit(ctx, detailed(entry(actor, fleet.MigrationManage, ofContainer(c, authz.Everything)), detail))
	})
	if err != nil {
		return fleet.Migration{}, fmt.Errorf("cancel migration: %w", err)
	}
	s.tellEnding(ctx, end)
	return s.Store.Migration(ctx, migration)
}

func mayCancel(m fleet.Migration) error {
	switch {
	case m.State.Final():
		return fleet.Errorf(fleet.Conflict, "migration %s is over (%s): there is nothing to cancel", m.ID, m.State)
	case m.Switched():
		return fleet.Errorf(fleet.Conflict, "migration %s has given the container to node %s already: take it back with POST /api/v1/migrations/%s/rollback", m.ID, m.To, m.ID)
	case m.State == fleet.MigrationRollingBack:
		return fleet.Errorf(fleet.Conflict, "migration %s is on its way back already: wait until it is over", m.ID)
	}
	return nil
}

// ending is what is to be told when migrations have ended: to the nodes that
// have something new by that, and to people.
type ending struct {
	revs  map[id.NodeID]int64
	moves []fleet.Migration
}

// endMigration ends a migration whose container the caller has locked.
func (s *Service) endMigration(ctx context.Context, tx *store.Tx, m fleet.Migration, state fleet.MigrationState, why string) (ending, error) {
	locked, err := tx.LockMigrations(ctx, []fleet.Migration{m})
	if err != nil {
		return ending{}, err
	}
	if len(locked) == 0 {
		return ending{}, fleet.Errorf(fleet.Conflict, "migration %s went on this very moment: look at it again and repeat your request", m.ID)
	}
	m = locked[0].Migration
	now := s.now()
	m.State, m.Error, m.Waiting, m.Deadline, m.FinishedAt = state, why, "", nil, &now
	_, revs, err := tx.FinishMigrations(ctx, []fleet.Migration{m})
	return ending{revs, []fleet.Migration{m}}, err
}

// tellEnding is called after the commit.
func (s *Service) tellEnding(ctx context.Context, e ending) {
	if len(e.moves) > 0 {
		s.TellMoves(ctx, e.moves)
	}
	s.wakeAll(e.revs)
}

// wakeAll has nodes told of something new, and the migrator look again: what
// ended made room.
func (s *Service) wakeAll(revs map[id.NodeID]int64) {
	for node := range revs {
		s.Wake(node)
	}
	s.WakeMigrator()
}

// RollbackMigration moves a container back to where a migration took it from:
// a migration of its own. One whose new copy is still being started ends with
// it.
func (s *Service) RollbackMigration(ctx context.Context, actor authz.Actor, migration id.MigrationID, in Move) (Moved, error) {
	seen, err := s.migrationFor(ctx, actor, fleet.MigrationManage, migration)
	if err != nil {
		return Moved{}, err
	}
	in.kind, in.Target = fleet.KindRollback, &seen.From
	if in.Reason == "" {
		in.Reason = fmt.Sprintf("takes migration %s back", seen.ID)
	}
	var end ending
	out, err := s.move(ctx, actor, seen.ContainerID, in, func(ctx context.Context, tx *store.Tx) (fleet.Container, error) {
		c, err := tx.LockContainer(ctx, seen.ContainerID)
		if err != nil {
			return c, err
		}
		m, err := tx.Migration(ctx, migration)
		if err != nil {
			return c, err
		}
		if err := mayRollBack(m, c); err != nil {
			return c, err
		}
		if m.State == fleet.MigrationStarting {
			if end, err = s.endMigration(ctx, tx, m, fleet.MigrationGaveUp, "rolled back by "+actor.Name); err != nil {
				return c, err
			}
		}
		return lockLiving(ctx, tx, c.ID)
	})
	if err == nil {
		s.tellEnding(ctx, end) // before the one that comes after it
		s.tellBegun(ctx, out.Migration)
	}
	return out, err
}

func mayRollBack(m fleet.Migration, c fleet.Container) error {
	switch {
	case m.State == fleet.MigrationRollingBack:
		return fleet.Errorf(fleet.Conflict, "migration %s is on its way back already: wait until it is over", m.ID)
	case !m.Switched():
		return fleet.Errorf(fleet.Conflict, "migration %s (%s) has not changed the container's node: there is nothing to take back; one that is open can be cancelled with POST /api/v1/migrations/%s/cancel", m.ID, m.State, m.ID)
	case c.Epoch != m.ToEpoch:
		return fleet.Errorf(fleet.Conflict, "container %s has moved again since migration %s: roll back its latest migration, or migrate it with targetNodeId %s", c.Name, m.ID, m.From)
	}
	return nil
}
