package fleet

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Migration is a move of a container to another node: a row that is moved
// along by small steps, each of which may be done twice (FAILOVER §7).
type Migration struct {
	ID          id.MigrationID
	ContainerID id.ContainerID
	Kind        MigrationKind
	Reason      string
	RequestedBy *id.UserID
	JobID       *id.JobID // nil where nobody asked for it
	From        id.NodeID
	To          *id.NodeID // nil until a place is reserved
	Wanted      *id.NodeID // asked for by name
	FromEpoch   int64
	ToEpoch     int64    // 0 until switched
	Policy      HAPolicy // "" of a standard container
	Force       bool     // does not wait for the source to confirm
	Overlap     bool     // start first, stop after
	State       MigrationState
	Version     int
	Attempt     int
	Excluded    []id.NodeID // targets that did not work out
	Priority    int
	StopRev     int64         // revision of the source that says "stopped"; 0: none yet
	StopCommand *id.CommandID // whose receipt confirms it
	Waiting     string        // why it does not go on, in words for people
	Error       string

	DetectedAt *time.Time // failover: the verdict on the node
	CreatedAt  time.Time
	ReservedAt *time.Time
	StoppingAt *time.Time
	StoppedAt  *time.Time
	SwitchedAt *time.Time
	RunningAt  *time.Time // the new copy was reported running
	FinishedAt *time.Time
	Deadline   *time.Time // of the present step
	NextRunAt  time.Time

	Leftover  Leftover
	OverlapMS *int64            // nil: none, or not known yet
	Ports     []spec.PortChange // host ports that are others since the switch
}

// MigrationKind is what set a migration going.
type MigrationKind string

// The kinds.
const (
	KindFailover  MigrationKind = "failover"
	KindManual    MigrationKind = "manual"
	KindDrain     MigrationKind = "drain"
	KindRebalance MigrationKind = "rebalance"
	KindRollback  MigrationKind = "rollback"
)

// Leftover is what became of the old copy on a node that did not confirm.
type Leftover string

// The leftovers.
const (
	LeftoverNone    Leftover = "none"    // the source confirmed
	LeftoverUnknown Leftover = "unknown" // its node has not come back
	LeftoverRunning Leftover = "running" // its node came back with it running; it is being stopped
	LeftoverGone    Leftover = "gone"
)

// MigrationState is how far a migration has come.
//
//	queued ─▶ reserved ─▶ stopping ─▶ starting ─▶ completed
//	   │          │           │  │         │
//	   │          │           │  └▶ fencing ─▶ starting
//	   │          │           ▼            ▼
//	   │          │       rolling_back ─▶ rolled_back
//	   └──────────┴─▶ cancelled, failed
//
// A failover goes from queued straight to starting: its source is silent, so
// that place, epoch and owner change in the transaction that reserves. The
// switch is the step into starting; nothing ever waits within it.
type MigrationState string

// The states.
const (
	MigrationQueued      MigrationState = "queued"       // waits for limits and a place
	MigrationReserved    MigrationState = "reserved"     // has a place; its image is fetched there
	MigrationStopping    MigrationState = "stopping"     // the source is told to stop it
	MigrationFencing     MigrationState = "fencing"      // the source does not confirm: its lease runs out
	MigrationStarting    MigrationState = "starting"     // it belongs to the target, which starts it
	MigrationRollingBack MigrationState = "rolling_back" // it goes back to the source
	MigrationDone        MigrationState = "completed"
	MigrationGaveUp      MigrationState = "failed"
	MigrationRolledBack  MigrationState = "rolled_back"
	MigrationCancelled   MigrationState = "cancelled"
)

var migrationMoves = map[MigrationState][]MigrationState{
	MigrationQueued:      {MigrationReserved, MigrationStarting, MigrationCancelled, MigrationGaveUp},
	MigrationReserved:    {MigrationStopping, MigrationStarting, MigrationQueued, MigrationCancelled, MigrationGaveUp},
	MigrationStopping:    {MigrationStarting, MigrationFencing, MigrationRollingBack, MigrationCancelled, MigrationGaveUp},
	MigrationFencing:     {MigrationStarting, MigrationRollingBack, MigrationCancelled, MigrationGaveUp},
	MigrationStarting:    {MigrationDone, MigrationQueued, MigrationRollingBack, MigrationCancelled, MigrationGaveUp},
	MigrationRollingBack: {MigrationRolledBack, MigrationQueued, MigrationCancelled, MigrationGaveUp},
}

// CanBecome reports whether a migration may go from s to next in one step.
func (s MigrationState) CanBecome(next MigrationState) bool { return contains(migrationMoves[s], next) }

// Final reports whether the migration is over.
func (s MigrationState) Final() bool { return len(migrationMoves[s]) == 0 }

// Status is the four-valued form that a container shows while and after it
// moves.
func (s MigrationState) Status() MigrationStatus {
	switch s {
	case MigrationDone:
		return MigrationCompleted
	case MigrationGaveUp, MigrationRolledBack:
		return MigrationFailed
	case MigrationCancelled:
		return MigrationIdle
	}
	return Migrating
}

// Switched reports whether the container belongs to its target already.
func (m Migration) Switched() bool { return m.ToEpoch != 0 }

// InTheWay is the refusal of whatever else is asked of a container while it
// moves.
func (m Migration) InTheWay() *Error {
	cancel := fmt.Sprintf("or cancel it with POST /api/v1/migrations/%s/cancel", m.ID)
	if m.Switched() {
		cancel = fmt.Sprintf("or take it back with POST /api/v1/migrations/%s/rollback", m.ID)
	}
	return Errorf(Conflict, "the container is being moved by migration %s, which is %s: wait until it is over, %s", m.ID, m.State, cancel)
}

// The order in which migrations go on: the higher first (FAILOVER §7). What
// waits rises by one every ten seconds.
const (
	PriorityExclusive = 100
	PriorityFailover  = 90
	PriorityForced    = 80
	PriorityManual    = 60
	PriorityDrain     = 40
	PriorityRebalance = 20
)
