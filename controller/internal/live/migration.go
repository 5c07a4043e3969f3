package live

import (
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/wire"
)

// The values of FleetEvent.Kind that are of migrations.
const (
	KindMigration = "migration"
	KindOverlap   = "migration.overlap" // two copies of an exclusive container were seen
)

// Migration publishes how far a migration has come: on its container's topic,
// and in the feed.
func (l *Live) Migration(m fleet.Migration) {
	status := m.State.Status()
	e := wire.MigrationEvent{
		Header: wire.Head(migrationType(m.State)), ContainerID: m.ContainerID, Status: string(status), Error: m.Error,
		Migration: wire.Migration{
			ID: m.ID, From: m.From, State: string(m.State), Trigger: string(m.Kind), Reason: m.Reason, Waiting: m.Waiting, Timestamp: l.now().UTC(), Ports: m.Ports,
		},
	}
	if m.To != nil {
		e.Migration.To = *m.To
	}
	l.publish(wire.OfContainer(wire.ContainerEvents, m.ContainerID), e)
	feed := wire.FleetEvent{Kind: KindMigration, ContainerID: m.ContainerID, NodeID: m.From, State: string(m.State), Message: m.Waiting}
	if m.JobID != nil {
		feed.JobID = *m.JobID
	}
	if feed.Message == "" {
		feed.Message = m.Error
	}
	l.Event(feed)
}

// migrationType is the type of the message: a migration that was called off
// has neither completed nor failed.
func migrationType(s fleet.MigrationState) string {
	switch s {
	case fleet.MigrationDone:
		return wire.TypeMigrationCompleted
	case fleet.MigrationGaveUp, fleet.MigrationRolledBack:
		return wire.TypeMigrationFailed
	case fleet.MigrationQueued, fleet.MigrationReserved, fleet.MigrationStopping, fleet.MigrationFencing, fleet.MigrationStarting,
		fleet.MigrationRollingBack, fleet.MigrationCancelled:
	}
	return wire.TypeMigrationStatus
}
