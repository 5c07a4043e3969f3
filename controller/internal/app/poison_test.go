package app

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
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
