package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// One container that cannot be moved, whatever is wrong with it, must not
// keep the others of its node where they are.
func TestOneThatCannotBeMovedHoldsUpNoOther(t *testing.T) {
	inBubble(t, 3, func(b *bubble) {
		time.Sleep(time.Minute) // grace
		old := b.nodes[0]
		one, bad, two := b.ha("one", old), b.ha("bad", old), b.ha("two", old)
		db, err := pgx.Connect(context.Background(), b.config.DatabaseURL)
		b.ok(err)
		defer db.Close(context.Background())
		_, err = db.Exec(context.Background(), fmt.Sprintf(`
			CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poisoned'; END $$;
			CREATE TRIGGER poison BEFORE UPDATE OF epoch ON containers FOR EACH ROW WHEN (OLD.id = '%s') EXECUTE FUNCTION poison()`, bad.ID))
		b.ok(err)
		old.link.cut(true)
		b.awaitMigration(one.ID, fleet.MigrationDone)
		b.awaitMigration(two.ID, fleet.MigrationDone)
		b.await("the reason to be told", func() bool {
			m := b.latest(bad.ID)
			return m.State == fleet.MigrationQueued && m.Waiting != ""
		})
		_, err = db.Exec(context.Background(), `DROP TRIGGER poison ON containers`)
		b.ok(err)
		b.awaitMigration(bad.ID, fleet.MigrationDone)
	})
}

// One node whose containers cannot be read must not keep the others from
// being told.
func TestOneThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	inBubble(t, 3, func(b *bubble) {
		bad := b.ha("bad", b.nodes[1])
		db, err := pgx.Connect(context.Background(), b.config.DatabaseURL)
		b.ok(err)
		defer db.Close(context.Background())
		exec := func(sql string, args ...any) {
			b.Helper()
			_, err := db.Exec(context.Background(), sql, args...)
			b.ok(err)
		}
		told := func(n *bubbleNode) bool {
			seen, _ := b.Main.nodes.Look(n.Node)
			var rev int64
			b.ok(db.QueryRow(context.Background(), `SELECT rev FROM node_health WHERE node_id = $1`, n.Node).Scan(&rev))
			return seen.AppliedRev == rev
		}
		exec(`UPDATE containers SET spec = '"no spec"' WHERE id = $1`, bad.ID)
		exec(`WITH grown AS (UPDATE node_health SET rev = rev + 1 RETURNING node_id, rev),
			changed AS (INSERT INTO node_changes SELECT node_id, rev, $1 FROM grown)
			INSERT INTO outbox (node_id) SELECT node_id FROM grown ORDER BY node_id`, bad.ID)
		b.dispatch.Wake(id.NodeID{})
		b.await("the others to be told", func() bool { return told(b.nodes[0]) && told(b.nodes[2]) })
		if told(b.nodes[1]) {
			t.Error("the node was told what cannot be read")
		}
		exec(`UPDATE containers SET spec = $2 WHERE id = $1`, bad.ID, bad.Spec)
		b.await("the node to be told as well", func() bool { return told(b.nodes[1]) })
	})
}

// A container of a lost node that cannot be read stays where it is, and says
// so; the others move.
func TestOneThatCannotBeReadHoldsUpNoFailover(t *testing.T) {
	inBubble(t, 3, func(b *bubble) {
		time.Sleep(time.Minute) // grace
		old := b.nodes[0]
		one, bad := b.ha("one", old), b.ha("bad", old)
		db, err := pgx.Connect(context.Background(), b.config.DatabaseURL)
		b.ok(err)
		defer db.Close(context.Background())
		var was string
		b.ok(db.QueryRow(context.Background(), `SELECT spec::text FROM containers WHERE id = $1`, bad.ID).Scan(&was))
		_, err = db.Exec(context.Background(), `UPDATE containers SET spec = '"no spec"' WHERE id = $1`, bad.ID)
		b.ok(err)
		old.link.cut(true)
		b.awaitMigration(one.ID, fleet.MigrationDone)
		b.await("the reason to be told", func() bool {
			m := b.latest(bad.ID)
			return m.State == fleet.MigrationQueued && strings.Contains(m.Waiting, "cannot be read")
		})
		_, err = db.Exec(context.Background(), `UPDATE containers SET spec = $2::jsonb WHERE id = $1`, bad.ID, was)
		b.ok(err)
		b.awaitMigration(bad.ID, fleet.MigrationDone)
	})
}
