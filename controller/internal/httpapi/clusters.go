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
	"github.com/lormas/lormas/shared/lease"
)

func (s *Server) clusterRoutes() {
	add(s, Route{
		Verb: fleet.ClusterCreate, Method: http.MethodPost, Path: "/clusters", Status: http.StatusCreated, Summary: "Add a cluster",
	}, s.createCluster)
	add(s, Route{
		Verb: fleet.ClusterView, ID: "cluster.list", Method: http.MethodGet, Path: "/clusters", List: &store.ClusterList, Summary: "List clusters",
	}, s.clusters)
	add(s, Route{
		Verb: fleet.ClusterView, Method: http.MethodGet, Path: "/clusters/{id}", Summary: "Show a cluster",
	}, s.cluster)
	add(s, Route{
		Verb: fleet.ClusterEdit, Method: http.MethodPatch, Path: "/clusters/{id}", Summary: "Change a cluster",
		Help: "What is left out stays as it is. Send the ETag as If-Match, so that nobody's change is lost.",
	}, s.editCluster)
	add(s, Route{
		Verb: fleet.ClusterDelete, Method: http.MethodDelete, Path: "/clusters/{id}", Summary: "Remove a cluster that nothing refers to",
	}, s.deleteCluster)
}

type clusterBody struct {
	ID           id.ClusterID       `json:"id" format:"uuid"`
	Name         string             `json:"name"`
	Description  string             `json:"description"`
	Generation   int64              `json:"generation" doc:"grows with every edit; its ETag"`
	Profile      string             `json:"profile" enum:"standard,fast,lan,metered,custom"`
	Window       string             `json:"window" doc:"silence after which a node may be declared lost"`
	Exclusive    bool               `json:"exclusive" doc:"its nodes may have exclusive containers"`
	OutagePolicy fleet.OutagePolicy `json:"outage_policy" enum:"failover,hold,failover_after"`
	OutageAfter  string             `json:"outage_after,omitempty"`
	CreatedAt    time.Time          `json:"createdAt"`
}

func showCluster(c fleet.Cluster) clusterBody {
	body := clusterBody{
		ID: c.ID, Name: c.Name, Description: c.Description, Generation: c.Generation, Profile: c.Profile, Window: showSpan(c.Window),
		OutagePolicy: c.Outage, OutageAfter: showSpan(c.OutageAfter), CreatedAt: c.CreatedAt,
	}
	if p, err := lease.Named(c.Profile, c.Window); err == nil {
		body.Window, body.Exclusive = p.Window.String(), p.Exclusive() == nil
	}
	return body
}

// WatchingBody is how the nodes of a cluster are watched.
type WatchingBody struct {
	Profile      *string             `json:"profile,omitempty" doc:"how fast nodes are given up: standard (30 s), fast (8 s), lan (5 s), metered (180 s), or custom with a window"`
	Window       *string             `json:"window,omitempty" example:"12s" doc:"of a custom profile, between 1.5s and 1h"`
	OutagePolicy *fleet.OutagePolicy `json:"outage_policy,omitempty" doc:"when the whole cluster falls silent while others talk: failover at a limited rate, hold, or failover_after a while"`
	OutageAfter  *string             `json:"outage_after,omitempty" example:"30m" doc:"with failover_after"`
}

func (b WatchingBody) watching() (actions.Watching, error) {
	window, err := spanOf("window", b.Window)
	if err != nil {
		return actions.Watching{}, err
	}
	after, err := spanOf("outage_after", b.OutageAfter)
	return actions.Watching{Profile: b.Profile, Window: window, Outage: b.OutagePolicy, OutageAfter: after}, err
}

type newClusterInput struct {
	RepeatableInput
	Body struct {
		Name        string `json:"name"`
		Description string `json:"description,omitempty"`
		WatchingBody
	}
}

// newNamedInput makes something that has but a name and a description.
type newNamedInput struct {
	RepeatableInput
	Body struct {
		Name        string `json:"name"`
		Description string `json:"description,omitempty"`
	}
}

// EditNamedBody changes such a thing; what is left out stays.
type EditNamedBody struct {
	Name        *string `json:"name,omitempty"`
	Description *string `json:"description,omitempty"`
}

func (b EditNamedBody) edit() actions.Named {
	return actions.Named{Name: b.Name, Description: b.Description}
}

type clusterOutput struct {
	ETag string `header:"ETag"`
	Body clusterBody
}

func answerCluster(c fleet.Cluster, err error) (*clusterOutput, error) {
	return &clusterOutput{ETag: etag(c.Generation), Body: showCluster(c)}, err
}

func (s *Server) createCluster(ctx context.Context, actor authz.Actor, in *newClusterInput) (*clusterOutput, error) {
	watching, err := in.Body.watching()
	if err != nil {
		return nil, err
	}
	return answerCluster(s.Actions.CreateCluster(ctx, actor, actions.NewCluster{
		Name: in.Body.Name, Description: in.Body.Description, Watching: watching, Key: in.IdempotencyKey,
	}))
}

type clustersOutput struct{ Body page[clusterBody] }

func (s *Server) clusters(ctx context.Context, actor authz.Actor, in *PageQuery) (*clustersOutput, error) {
	clusters, next, err := s.Actions.Clusters(ctx, actor, in.page())
	return &clustersOutput{Body: pageOf(clusters, next, showCluster)}, err
}

type ClusterInput struct {
	ID id.ClusterID `path:"id" format:"uuid"`
}

func (s *Server) cluster(ctx context.Context, actor authz.Actor, in *ClusterInput) (*clusterOutput, error) {
	return answerCluster(s.Actions.Cluster(ctx, actor, in.ID))
}

type editClusterInput struct {
	ClusterInput
	GuardedInput
	Body struct {
		EditNamedBody
		WatchingBody
	}
}

func (s *Server) editCluster(ctx context.Context, actor authz.Actor, in *editClusterInput) (*clusterOutput, error) {
	watching, err := in.Body.watching()
	if err != nil {
		return nil, err
	}
	generation, err := generationOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return answerCluster(s.Actions.EditCluster(ctx, actor, in.ID, actions.ClusterEdit{Named: in.Body.edit(), Watching: watching, Generation: generation}))
}

func (s *Server) deleteCluster(ctx context.Context, actor authz.Actor, in *ClusterInput) (*struct{}, error) {
	return nil, s.Actions.DeleteCluster(ctx, actor, in.ID)
}
