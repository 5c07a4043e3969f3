package store_test

import (
	"fmt"
	"strings"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// The invariants of moves (FAILOVER §9.1), asked of the database itself: each
// query finds what breaks one of them.
var invariants = map[string]string{
	"I5: an epoch is not one more for every switch": `
		select c.name from containers c
		where c.epoch <> 1 + (select count(*) from container_migrations m where m.container_id = c.id and m.to_epoch is not null)`,
	"I5: a revision without its change": `
		select node_id::text from node_health h where rev <> coalesce((select max(rev) from node_changes n where n.node_id = h.node_id), 0)`,
	"I7: the ledger is not the sum of the reservations": `
		with owed as (
			select node_id, cpu, memory, disk from containers where deleted_at is null
			union all
			select m.to_node_id, c.cpu, c.memory, c.disk from container_migrations m join containers c on c.id = m.container_id
			where m.state in ('reserved', 'stopping', 'fencing'))
		select h.node_id::text from node_health h left join owed o on o.node_id = h.node_id
		group by h.node_id
		having (h.reserved_cpu, h.reserved_memory, h.reserved_disk) is distinct from
			(coalesce(sum(o.cpu), 0), coalesce(sum(o.memory), 0), coalesce(sum(o.disk), 0))`,
	"I7: more is promised than there is": `
		select node_id::text from node_health
		where reserved_cpu > offer_cpu or reserved_memory > offer_memory or reserved_disk > offer_disk`,
	"I7: a port is held by nobody who may": `
		select a.port::text from allocations a join containers c on c.id = a.container_id
		where a.node_id <> c.node_id and not exists (select from container_migrations m
			where m.container_id = c.id and m.to_node_id = a.node_id and m.state in ('reserved', 'stopping', 'fencing'))`,
	"I7: a container has not its ports": `
		select c.name from containers c cross join lateral jsonb_array_elements(coalesce(c.spec -> 'ports', '[]')) p
		where c.deleted_at is null and not exists (select from allocations a
			where a.container_id = c.id and a.node_id = c.node_id and a.port = (p ->> 'host')::int)`,
	"I8: two open migrations of one container": `
		select container_id::text from container_migrations where finished_at is null group by container_id having count(*) > 1`,
	"I14: a migration that is over is not in the history": `
		select m.id::text from container_migrations m left join container_migration_history h on h.id = m.id
		where m.finished_at is not null and h.id is null`,
}

// sound checks them all.
func (h sqlHouse) sound(when string) {
	h.Helper()
	for name, query := range invariants {
		var broken []string
		rows, err := h.sql.Query(h.ctx, query)
		if err != nil {
			h.Fatalf("%s: %v", name, err)
		}
		for rows.Next() {
			var what string
			if err := rows.Scan(&what); err != nil {
				h.Fatal(err)
			}
			broken = append(broken, what)
		}
		if err := rows.Err(); err != nil {
			h.Fatalf("%s: %v", name, err)
		}
		if broken != nil {
			h.Fatalf("%s: %s: %v", when, name, broken)
		}
	}
}

// everything is all that a move may change, as text.
func (h sqlHouse) everything() string {
	h.Helper()
	var all strings.Builder
	for _, table := range []string{"containers", "container_migrations", "node_health", "allocations", "jobs", "commands", "outbox", "node_changes"} {
		var rows string
		query := fmt.Sprintf(`select coalesce(string_agg(t::text, e'\n' order by t::text), '') from %s t`, table)
		if err := h.sql.QueryRow(h.ctx, query).Scan(&rows); err != nil {
			h.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n%s\n", table, rows)
	}
	return all.String()
}

// asked is a migration that somebody waits for, with its job.
func (h sqlHouse) asked(c fleet.Container) fleet.Migration {
	h.Helper()
	m := move(c)
	j := fleet.Job{ID: id.New[id.JobID](), Kind: fleet.MigrationManage, State: fleet.JobQueued, ContainerID: &c.ID, CreatedAt: now()}
	m.JobID = &j.ID
	h.do(func(tx *store.Tx) error { return tx.InsertJob(h.ctx, j) })
	h.do(func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, m) })
	return m
}

// next is a migration as it is on record, as its next step wants it.
func (h sqlHouse) next(m fleet.Migration, state fleet.MigrationState) fleet.Migration {
	h.Helper()
	m, err := h.Migration(h.ctx, m.ID)
	if err != nil {
		h.Fatal(err)
	}
	return at(m, state)
}

func at(m fleet.Migration, state fleet.MigrationState) fleet.Migration {
	m.State, m.NextRunAt = state, now()
	switch state {
	case fleet.MigrationReserved:
		m.ReservedAt = ptr(now())
	case fleet.MigrationStopping:
		m.StoppingAt = ptr(now())
	case fleet.MigrationStarting:
		m.SwitchedAt = ptr(now())
	case fleet.MigrationDone:
		m.RunningAt, m.FinishedAt = ptr(now()), ptr(now())
	case fleet.MigrationCancelled, fleet.MigrationGaveUp, fleet.MigrationRolledBack:
		m.FinishedAt = ptr(now())
	}
	return m
}
