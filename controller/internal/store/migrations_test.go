package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
)

// sqlHouse is a house that can also be changed past the store.
type sqlHouse struct {
	house
	sql *pgx.Conn
}

func newSQLHouse(t *testing.T) sqlHouse {
	t.Helper()
	t.Parallel()
	url := testkit.PostgresURL(t)
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	sql, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close(context.Background()) }) // its database goes with it
	return sqlHouse{house{t, s, t.Context()}, sql}
}

func (h sqlHouse) exec(statement string, args ...any) {
	h.Helper()
	if _, err := h.sql.Exec(h.ctx, statement, args...); err != nil {
		h.Fatal(err)
	}
}

// move is a migration that was just asked for.
func move(c fleet.Container) fleet.Migration {
	return fleet.Migration{
		ID: id.New[id.MigrationID](), ContainerID: c.ID, Kind: fleet.KindManual, Reason: "new disk", From: c.NodeID,
		FromEpoch: c.Epoch, Policy: c.HAPolicy, State: fleet.MigrationQueued, Version: 1, Attempt: 1,
		Excluded: []id.NodeID{}, Priority: 60, Leftover: fleet.LeftoverNone, CreatedAt: now(),
	}
}

func TestMigrationComesBackAsItWasWritten(t *testing.T) {
	h := newHouse(t)
	from, to := h.joined("from", big), h.joined("to", big)
	c := h.container("web", h.egg("demo"), from)
	m := move(c)
	m.Wanted, m.Force, m.Overlap, m.DetectedAt, m.NextRunAt = &to.ID, true, true, ptr(now()), m.CreatedAt
	h.do(func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, m) })
	got, err := h.Migration(h.ctx, m.ID)
	if diff := cmp.Diff(m, got); diff != "" || err != nil {
		t.Errorf("%s%v", diff, err)
	}
	open, err := h.OpenMigrationOf(h.ctx, c.ID)
	if err != nil || open == nil || open.ID != m.ID {
		t.Errorf("the open migration is %+v, %v", open, err)
	}
	if c, err := h.Container(h.ctx, c.ID); err != nil || c.MigrationStatus != fleet.Migrating {
		t.Errorf("the container is %s, %v", c.MigrationStatus, err)
	}
	h.refused(fleet.Conflict, func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, move(c)) }, m.ID.String(), "/cancel")
}

func TestMigrationHistoryIsWhatIsOver(t *testing.T) {
	h := newSQLHouse(t)
	from, to := h.joined("from", big), h.joined("to", big)
	c := h.container("web", h.egg("demo"), from)
	var want []id.MigrationID
	for _, state := range []fleet.MigrationState{fleet.MigrationDone, fleet.MigrationGaveUp, fleet.MigrationQueued} {
		m := move(c)
		h.do(func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, m) })
		if !state.Final() {
			continue
		}
		h.exec(`update container_migrations set state = $2, to_node_id = $3, reserved_at = created_at + interval '20 ms',
			switched_at = created_at + interval '30 ms', running_at = created_at + interval '1 s',
			finished_at = created_at + interval '1.5 s', error = 'why' where id = $1`, m.ID, state, to.ID)
		want = append([]id.MigrationID{m.ID}, want...)
	}
	first, next, err := h.MigrationHistory(h.ctx, c.ID, store.Page{Limit: 1})
	if err != nil || next == "" {
		t.Fatalf("next is %q, %v", next, err)
	}
	rest, next, err := h.MigrationHistory(h.ctx, c.ID, store.Page{Limit: 1, Cursor: next})
	if err != nil || next != "" {
		t.Fatalf("next is %q, %v", next, err)
	}
	past := append(first, rest...)
	if len(past) != 2 || past[0].ID != want[0] || past[1].ID != want[1] {
		t.Fatalf("the history is %+v, want %v", past, want)
	}
	if p := past[0]; p.Status != fleet.MigrationFailed || p.Error != "why" {
		t.Errorf("the failed one is %+v", p)
	}
	at := past[1].Timestamp
	done := store.PastMigration{
		ID: want[1], ContainerID: c.ID, From: from.ID, To: &to.ID, Status: fleet.MigrationCompleted, Timestamp: at, Trigger: fleet.KindManual,
		Reason: "new disk", Error: "why", State: fleet.MigrationDone, Attempt: 1, Leftover: fleet.LeftoverNone,
		DecideMS: ptr(int64(20)), StartMS: ptr(int64(970)), DurationMS: 1500,
	}
	if diff := cmp.Diff(done, past[1]); diff != "" {
		t.Error(diff)
	}
	if at.IsZero() || time.Since(at) > time.Hour {
		t.Errorf("it ended %s", at)
	}
}

func TestMigrationsAreFiltered(t *testing.T) {
	h := newSQLHouse(t)
	e, from, other := h.egg("demo"), h.joined("from", big), h.joined("other", big)
	web, db := h.container("web", e, from), h.container("db", e, other)
	over, open, elsewhere := move(web), move(web), move(db)
	h.do(func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, over) })
	h.exec(`update container_migrations set state = 'cancelled', finished_at = now() where id = $1`, over.ID)
	h.do(func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, open) })
	h.do(func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, elsewhere) })
	all := store.Reach{All: true}
	for name, test := range map[string]struct {
		filter store.MigrationFilter
		want   []id.MigrationID
	}{
		"everything":     {store.MigrationFilter{Reach: all}, []id.MigrationID{elsewhere.ID, open.ID, over.ID}},
		"nothing":        {store.MigrationFilter{}, nil},
		"open ones":      {store.MigrationFilter{Reach: all, Open: true}, []id.MigrationID{elsewhere.ID, open.ID}},
		"a container's":  {store.MigrationFilter{Reach: all, Container: &web.ID}, []id.MigrationID{open.ID, over.ID}},
		"a node's":       {store.MigrationFilter{Reach: all, Node: &other.ID}, []id.MigrationID{elsewhere.ID}},
		"within a grant": {store.MigrationFilter{Reach: store.Reach{Containers: []id.ContainerID{db.ID}}}, []id.MigrationID{elsewhere.ID}},
	} {
		t.Run(name, func(t *testing.T) {
			list, _, err := h.Migrations(h.ctx, test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []id.MigrationID
			for _, m := range list {
				got = append(got, m.ID)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
