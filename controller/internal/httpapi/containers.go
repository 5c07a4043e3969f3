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

func (s *Server) containerRoutes() {
	add(s, Route{
		Verb: fleet.ContainerCreate, Method: http.MethodPost, Path: "/containers", Status: http.StatusAccepted, Summary: "Create a container",
		Help: "Without `nodeId` the node is chosen: the preferred cluster first, then any. `type: ha` also needs `container.ha.create`, an `ownerId` `container.assign`. Send an Idempotency-Key to repeat the request safely.",
	}, s.createContainer)
	add(s, Route{
		Verb: fleet.ContainerView, ID: "container.list", Method: http.MethodGet, Path: "/containers", List: &store.ContainerList, Summary: "List containers",
	}, s.containers)
	add(s, Route{
		Verb: fleet.ContainerView, Method: http.MethodGet, Path: "/containers/{id}", Summary: "Show a container",
	}, s.container)
	add(s, Route{
		Verb: fleet.ContainerEdit, Method: http.MethodPatch, Path: "/containers/{id}", Status: http.StatusAccepted, Summary: "Change a container",
		Help: "What is left out stays as it is; `ports` are replaced as a whole. New limits alone are set on the running container; anything else makes it anew. To become exclusive a container has to be stopped: a copy that runs without a lease could not be ended on a lost node.",
	}, s.editContainer)
	add(s, Route{
		Verb: fleet.ContainerEnvironmentEdit, Method: http.MethodPatch, Path: "/containers/{id}/environment", Status: http.StatusAccepted, Summary: "Change the environment of a container",
		Help: "What is left out stays as it is. The container is made anew with it.",
	}, s.editEnvironment)
	add(s, Route{
		Verb: fleet.ContainerSecretView, Method: http.MethodGet, Path: "/containers/{id}/secrets", Summary: "Read the secrets of a container",
		Help: "Who reads them is in the audit trail.",
	}, s.containerSecrets)
	s.powerRoute(fleet.ContainerStart, "start", "Start a container", s.Actions.StartContainer)
	s.powerRoute(fleet.ContainerStop, "stop", "Stop a container", s.Actions.StopContainer)
	s.powerRoute(fleet.ContainerRestart, "restart", "Restart a container within a minute, or not at all", s.Actions.RestartContainer)
	s.powerRoute(fleet.ContainerKill, "kill", "Kill a container", s.Actions.KillContainer)
	add(s, Route{
		Verb: fleet.ContainerReinstall, Method: http.MethodPost, Path: "/containers/{id}/reinstall", Status: http.StatusAccepted, Summary: "Install a container again",
		Help: "Runs the installation of its egg over the files that are there. One that runs is stopped for it and started afterwards; one that is stopped is installed when it is started next. To cancel an installation, stop the container: it is installed when it is started again.",
	}, jobHandler(s.Actions.ReinstallContainer))
	add(s, Route{
		Verb: fleet.ContainerCommand, Method: http.MethodPost, Path: "/containers/{id}/command", Status: http.StatusAccepted, Summary: "Write a line to a container's console",
		Help: "Within a minute, or not at all. Lines that are sent one after the other arrive in that order. What the container says to it is in its log.",
	}, s.commandContainer)
	add(s, Route{
		Verb: fleet.ContainerAssign, Method: http.MethodPost, Path: "/containers/{id}/assign", Summary: "Give a container to another owner",
		Help: "The new owner may do with it what the built-in role Owner says, which you have to hold there yourself. The old one loses that at once, also over MQTT. Without `ownerId` it belongs to nobody.",
	}, s.assignContainer)
	add(s, Route{
		Verb: fleet.ContainerDelete, Method: http.MethodDelete, Path: "/containers/{id}", Status: http.StatusAccepted, Summary: "Delete a container",
		Help: "Its name, ports and room are free again when its node has confirmed the removal. Asking again answers with the same job. One that is being moved is refused, unless `force` ends the move, which also needs `migration.manage`.",
	}, s.deleteContainer)
}

// powerRoute registers one of the verbs that take a container and give a job.
func (s *Server) powerRoute(v fleet.Verb, word, summary string, do verbOfContainer) {
	add(s, Route{Verb: v, Method: http.MethodPost, Path: "/containers/{id}/" + word, Status: http.StatusAccepted, Summary: summary}, jobHandler(do))
}

type verbOfContainer func(context.Context, authz.Actor, id.ContainerID) (fleet.Job, error)

func jobHandler(do verbOfContainer) func(context.Context, authz.Actor, *ContainerInput) (*jobOutput, error) {
	return func(ctx context.Context, actor authz.Actor, in *ContainerInput) (*jobOutput, error) {
		j, err := do(ctx, actor, in.ID)
		return &jobOutput{Body: showJob(j)}, err
	}
}

type commandInput struct {
	ContainerInput
	Body struct {
		Command string `json:"command" maxLength:"4096" example:"say hello" doc:"one line, without its end"`
	}
}

func (s *Server) commandContainer(ctx context.Context, actor authz.Actor, in *commandInput) (*jobOutput, error) {
	j, err := s.Actions.CommandContainer(ctx, actor, in.ID, in.Body.Command)
	return &jobOutput{Body: showJob(j)}, err
}

type assignInput struct {
	ContainerInput
	Body struct {
		OwnerID *id.UserID `json:"ownerId,omitempty" format:"uuid" doc:"of the user"`
	}
}

func (s *Server) assignContainer(ctx context.Context, actor authz.Actor, in *assignInput) (*containerOutput, error) {
	c, err := s.Actions.AssignContainer(ctx, actor, in.ID, in.Body.OwnerID)
	return &containerOutput{ETag: etag(c.Generation), Body: showContainer(c)}, err
}

type deleteContainerInput struct {
	ContainerInput
	Force bool `query:"force" doc:"also one that is being moved"`
}

func (s *Server) deleteContainer(ctx context.Context, actor authz.Actor, in *deleteContainerInput) (*jobOutput, error) {
	remove := s.Actions.DeleteContainer
	if in.Force {
		remove = s.Actions.ForceDeleteContainer
	}
	j, err := remove(ctx, actor, in.ID)
	return &jobOutput{Body: showJob(j)}, err
}

// portBody is a port in a request: what is left out is chosen.
type portBody struct {
	IP        string `json:"ip,omitempty" doc:"address of the node; left out: all"`
	Host      int    `json:"host,omitempty" doc:"port of the node; left out: one is chosen"`
	Container int    `json:"container,omitempty" doc:"port inside; may be left out with an imported egg: the same as outside"`
	Protocol  string `json:"protocol,omitempty" enum:"tcp,udp,both" doc:"left out: tcp, and both with an imported egg"`
}

func portsOf(bodies []portBody) []spec.Port {
	if bodies == nil {
		return nil // as the egg says
	}
	ports := make([]spec.Port, len(bodies))
	for i, b := range bodies {
		ports[i] = spec.Port{IP: b.IP, Host: b.Host, Container: b.Container, Protocol: b.Protocol}
	}
	return ports
}

type newContainerInput struct {
	RepeatableInput
	Body struct {
		Name               string              `json:"name" example:"web"`
		EggID              id.EggID            `json:"eggId" format:"uuid"`
		NodeID             *id.NodeID          `json:"nodeId,omitempty" format:"uuid"`
		OwnerID            *id.UserID          `json:"ownerId,omitempty" format:"uuid" doc:"whose it is; left out: yours"`
		Type               fleet.ContainerType `json:"type,omitempty" enum:"standard,ha" default:"standard"`
		HAPolicy           fleet.HAPolicy      `json:"ha_policy,omitempty" doc:"of an ha container: available (one always runs, two may for a while) or exclusive (never two); left out: exclusive where a shared volume is mounted, else available"`
		Group              string              `json:"group,omitempty" doc:"containers of one group are kept on different nodes where possible"`
		PreferredClusterID *id.ClusterID       `json:"preferred_cluster_id,omitempty" format:"uuid"`
		Image              string              `json:"image,omitempty" doc:"name of one of the egg's images; left out: its first"`
		Startup            string              `json:"startup,omitempty" doc:"name of one of the egg's start commands; left out: its first"`
		Resources          resourcesBody       `json:"resources"`
		Environment        map[string]string   `json:"environment,omitempty" doc:"values of the egg's variables, and whatever else the program reads"`
		Secrets            map[string]string   `json:"secrets,omitempty" doc:"more of the environment, by name, whose values are sealed and never shown again; needs nothing more to set, and container.secret.view to read"`
		Ports              []portBody          `json:"ports,omitempty" doc:"left out: the egg's"`
		Volumes            []spec.Volume       `json:"volumes,omitempty" doc:"beside the egg's; host is a path of the node or the name of a volume"`
	}
}

type createdOutput struct {
	ETag string `header:"ETag"`
	Body struct {
		ContainerBody
		Job jobBody `json:"job"`
	}
}

func answerCreated(c actions.Created, err error) (*createdOutput, error) {
	out := &createdOutput{ETag: etag(c.Container.Generation)}
	out.Body.ContainerBody, out.Body.Job = showContainer(c.Container), showJob(c.Job)
	return out, err
}

func (s *Server) createContainer(ctx context.Context, actor authz.Actor, in *newContainerInput) (*createdOutput, error) {
	b := in.Body
	return answerCreated(s.Actions.CreateContainer(ctx, actor, actions.NewContainer{
		Name: b.Name, EggID: b.EggID, NodeID: b.NodeID, OwnerID: b.OwnerID, Type: b.Type, HAPolicy: b.HAPolicy, Group: b.Group,
		PreferredClusterID: b.PreferredClusterID,
		Image:              b.Image, Startup: b.Startup, Environment: b.Environment, Secrets: b.Secrets, Resources: spec.Resources(b.Resources),
		Ports: portsOf(b.Ports), Volumes: b.Volumes, Key: in.IdempotencyKey,
	}))
}

// ContainerBody is a container: what it should be, and what was last seen.
type ContainerBody struct {
	ID                 id.ContainerID        `json:"id" format:"uuid"`
	Name               string                `json:"name"`
	EggID              id.EggID              `json:"eggId" format:"uuid"`
	OwnerID            *id.UserID            `json:"ownerId,omitempty" format:"uuid"`
	NodeID             id.NodeID             `json:"nodeId" format:"uuid"`
	Type               fleet.ContainerType   `json:"type" enum:"standard,ha"`
	HAPolicy           fleet.HAPolicy        `json:"ha_policy,omitempty" enum:"available,exclusive"`
	HAPolicyReason     string                `json:"ha_policy_reason,omitempty" doc:"why it has this policy"`
	Group              string                `json:"group,omitempty"`
	PreferredClusterID *id.ClusterID         `json:"preferred_cluster_id,omitempty" format:"uuid"`
	MigrationStatus    fleet.MigrationStatus `json:"migration_status" enum:"idle,migrating,completed,failed"`
	LastMigrationAt    *time.Time            `json:"last_migration_at,omitempty"`
	Power              spec.Power            `json:"power" enum:"running,stopped,absent" doc:"what it should be"`
	Phase              spec.Phase            `json:"phase" doc:"what its node last saw"`
	Generation         int64                 `json:"generation" doc:"grows with every change of what it is"`
	Epoch              int64                 `json:"epoch" doc:"grows with every change of its node"`
	Image              string                `json:"image"`
	Resources          resourcesBody         `json:"resources"`
	Environment        map[string]string     `json:"environment" doc:"without what is secret"`
	Secrets            []string              `json:"secrets" doc:"names in the environment whose values are secret"`
	Ports              []spec.Port           `json:"ports"`
	Volumes            []spec.Volume         `json:"volumes"`
	Observed           *observedBody         `json:"observed,omitempty" doc:"missing until its node has spoken of it"`
	Warnings           []string              `json:"warnings,omitempty" doc:"what to know when it moves by itself"`
	CreatedAt          time.Time             `json:"createdAt"`
	UpdatedAt          time.Time             `json:"updatedAt"`
}

// observedBody is a node's last report of a container.
type observedBody struct {
	At         *time.Time `json:"at"`
	Phase      spec.Phase `json:"phase"`
	Reason     string     `json:"reason,omitempty"`
	Epoch      int64      `json:"epoch"`
	Generation int64      `json:"generation"`
	DockerID   string     `json:"dockerId,omitempty"`
	ExitCode   *int       `json:"exitCode,omitempty"`
	OOM        bool       `json:"oom,omitempty"`
	Health     string     `json:"health,omitempty" enum:"starting,healthy,unhealthy" doc:"what its health check says; missing without one"`
	Restarts   int        `json:"restarts,omitempty"`
	StartedAt  *time.Time `json:"startedAt,omitempty" doc:"the node's clock"`
}

func showContainer(c fleet.Container) ContainerBody {
	body := ContainerBody{
		ID: c.ID, Name: c.Name, EggID: c.EggID, OwnerID: c.OwnerID, NodeID: c.NodeID, Type: c.Type, HAPolicy: c.HAPolicy,
		HAPolicyReason: c.HAPolicyReason, Group: c.Group, Warnings: c.Warnings(),
		PreferredClusterID: c.PreferredClusterID, MigrationStatus: c.MigrationStatus, LastMigrationAt: c.LastMigrationAt,
		Power: c.Power, Phase: c.Phase(), Generation: c.Generation, Epoch: c.Epoch, Image: c.Spec.Image,
		Resources: resourcesBody(c.Spec.Resources), Environment: c.Spec.PublicEnv(), Secrets: append([]string{}, c.Spec.Secret...),
		Ports: append([]spec.Port{}, c.Spec.Ports...), Volumes: append([]spec.Volume{}, c.Spec.Volumes...),
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	if body.Environment == nil {
		body.Environment = map[string]string{}
	}
	if o := c.Observed; o != nil {
		body.Observed = &observedBody{
			At: c.ObservedAt, Phase: o.Phase, Reason: o.Reason, Epoch: o.Epoch, Generation: o.Generation,
			DockerID: o.DockerID, ExitCode: o.ExitCode, OOM: o.OOM, Health: o.Health, Restarts: o.Restarts, StartedAt: o.StartedAt,
		}
	}
	return body
}

type containersInput struct {
	PageQuery
	Node id.NodeID `query:"nodeId" format:"uuid" doc:"only those on this node"`
	Egg  id.EggID  `query:"eggId" format:"uuid" doc:"only those of this egg"`
	// removed is none of a container that is there.
	Phase string `query:"phase" enum:"pending,pulling,installing,creating,starting,running,stopping,stopped,crashed,failed" doc:"only those that are in this phase"`
}

type containersOutput struct{ Body page[ContainerBody] }

func (s *Server) containers(ctx context.Context, actor authz.Actor, in *containersInput) (*containersOutput, error) {
	list, next, err := s.Actions.Containers(ctx, actor, store.ContainerFilter{
		Page: in.page(), Node: optional(in.Node), Egg: optional(in.Egg), Phase: spec.Phase(in.Phase),
	})
	return &containersOutput{Body: pageOf(list, next, showContainer)}, err
}

type ContainerInput struct {
	ID id.ContainerID `path:"id" format:"uuid"`
}

type containerOutput struct {
	ETag string `header:"ETag"`
	Body ContainerBody
}

func (s *Server) container(ctx context.Context, actor authz.Actor, in *ContainerInput) (*containerOutput, error) {
	c, err := s.Actions.Container(ctx, actor, in.ID)
	return &containerOutput{ETag: etag(c.Generation), Body: showContainer(c)}, err
}

type secretsOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Secrets map[string]string `json:"secrets" doc:"values by the names in the environment"`
	}
}

func (s *Server) containerSecrets(ctx context.Context, actor authz.Actor, in *ContainerInput) (*secretsOutput, error) {
	secrets, err := s.Actions.ContainerSecrets(ctx, actor, in.ID)
	out := &secretsOutput{CacheControl: "no-store"}
	out.Body.Secrets = secrets
	return out, err
}

type editContainerInput struct {
	ContainerInput
	GuardedInput
	Body struct {
		Image       *string            `json:"image,omitempty"`
		Startup     *string            `json:"startup,omitempty" doc:"name of one of the egg's start commands"`
		Environment map[string]*string `json:"environment,omitempty" doc:"null takes a value back to the egg's default; what is secret stays so"`
		Secrets     map[string]*string `json:"secrets,omitempty" doc:"null takes a secret away"`
		Resources   struct {
			CPU    *spec.CPU   `json:"cpu,omitempty"`
			Memory *spec.Bytes `json:"memory,omitempty"`
			Disk   *spec.Bytes `json:"disk,omitempty"`
		} `json:"resources,omitempty"`
		Ports              *[]portBody          `json:"ports,omitempty"`
		Type               *fleet.ContainerType `json:"type,omitempty" enum:"standard,ha" doc:"ha also needs container.ha.create"`
		HAPolicy           *fleet.HAPolicy      `json:"ha_policy,omitempty" enum:"available,exclusive" doc:"exclusive only for one that is stopped"`
		Group              *string              `json:"group,omitempty" doc:"an empty text: in no group"`
		PreferredClusterID *string              `json:"preferred_cluster_id,omitempty" doc:"the id of a cluster, or an empty text for none"`
	}
}

type editEnvironmentInput struct {
	ContainerInput
	GuardedInput
	Body struct {
		Environment map[string]*string `json:"environment,omitempty" doc:"null takes a value back to the egg's default; what is secret stays so"`
		Secrets     map[string]*string `json:"secrets,omitempty" doc:"null takes a secret away"`
	}
}

func (s *Server) editEnvironment(ctx context.Context, actor authz.Actor, in *editEnvironmentInput) (*createdOutput, error) {
	generation, err := generationOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	edit := actions.ContainerEdit{Environment: in.Body.Environment, Secrets: in.Body.Secrets, Generation: generation}
	return answerCreated(s.Actions.EditEnvironment(ctx, actor, in.ID, edit))
}

// moving is what a request says about how a container moves.
func (in *editContainerInput) moving() (m actions.Moving, err error) {
	m.Type, m.HAPolicy, m.Group = in.Body.Type, in.Body.HAPolicy, in.Body.Group
	m.NoPreference, err = idOrNone("preferred_cluster_id", in.Body.PreferredClusterID, &m.PreferredClusterID)
	return m, err
}

func (s *Server) editContainer(ctx context.Context, actor authz.Actor, in *editContainerInput) (*createdOutput, error) {
	generation, err := generationOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	moving, err := in.moving()
	if err != nil {
		return nil, err
	}
	b := in.Body
	edit := actions.ContainerEdit{
		Image: b.Image, Startup: b.Startup, Environment: b.Environment, Secrets: b.Secrets, CPU: b.Resources.CPU, Memory: b.Resources.Memory, Disk: b.Resources.Disk,
		Moving: moving, Generation: generation,
	}
	if b.Ports != nil {
		ports := portsOf(*b.Ports)
		edit.Ports = &ports
	}
	return answerCreated(s.Actions.EditContainer(ctx, actor, in.ID, edit))
}
