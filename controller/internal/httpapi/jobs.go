package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

func (s *Server) jobRoutes() {
	add(s, Route{
		Verb: fleet.JobView, ID: "job.list", Method: http.MethodGet, Path: "/jobs", List: &store.JobList, Summary: "List jobs",
	}, s.jobs)
	add(s, Route{
		Verb: fleet.JobView, Method: http.MethodGet, Path: "/jobs/{id}", Summary: "Show a job and its receipts",
	}, s.job)
}

// jobBody is an operation that somebody asked for.
type jobBody struct {
	ID            id.JobID        `json:"id" format:"uuid"`
	Kind          fleet.Verb      `json:"kind" example:"container.create"`
	State         fleet.JobState  `json:"state" enum:"queued,running,succeeded,failed,expired,superseded"`
	NodeID        *id.NodeID      `json:"nodeId,omitempty" format:"uuid"`
	ContainerID   *id.ContainerID `json:"containerId,omitempty" format:"uuid"`
	ContainerName string          `json:"containerName,omitempty" doc:"also of one that was deleted since"`
	Progress      int             `json:"progress" doc:"percent"`
	Step          string          `json:"step,omitempty"`
	Error         string          `json:"error,omitempty"`
	RequestedBy   *id.UserID      `json:"requestedBy,omitempty" format:"uuid"`
	CreatedAt     time.Time       `json:"createdAt"`
	StartedAt     *time.Time      `json:"startedAt,omitempty"`
	FinishedAt    *time.Time      `json:"finishedAt,omitempty"`
	Commands      []commandBody   `json:"commands" doc:"what the node was asked for, with receipts"`
}

type commandBody struct {
	ID          id.CommandID `json:"id" format:"uuid"`
	NodeID      id.NodeID    `json:"nodeId" format:"uuid"`
	Action      wire.Action  `json:"action"`
	Receipt     wire.Receipt `json:"receipt" enum:"queued,delivered,applied,failed,expired,superseded"`
	Rev         int64        `json:"rev,omitempty"`
	Epoch       int64        `json:"epoch,omitempty"`
	Generation  int64        `json:"generation,omitempty"`
	Deadline    *time.Time   `json:"deadline,omitempty"`
	Message     string       `json:"message,omitempty"`
	QueuedAt    time.Time    `json:"queuedAt"`
	DeliveredAt *time.Time   `json:"deliveredAt,omitempty"`
	FinishedAt  *time.Time   `json:"finishedAt,omitempty"`
}

func showJob(j fleet.Job) jobBody {
	body := jobBody{
		ID: j.ID, Kind: j.Kind, State: j.State, NodeID: j.NodeID, ContainerID: j.ContainerID, ContainerName: j.ContainerName, Progress: j.Progress,
		Step: j.Step, Error: j.Error, RequestedBy: j.RequestedBy, CreatedAt: j.CreatedAt, StartedAt: j.StartedAt,
		FinishedAt: j.FinishedAt, Commands: make([]commandBody, len(j.Commands)),
	}
	for i, c := range j.Commands {
		body.Commands[i] = commandBody{
			ID: c.ID, NodeID: c.NodeID, Action: c.Action, Receipt: c.Receipt, Rev: c.Rev, Epoch: c.Epoch,
			Generation: c.Generation, Deadline: c.Deadline, Message: c.Message, QueuedAt: c.QueuedAt,
			DeliveredAt: c.DeliveredAt, FinishedAt: c.FinishedAt,
		}
	}
	return body
}

type jobsInput struct {
	PageQuery
	Container id.ContainerID `query:"containerId" format:"uuid"`
	Node      id.NodeID      `query:"nodeId" format:"uuid"`
	State     string         `query:"state" enum:"queued,running,succeeded,failed,expired,superseded"`
	Kind      string         `query:"kind" maxLength:"60" example:"container.create"`
}

type jobsOutput struct{ Body page[jobBody] }

func (s *Server) jobs(ctx context.Context, actor authz.Actor, in *jobsInput) (*jobsOutput, error) {
	jobs, next, err := s.Actions.Jobs(ctx, actor, store.JobFilter{
		Page: in.page(), Container: optional(in.Container), Node: optional(in.Node),
		State: fleet.JobState(in.State), Kind: fleet.Verb(in.Kind),
	})
	return &jobsOutput{Body: pageOf(jobs, next, showJob)}, err
}

type jobInput struct {
	ID id.JobID `path:"id" format:"uuid"`
}

type jobOutput struct{ Body jobBody }

func (s *Server) job(ctx context.Context, actor authz.Actor, in *jobInput) (*jobOutput, error) {
	j, err := s.Actions.Job(ctx, actor, in.ID)
	return &jobOutput{Body: showJob(j)}, err
}
