package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func (s *Server) migrationRoutes() {
	add(s, Route{
		Verb: fleet.MigrationManage, ID: "container.migrate", Method: http.MethodPost, Path: "/containers/{id}/migrate", Status: http.StatusAccepted, Summary: "Move a container to another node",
		Help: "Without `targetNodeId` the node is chosen. The container is stopped first, and started when its node has confirmed that; `overlap` starts it first, `force` does not wait for a node that does not answer. The job tells how far it has come.",
	}, s.migrate)
	add(s, Route{
		Verb: fleet.MigrationView, ID: "container.migration-history", Method: http.MethodGet, Path: "/containers/{id}/migration-history", List: &store.HistoryList, Summary: "List a container's moves that are over",
	}, s.migrationHistory)
	add(s, Route{
		Verb: fleet.MigrationView, ID: "migration.list", Method: http.MethodGet, Path: "/migrations", List: &store.MigrationList, Summary: "List moves, also those under way",
	}, s.migrations)
	add(s, Route{
		Verb: fleet.MigrationView, Method: http.MethodGet, Path: "/migrations/{id}", Summary: "Show a move",
	}, s.migration)
	add(s, Route{
		Verb: fleet.MigrationManage, ID: "migration.cancel", Method: http.MethodPost, Path: "/migrations/{id}/cancel", Summary: "Call off a move that has not changed the container's node",
	}, s.cancelMigration)
	add(s, Route{
		Verb: fleet.MigrationManage, ID: "migration.rollback", Method: http.MethodPost, Path: "/migrations/{id}/rollback", Status: http.StatusAccepted, Summary: "Take a container back to where a move took it from",
	}, s.rollbackMigration)
}

type migrateInput struct {
	ContainerInput
	RepeatableInput
	Body struct {
		Force          bool       `json:"force,omitempty" doc:"do not wait for the node to confirm that it has stopped; an exclusive container still waits until its lease has run out"`
		TargetNodeID   *id.NodeID `json:"targetNodeId,omitempty" format:"uuid"`
		Overlap        bool       `json:"overlap,omitempty" doc:"start the new copy before the old one is stopped"`
		AcceptDataLoss bool       `json:"acceptDataLoss,omitempty" doc:"what is in volumes that are not shared stays behind"`
		Reason         string     `json:"reason,omitempty"`
	}
}

func (s *Server) migrate(ctx context.Context, actor authz.Actor, in *migrateInput) (*jobOutput, error) {
	b := in.Body
	m, err := s.Actions.MigrateContainer(ctx, actor, in.ID, actions.Move{
		Force: b.Force, Target: b.TargetNodeID, Overlap: b.Overlap, AcceptDataLoss: b.AcceptDataLoss, Reason: b.Reason, Key: in.IdempotencyKey,
	})
	return &jobOutput{Body: showJob(m.Job)}, err
}

// pastMigrationBody is a move that is over, in the shape of DESIGN §10.
type pastMigrationBody struct {
	ID          id.MigrationID        `json:"id" format:"uuid"`
	ContainerID id.ContainerID        `json:"containerId" format:"uuid"`
	FromNodeID  id.NodeID             `json:"fromNodeId" format:"uuid"`
	ToNodeID    *id.NodeID            `json:"toNodeId,omitempty" format:"uuid"`
	Status      fleet.MigrationStatus `json:"status" enum:"completed,failed"`
	Timestamp   time.Time             `json:"timestamp" doc:"when it was over"`
	State       fleet.MigrationState  `json:"state"`
	Trigger     fleet.MigrationKind   `json:"trigger" enum:"failover,manual,drain,rebalance,rollback"`
	Reason      string                `json:"reason,omitempty"`
	Error       string                `json:"error,omitempty"`
	Attempt     int                   `json:"attempt"`
	Leftover    fleet.Leftover        `json:"leftover" enum:"none,unknown,running,gone" doc:"what became of the old copy on a node that did not answer"`
	OverlapMS   *int64                `json:"overlapMs,omitempty" doc:"how long two copies ran side by side, as far as was seen"`
	DetectMS    *int64                `json:"detectMs,omitempty" doc:"from the verdict on the node until the move was queued"`
	DecideMS    *int64                `json:"decideMs,omitempty" doc:"until it had a place"`
	StopMS      *int64                `json:"stopMs,omitempty" doc:"until the old copy had stopped"`
	StartMS     *int64                `json:"startMs,omitempty" doc:"from the change of node until the new copy ran"`
	DurationMS  int64                 `json:"durationMs"`
	Ports       []spec.PortChange     `json:"ports,omitempty" doc:"host ports that are others since"`
}

func showPast(m store.PastMigration) pastMigrationBody {
	return pastMigrationBody{
		ID: m.ID, ContainerID: m.ContainerID, FromNodeID: m.From, ToNodeID: m.To, Status: m.Status, Timestamp: m.Timestamp, State: m.State,
		Trigger: m.Trigger, Reason: m.Reason, Error: m.Error, Attempt: m.Attempt, Leftover: m.Leftover, OverlapMS: m.OverlapMS,
		DetectMS: m.DetectMS, DecideMS: m.DecideMS, StopMS: m.StopMS, StartMS: m.StartMS, DurationMS: m.DurationMS, Ports: m.Ports,
	}
}

type migrationHistoryInput struct {
	ContainerInput
	PageQuery
}

type migrationHistoryOutput struct {
	Body struct {
		Migrations []pastMigrationBody `json:"migrations"`
		NextCursor string              `json:"next_cursor,omitempty"`
	}
}

func (s *Server) migrationHistory(ctx context.Context, actor authz.Actor, in *migrationHistoryInput) (*migrationHistoryOutput, error) {
	list, next, err := s.Actions.MigrationHistory(ctx, actor, in.ID, in.page())
	out := &migrationHistoryOutput{}
	out.Body.NextCursor = next
	out.Body.Migrations = make([]pastMigrationBody, len(list)) // never nil: no moves are []
	for i, m := range list {
		out.Body.Migrations[i] = showPast(m)
	}
	return out, err
}

// migrationBody is a move, over or not.
type migrationBody struct {
	ID           id.MigrationID        `json:"id" format:"uuid"`
	ContainerID  id.ContainerID        `json:"containerId" format:"uuid"`
	Kind         fleet.MigrationKind   `json:"trigger" enum:"failover,manual,drain,rebalance,rollback"`
	Status       fleet.MigrationStatus `json:"status" enum:"idle,migrating,completed,failed" doc:"state in short"`
	State        fleet.MigrationState  `json:"state" enum:"queued,reserved,stopping,fencing,starting,rolling_back,completed,failed,rolled_back,cancelled"`
	Waiting      string                `json:"waiting,omitempty" doc:"why it does not go on"`
	Reason       string                `json:"reason,omitempty"`
	Error        string                `json:"error,omitempty"`
	JobID        *id.JobID             `json:"jobId,omitempty" format:"uuid"`
	FromNodeID   id.NodeID             `json:"fromNodeId" format:"uuid"`
	ToNodeID     *id.NodeID            `json:"toNodeId,omitempty" format:"uuid"`
	TargetNodeID *id.NodeID            `json:"targetNodeId,omitempty" format:"uuid" doc:"that was asked for"`
	Policy       fleet.HAPolicy        `json:"ha_policy,omitempty" enum:"available,exclusive"`
	FromEpoch    int64                 `json:"fromEpoch"`
	ToEpoch      int64                 `json:"toEpoch,omitempty" doc:"missing until it belongs to its new node"`
	RequestedBy  *id.UserID            `json:"requestedBy,omitempty" format:"uuid"`
	Force        bool                  `json:"force"`
	Overlap      bool                  `json:"overlap"`
	Attempt      int                   `json:"attempt"`
	Priority     int                   `json:"priority"`
	Leftover     fleet.Leftover        `json:"leftover" enum:"none,unknown,running,gone"`
	OverlapMS    *int64                `json:"overlapMs,omitempty"`
	Ports        []spec.PortChange     `json:"ports,omitempty" doc:"host ports that are others since it belongs to its new node"`
	CreatedAt    time.Time             `json:"createdAt"`
	DetectedAt   *time.Time            `json:"detectedAt,omitempty"`
	ReservedAt   *time.Time            `json:"reservedAt,omitempty"`
	StoppingAt   *time.Time            `json:"stoppingAt,omitempty"`
	StoppedAt    *time.Time            `json:"stoppedAt,omitempty"`
	SwitchedAt   *time.Time            `json:"switchedAt,omitempty" doc:"it belongs to its new node since"`
	RunningAt    *time.Time            `json:"runningAt,omitempty"`
	FinishedAt   *time.Time            `json:"finishedAt,omitempty"`
	Deadline     *time.Time            `json:"deadline,omitempty" doc:"of the present step"`
}

func showMigration(m fleet.Migration) migrationBody {
	return migrationBody{
		ID: m.ID, ContainerID: m.ContainerID, Kind: m.Kind, Status: m.State.Status(), State: m.State, Waiting: m.Waiting, Reason: m.Reason, Error: m.Error, JobID: m.JobID,
		FromNodeID: m.From, ToNodeID: m.To, TargetNodeID: m.Wanted, Policy: m.Policy, Force: m.Force, Overlap: m.Overlap,
		Attempt: m.Attempt, Priority: m.Priority, Leftover: m.Leftover, OverlapMS: m.OverlapMS, CreatedAt: m.CreatedAt,
		FromEpoch: m.FromEpoch, ToEpoch: m.ToEpoch, RequestedBy: m.RequestedBy, DetectedAt: m.DetectedAt, ReservedAt: m.ReservedAt,
		StoppingAt: m.StoppingAt, StoppedAt: m.StoppedAt, SwitchedAt: m.SwitchedAt, RunningAt: m.RunningAt, FinishedAt: m.FinishedAt,
		Deadline: m.Deadline, Ports: m.Ports,
	}
}

type migrationsInput struct {
	PageQuery
	Container id.ContainerID      `query:"containerId" format:"uuid" doc:"only those of this container"`
	Node      id.NodeID           `query:"nodeId" format:"uuid" doc:"only those from or to this node"`
	Job       id.JobID            `query:"jobId" format:"uuid" doc:"only those of this job"`
	Kind      fleet.MigrationKind `query:"trigger" enum:"failover,manual,drain,rebalance,rollback" doc:"only those that were set going by this"`
	Open      bool                `query:"open" doc:"only those that are not over"`
}

type migrationsOutput struct{ Body page[migrationBody] }

func (s *Server) migrations(ctx context.Context, actor authz.Actor, in *migrationsInput) (*migrationsOutput, error) {
	list, next, err := s.Actions.Migrations(ctx, actor, store.MigrationFilter{
		Page: in.page(), Container: optional(in.Container), Node: optional(in.Node), Job: optional(in.Job), Kind: in.Kind, Open: in.Open,
	})
	return &migrationsOutput{Body: pageOf(list, next, showMigration)}, err
}

type MigrationInput struct {
	ID id.MigrationID `path:"id" format:"uuid"`
}

type migrationOutput struct{ Body migrationBody }

func (s *Server) migration(ctx context.Context, actor authz.Actor, in *MigrationInput) (*migrationOutput, error) {
	m, err := s.Actions.Migration(ctx, actor, in.ID)
	return &migrationOutput{Body: showMigration(m)}, err
}

func (s *Server) cancelMigration(ctx context.Context, actor authz.Actor, in *MigrationInput) (*migrationOutput, error) {
	m, err := s.Actions.CancelMigration(ctx, actor, in.ID)
	return &migrationOutput{Body: showMigration(m)}, err
}

type rollbackInput struct {
	MigrationInput
	RepeatableInput
	Body *struct {
		Force  bool   `json:"force,omitempty" doc:"does not wait for the present node to confirm that it has stopped"`
		Reason string `json:"reason,omitempty"`
	} `required:"false"`
}

func (s *Server) rollbackMigration(ctx context.Context, actor authz.Actor, in *rollbackInput) (*jobOutput, error) {
	move := actions.Move{Key: in.IdempotencyKey}
	if b := in.Body; b != nil {
		move.Force, move.Reason = b.Force, b.Reason
	}
	m, err := s.Actions.RollbackMigration(ctx, actor, in.ID, move)
	return &jobOutput{Body: showJob(m.Job)}, err
}
