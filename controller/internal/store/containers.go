package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// containerColumns are what scanContainer reads.
const containerColumns = `
	c.id, c.name, c.egg_id, c.owner_id, c.node_id, c.spec, c.epoch, c.generation, c.desired_power,
	c.type, coalesce(c.ha_policy, ''), c.ha_policy_reason, c.group_key, c.evicting,
	c.migration_status, c.preferred_cluster_id, c.last_migration_at,
	c.observed, c.observed_at, c.created_at, c.updated_at, c.deleted_at`

// containerFields are where containerColumns are read into. openSpec has to
// follow: the secrets of the spec are sealed.
func containerFields(c *fleet.Container) []any { return containerFieldsWith(c, &c.Spec) }

func containerFieldsWith(c *fleet.Container, spec any) []any {
	return []any{
		&c.ID, &c.Name, &c.EggID, &c.OwnerID, &c.NodeID, spec, &c.Epoch, &c.Generation, &c.Power,
		&c.Type, &c.HAPolicy, &c.HAPolicyReason, &c.Group, &c.Evicting,
		&c.MigrationStatus, &c.PreferredClusterID, &c.LastMigrationAt,
		&c.Observed, &c.ObservedAt, &c.CreatedAt, &c.UpdatedAt, &c.DeletedAt,
	}
}

func (s *Store) scanContainer(row pgx.CollectableRow) (fleet.Container, error) {
	var c fleet.Container
	if err := row.Scan(containerFields(&c)...); err != nil {
		return fleet.Container{}, err
	}
	return c, s.openSpec(c.ID, &c.Spec)
}

// Container loads one container, unless it is deleted.
func (s *Store) Container(ctx context.Context, container id.ContainerID) (fleet.Container, error) {
	rows, err := s.db.Query(ctx, `select`+containerColumns+` from containers c where c.id = $1 and c.deleted_at is null`, container)
	if err != nil {
		return fleet.Container{}, fmt.Errorf("load container: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, s.scanContainer)
	return c, one(err, "container", container)
}

// ContainerList is how containers are listed.
var ContainerList = Listing{
	name: "containers", looks: []string{"x.name"}, Finds: "the name",
	orders: []order{byText("name", "x.name"), byTime("createdAt", "x.created_at"), byTime("updatedAt", "x.updated_at")},
}

// ContainerFilter narrows a list of containers. Zero fields do not.
type ContainerFilter struct {
	Page
	Node  *id.NodeID
	Egg   *id.EggID
	Phase spec.Phase
	Reach Reach
}

// phaseOf is fleet.Container.Phase in SQL: what was said of a former place is
// past.
const phaseOf = `case when (c.observed->>'epoch')::bigint = c.epoch then c.observed->>'phase' else 'pending' end`

// Containers lists containers, and the cursor of the next page.
func (s *Store) Containers(ctx context.Context, f ContainerFilter) ([]fleet.Container, string, error) {
	return list(ctx, s, ContainerList, f.Page, s.scanContainer, `select`+containerColumns+`
		from containers c
		where c.deleted_at is null
		and ($1::uuid is null or c.node_id = $1)
		and ($2::uuid is null or c.egg_id = $2)
		and ($3::text = '' or `+phaseOf+` = $3)
		and `+f.Reach.holds("c.id", 4, alive),
		f.Node, f.Egg, f.Phase, f.Reach.Containers, f.Reach.Nodes, f.Reach.Clusters, f.Reach.Owners)
}

// LockContainer loads a container, also a deleted one, and keeps every other
// verb from it until the transaction ends.
func (tx *Tx) LockContainer(ctx context.Context, container id.ContainerID) (fleet.Container, error) {
	rows, err := tx.tx.Query(ctx, `select`+containerColumns+` from containers c where c.id = $1 for update`, container)
	if err != nil {
		return fleet.Container{}, fmt.Errorf("lock container: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, tx.scanContainer)
	return c, one(err, "container", container)
}

// InsertContainer records a new container. Its promise and ports are taken
// by Reserve and Allocate.
func (tx *Tx) InsertContainer(ctx context.Context, c fleet.Container) error {
	sealed, err := tx.sealSpec(ctx, c.ID, c.Spec)
	if err != nil {
		return fmt.Errorf("insert container: %w", err)
	}
	_, err = tx.tx.Exec(ctx, `
		insert into containers (id, name, egg_id, owner_id, node_id, spec, spec_hash, generation, epoch, desired_power,
			type, ha_policy, ha_policy_reason, group_key, preferred_cluster_id, cpu, memory, disk, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, ''), $13, $14, $15, $16, $17, $18, $19, $19)`,
		c.ID, c.Name, c.EggID, c.OwnerID, c.NodeID, sealed, c.Spec.Hash(), c.Generation, c.Epoch, c.Power,
		c.Type, c.HAPolicy, c.HAPolicyReason, c.Group, c.PreferredClusterID,
		int64(c.Spec.Resources.CPU), int64(c.Spec.Resources.Memory), int64(c.Spec.Resources.Disk), c.CreatedAt)
	return containerFault(err, c, "insert container")
}

func containerFault(err error, c fleet.Container, step string) error {
	switch {
	case err == nil:
		return nil
	case violates(err, "containers_name"):
		return taken("container", c.Name)
	case violates(err, "containers_preferred_cluster_id_fkey"):
		return fleet.InvalidFields(spec.Fault{Field: "preferred_cluster_id", Message: fmt.Sprintf("there is no cluster %s", c.PreferredClusterID)})
	}
	return fmt.Errorf("%s: %w", step, err)
}

// UpdateDesired writes what a container should be: its spec, generation,
// power, and how it is treated when its node is lost. A move that went well
// is past with that. The caller holds its lock.
func (tx *Tx) UpdateDesired(ctx context.Context, c fleet.Container) error {
	sealed, err := tx.sealSpec(ctx, c.ID, c.Spec)
	if err != nil {
		return fmt.Errorf("update container: %w", err)
	}
	tag, err := tx.tx.Exec(ctx, `
		update containers set spec = $2, spec_hash = $3, generation = $4, desired_power = $5,
			cpu = $6, memory = $7, disk = $8, updated_at = $9,
			type = $10, ha_policy = nullif($11, ''), ha_policy_reason = $12, group_key = $13, preferred_cluster_id = $14,
			migration_status = case migration_status when 'completed' then 'idle' else migration_status end
		where id = $1 and deleted_at is null`,
		c.ID, sealed, c.Spec.Hash(), c.Generation, c.Power,
		int64(c.Spec.Resources.CPU), int64(c.Spec.Resources.Memory), int64(c.Spec.Resources.Disk), c.UpdatedAt,
		c.Type, c.HAPolicy, c.HAPolicyReason, c.Group, c.PreferredClusterID)
	if err != nil {
		return containerFault(err, c, "update container")
	}
	return changed(tag, "container", c.ID)
}

// CountInstall counts that the installation of a container was asked for
// again.
func (tx *Tx) CountInstall(ctx context.Context, container id.ContainerID, now time.Time) error {
	tag, err := tx.tx.Exec(ctx, `
		update containers set installs = installs + 1, updated_at = $2 where id = $1 and deleted_at is null`, container, now)
	if err != nil {
		return fmt.Errorf("count an installation: %w", err)
	}
	return changed(tag, "container", container)
}

// SetOwner gives a container to a user, or to nobody. What it should be stays
// the same, so it has no new generation.
func (tx *Tx) SetOwner(ctx context.Context, container id.ContainerID, owner *id.UserID, now time.Time) error {
	tag, err := tx.tx.Exec(ctx, `
		update containers set owner_id = $2, updated_at = $3 where id = $1 and deleted_at is null`, container, owner, now)
	if err != nil {
		return fmt.Errorf("set owner: %w", err)
	}
	return changed(tag, "container", container)
}

// AnyContainer loads a container, also a deleted one.
func (s *Store) AnyContainer(ctx context.Context, container id.ContainerID) (fleet.Container, error) {
	rows, err := s.db.Query(ctx, `select`+containerColumns+` from containers c where c.id = $1`, container)
	if err != nil {
		return fleet.Container{}, fmt.Errorf("load container: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, s.scanContainer)
	return c, one(err, "container", container)
}
