package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Placed is a migration as its next step wants it, with the place that was
// found.
type Placed struct {
	Migration fleet.Migration // State and times as the step gives them
	Node      id.NodeID
	Ports     []spec.Port      // with every Host, as placement.Confirm gives them; nil in Switch: those that were reserved
	Locked    *LockedMigration // as the transaction has it; nil: it is locked and read now
}

// The moves. Each takes any number of migrations in a constant number of
// statements, and fails with a Conflict, changing nothing, where one of them
// is no longer of the version given. Locks are taken in the order container,
// migration, ledger: a transaction that looks at ledgers before (LockPlaces)
// begins with LockMigrations.

// ReserveFor takes room and ports at the target, beside what the container
// has where it is. It sets To.
func (tx *Tx) ReserveFor(ctx context.Context, list []Placed) error {
	held, err := tx.holdPlaced(ctx, list)
	if err != nil {
		return err
	}
	var l ledgerEdit
	for i := range held {
		h, p := &held[i], list[held[i].at]
		if err := h.goesTo(p); err != nil {
			return err
		}
		if at := h.reservedAt(); at != nil {
			l.release(*at, h)
		}
		l.take(p.Node, h)
		l.allocate(p.Node, h.next.ContainerID, p.Ports)
		h.next.To = &p.Node
	}
	if err := tx.editLedgers(ctx, l); err != nil {
		return err
	}
	return tx.writeAll(ctx, held)
}

// goesTo checks that a place is one for the container.
func (h holding) goesTo(p Placed) error {
	if p.Node == h.node {
		return fleet.Errorf(fleet.Conflict, "container %s is on node %s already", h.next.ContainerID, p.Node)
	}
	ready := len(p.Ports) == len(h.ports) && !slices.ContainsFunc(p.Ports, func(q spec.Port) bool { return q.Host == 0 })
	if !ready {
		return fmt.Errorf("container %s has %d ports, but its place gives %v", h.next.ContainerID, len(h.ports), p.Ports)
	}
	return nil
}

// Evict has the node of each container told to stop it, by desired state and
// by a command with a receipt. It sets StopRev and StopCommand and answers the
// revisions of the nodes. Every migration has a job.
func (tx *Tx) Evict(ctx context.Context, list []fleet.Migration) (revs map[id.NodeID]int64, err error) {
	held, err := tx.holdAll(ctx, list)
	if err != nil {
		return nil, err
	}
	if revs, err = tx.setEvicting(ctx, held, true); err != nil {
		return nil, err
	}
	commands, err := tx.ask(ctx, held, revs, wire.ActionStop)
	if err != nil {
		return nil, err
	}
	for i := range held {
		h := &held[i]
		if commands[i] == nil {
			return nil, fmt.Errorf("evict: migration %s has no job to ask by", h.next.ID)
		}
		h.next.StopRev, h.next.StopCommand = revs[h.node], commands[i]
	}
	return revs, tx.writeAll(ctx, held)
}

// Stay ends an eviction: the container runs on where it is, and what was
// reserved elsewhere is given back. Where the migration has a job and the
// container should run, StopCommand is then the command that starts it again.
func (tx *Tx) Stay(ctx context.Context, list []fleet.Migration) (revs map[id.NodeID]int64, err error) {
	held, err := tx.holdAll(ctx, list)
	if err != nil {
		return nil, err
	}
	if err := tx.giveBack(ctx, held, held); err != nil {
		return nil, err
	}
	if revs, err = tx.setEvicting(ctx, held, false); err != nil {
		return nil, err
	}
	commands, err := tx.ask(ctx, held, revs, wire.ActionStart)
	if err != nil {
		return nil, err
	}
	for i := range held {
		held[i].next.StopRev, held[i].next.StopCommand = revs[held[i].node], commands[i]
	}
	return revs, tx.writeAll(ctx, held)
}

// giveBack releases what is reserved beside what the containers have, and
// locks the ledgers of the nodes that are told something afterwards.
func (tx *Tx) giveBack(ctx context.Context, held, told []holding) error {
	var l ledgerEdit
	for _, h := range told {
		l.lock(h.node)
	}
	for i := range held {
		if at := held[i].reservedAt(); at != nil {
			l.release(*at, &held[i])
		}
	}
	return tx.editLedgers(ctx, l)
}

// setEvicting changes what the nodes are told of their containers' power.
func (tx *Tx) setEvicting(ctx context.Context, held []holding, evicting bool) (map[id.NodeID]int64, error) {
	nodes, containers := make([]id.NodeID, len(held)), make([]id.ContainerID, len(held))
	for i, h := range held {
		nodes[i], containers[i] = h.node, h.next.ContainerID
	}
	_, err := tx.tx.Exec(ctx, `update containers set evicting = $2, updated_at = now() where id = any($1)`, containers, evicting)
	if err != nil {
		return nil, fmt.Errorf("evict: %w", err)
	}
	return tx.touchNodes(ctx, nodes, containers)
}

// Switch gives containers to other nodes: the next epoch, there. Room and
// ports are taken at the target unless they were reserved, and given back at
// the node that is left. It sets To and ToEpoch and answers the new revisions
// of all nodes concerned. What was seen of a container stays: it is of an
// older epoch, and so the container shows as pending.
func (tx *Tx) Switch(ctx context.Context, list []Placed) (revs map[id.NodeID]int64, err error) {
	list = slices.Clone(list)
	held, err := tx.holdPlaced(ctx, list)
	if err != nil {
		return nil, err
	}
	if err := tx.fillPorts(ctx, held, list); err != nil {
		return nil, err
	}
	var l ledgerEdit
	for i := range held {
		h, p := &held[i], list[held[i].at]
		if err := h.goesTo(p); err != nil {
			return nil, err
		}
		l.swap(h, p)
		h.next.To, h.next.ToEpoch = &p.Node, h.epoch+1
		h.next.Ports = spec.PortChanges(h.ports, p.Ports)
	}
	if err := tx.editLedgers(ctx, l); err != nil {
		return nil, err
	}
	if err := tx.moveContainers(ctx, held, list); err != nil {
		return nil, err
	}
	return tx.tellBoth(ctx, held)
}

// fillPorts finds the ports of those places that were reserved before.
func (tx *Tx) fillPorts(ctx context.Context, held []holding, list []Placed) error {
	var lacking []id.ContainerID
	for _, h := range held {
		if list[h.at].Ports == nil && len(h.ports) > 0 {
			lacking = append(lacking, h.next.ContainerID)
		}
	}
	if lacking == nil {
		return nil
	}
	rows, err := tx.tx.Query(ctx, `select container_id, node_id, ip, port, protocol from allocations where container_id = any($1)
		order by port`, lacking)
	if err != nil {
		return fmt.Errorf("load reserved ports: %w", err)
	}
	type place struct {
		container id.ContainerID
		node      id.NodeID
	}
	reserved := map[place][]spec.Port{}
	var at place
	var p spec.Port
	if _, err := pgx.ForEachRow(rows, []any{&at.container, &at.node, &p.IP, &p.Host, &p.Protocol}, func() error {
		reserved[at] = append(reserved[at], p)
		return nil
	}); err != nil {
		return fmt.Errorf("load reserved ports: %w", err)
	}
	for _, h := range held {
		if p := &list[h.at]; p.Ports == nil {
			p.Ports = settle(h.ports, reserved[place{h.next.ContainerID, p.Node}])
		}
	}
	return nil
}

// moveContainers writes the assignments, and the specs of those whose host
// ports are others than before.
func (tx *Tx) moveContainers(ctx context.Context, held []holding, list []Placed) error {
	n := len(held)
	ids, nodes := make([]id.ContainerID, n), make([]id.NodeID, n)
	specs, hashes := make([]*spec.Container, n), make([]string, n)
	var others []id.ContainerID
	for i := range held {
		h, p := &held[i], list[held[i].at]
		ids[i], nodes[i] = h.next.ContainerID, p.Node
		if !slices.Equal(h.ports, p.Ports) {
			others = append(others, h.next.ContainerID)
		}
	}
	before, err := tx.specsByID(ctx, others)
	if err != nil {
		return err
	}
	for i := range held {
		if next, ok := before[ids[i]]; ok {
			next.Ports = list[held[i].at].Ports
			sealed, err := tx.sealSpec(ctx, ids[i], next)
			if err != nil {
				return err
			}
			specs[i], hashes[i] = &sealed, next.Hash()
			held[i].gen++
		}
	}
	tag, err := tx.tx.Exec(ctx, `
		update containers c set node_id = s.node, epoch = c.epoch + 1, evicting = false, migration_status = 'migrating', updated_at = now(),
			spec = coalesce(s.spec, c.spec), spec_hash = case when s.spec is null then c.spec_hash else s.hash end,
			generation = case when s.spec is null then c.generation else c.generation + 1 end
		from unnest($1::uuid[], $2::uuid[], $3::jsonb[], $4::text[]) as s (id, node, spec, hash)
		where c.id = s.id and c.deleted_at is null`, ids, nodes, specs, hashes)
	if err != nil {
		return fmt.Errorf("move containers: %w", err)
	}
	if int(tag.RowsAffected()) != n {
		return fleet.Errorf(fleet.Conflict, "a container was deleted while it was being moved")
	}
	return nil
}

// specsByID loads the specs of containers.
func (tx *Tx) specsByID(ctx context.Context, containers []id.ContainerID) (map[id.ContainerID]spec.Container, error) {
	if len(containers) == 0 {
		return nil, nil
	}
	rows, err := tx.tx.Query(ctx, `select id, spec from containers where id = any($1)`, containers)
	if err != nil {
		return nil, fmt.Errorf("load specs: %w", err)
	}
	out := make(map[id.ContainerID]spec.Container, len(containers))
	var container id.ContainerID
	var s spec.Container
	_, err = pgx.ForEachRow(rows, []any{&container, &s}, func() error {
		err := tx.openSpec(container, &s)
		out[container], s = s, spec.Container{}
		return err
	})
	return out, wrap("load specs", err)
}

// tellBoth has the nodes that are left, and the new ones, learn of it.
func (tx *Tx) tellBoth(ctx context.Context, held []holding) (map[id.NodeID]int64, error) {
	var nodes []id.NodeID
	var containers []id.ContainerID
	for i := range held {
		h := &held[i]
		nodes = append(nodes, h.node, *h.next.To)
		containers = append(containers, h.next.ContainerID, h.next.ContainerID)
		h.node, h.epoch = *h.next.To, h.next.ToEpoch
	}
	revs, err := tx.touchNodes(ctx, nodes, containers)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ask(ctx, held, revs, wire.ActionMigrateCreate); err != nil {
		return nil, err
	}
	return revs, tx.writeAll(ctx, held)
}

// ask replaces the open commands of containers by a new one for the node where
// each is, except of those whose migration has no job, and starts none that
// should not run. It answers the commands in the order of held.
func (tx *Tx) ask(ctx context.Context, held []holding, revs map[id.NodeID]int64, action wire.Action) ([]*id.CommandID, error) {
	out := make([]*id.CommandID, len(held))
	var all []id.ContainerID
	var ids []id.CommandID
	var jobs []id.JobID
	var nodes []id.NodeID
	var containers []id.ContainerID
	var numbers [3][]int64
	for i, h := range held {
		all = append(all, h.next.ContainerID)
		if h.next.JobID == nil || (action == wire.ActionStart && h.power != spec.Running) {
			continue
		}
		command := id.New[id.CommandID]()
		out[i] = &command
		ids, jobs, nodes, containers = append(ids, command), append(jobs, *h.next.JobID), append(nodes, h.node), append(containers, h.next.ContainerID)
		for n, v := range []int64{revs[h.node], h.epoch, h.gen} {
			numbers[n] = append(numbers[n], v)
		}
	}
	if err := tx.supersede(ctx, all); err != nil || len(ids) == 0 {
		return out, err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		insert into commands (id, job_id, node_id, container_id, action, rev, epoch, generation)
		select id, job, node, container, $8, rev, epoch, generation
		from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[])
			as k (id, job, node, container, rev, epoch, generation)`,
		ids, jobs, nodes, containers, numbers[0], numbers[1], numbers[2], action)
	batch.Queue(`insert into outbox (node_id, command_id) select * from unnest($1::uuid[], $2::uuid[])`, nodes, ids)
	return out, wrap("insert commands", tx.tx.SendBatch(ctx, batch).Close())
}
