package actions_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// ha is an ha container on a node of its own, and another node to go to.
func (h *house) ha() fleet.Container {
	h.Helper()
	from := h.joined("from", big)
	w := wish("web", h.egg())
	w.Type, w.NodeID = fleet.HA, &from.ID
	c, err := h.CreateContainer(h.ctx, h.admin, w)
	if err != nil {
		h.Fatal(err)
	}
	h.joined("to", big)
	return c.Container
}

// People are told of every move that a verb begins or ends, in that order.
func TestMovesAreTold(t *testing.T) {
	h := newHouse(t)
	c := h.ha()
	migrate := func() fleet.Migration {
		m, err := h.MigrateContainer(h.ctx, h.admin, c.ID, actions.Move{})
		if err != nil {
			t.Fatal(err)
		}
		return m.Migration
	}
	if _, err := h.CancelMigration(h.ctx, h.admin, migrate().ID); err != nil {
		t.Fatal(err)
	}
	m := migrate()
	h.exec(`update container_migrations set state = 'starting', to_node_id = (select id from nodes where name = 'to'), to_epoch = 2, switched_at = now() where id = $1`, m.ID)
	h.exec(`update containers set epoch = 2, node_id = (select id from nodes where name = 'to') where id = $1`, c.ID)
	if _, err := h.RollbackMigration(h.ctx, h.admin, m.ID, actions.Move{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ForceDeleteContainer(h.ctx, h.admin, c.ID); err != nil {
		t.Fatal(err)
	}
	want := []fleet.MigrationState{
		fleet.MigrationQueued, fleet.MigrationCancelled, fleet.MigrationQueued,
		fleet.MigrationGaveUp, fleet.MigrationQueued, fleet.MigrationCancelled,
	}
	if diff := cmp.Diff(want, h.told); diff != "" {
		t.Error(diff)
	}
}
