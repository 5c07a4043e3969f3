package store

import (
	"context"
	"errors"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

var errLater = errors.New("store: not written yet")

// OpenMigration is a migration that is not over, with all that its next step
// depends on.
type OpenMigration struct {
	fleet.Migration
	Container   fleet.Container // as it is now; NodeID and Epoch are where it is now
	FromCluster *id.ClusterID   // of the node that it leaves
	Stop        wire.Receipt    // of the command that stops it; "": there is none
	StopMessage string
	Ports       []spec.Port // with the host ports that are reserved at To; nil: none reserved
}

// OpenMigrations lists the migrations that are not over, the most urgent
// first.
func (s *Store) OpenMigrations(ctx context.Context, limit int) ([]OpenMigration, error) {
	return nil, errLater
}

// Claim says who wants to work on migrations, and until when nobody else
// should.
type Claim struct {
	By    string
	Now   time.Time
	Until time.Time
	Limit int
}

// ClaimMigrations takes migrations that are due and that nobody else works
// on, the most urgent first. It belongs into a transaction of its own.
func (tx *Tx) ClaimMigrations(ctx context.Context, c Claim) ([]OpenMigration, error) {
	return nil, errLater
}

// LockMigrations is how a transaction begins that moves containers: it locks
// the containers, then the migrations, and answers with those that are still
// of the version given, read anew. Those whose container somebody else holds
// right now are left out: they come round again.
func (tx *Tx) LockMigrations(ctx context.Context, list []fleet.Migration) ([]OpenMigration, error) {
	return nil, errLater
}

// QueueFailovers queues a failover of every ha container of lost nodes that
// should run and is not being moved already, and answers how many.
func (tx *Tx) QueueFailovers(ctx context.Context, nodes []id.NodeID, detectedAt time.Time) (int, error) {
	return 0, errLater
}

// InsertMigration records a migration. Where the container is being moved
// already it is a Conflict naming that migration. The caller holds the
// container's lock.
func (tx *Tx) InsertMigration(ctx context.Context, m fleet.Migration) error { return errLater }

// Migration loads one migration.
func (s *Store) Migration(ctx context.Context, migration id.MigrationID) (fleet.Migration, error) {
	return fleet.Migration{}, errLater
}

// OpenMigrationOf is the migration that moves a container now, or nil.
func (s *Store) OpenMigrationOf(ctx context.Context, container id.ContainerID) (*fleet.Migration, error) {
	return nil, errLater
}

// MigrationFilter narrows a list of migrations. Zero fields do not.
type MigrationFilter struct {
	Page
	Container *id.ContainerID
	Node      *id.NodeID // from or to it
	Job       *id.JobID
	Kind      fleet.MigrationKind
	Open      bool // not over
	Reach     Reach
}

// Migrations lists migrations, newest first, and the cursor of the next page.
func (s *Store) Migrations(ctx context.Context, f MigrationFilter) ([]fleet.Migration, string, error) {
	return nil, "", errLater
}
