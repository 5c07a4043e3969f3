package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func (s *Server) clusterRoutes() {
	add(s, Route{
		Verb: fleet.ClusterCreate, Method: http.MethodPost, Path: "/clusters", Status: http.StatusCreated, Summary: "Add a cluster",
	}, s.createCluster)
	add(s, Route{
		Verb: fleet.ClusterView, ID: "cluster.list", Method: http.MethodGet, Path: "/clusters", Summary: "List clusters",
	}, s.clusters)
	add(s, Route{
		Verb: fleet.ClusterView, Method: http.MethodGet, Path: "/clusters/{id}", Summary: "Show a cluster",
	}, s.cluster)
	add(s, Route{
		Verb: fleet.ClusterEdit, Method: http.MethodPatch, Path: "/clusters/{id}", Summary: "Change a cluster",
	}, s.editCluster)
	add(s, Route{
		Verb: fleet.ClusterDelete, Method: http.MethodDelete, Path: "/clusters/{id}", Summary: "Remove a cluster that nothing refers to",
	}, s.deleteCluster)
}

type clusterBody struct {
	ID          id.ClusterID `json:"id" format:"uuid"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Profile     string       `json:"profile" enum:"standard,fast,lan,metered,custom"`
	Window      string       `json:"window,omitempty" example:"1.5s"`
	CreatedAt   time.Time    `json:"createdAt"`
}

func showCluster(c fleet.Cluster) clusterBody {
	return clusterBody{ID: c.ID, Name: c.Name, Description: c.Description, Profile: c.Profile, Window: showWindow(c.Window), CreatedAt: c.CreatedAt}
}

func showWindow(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// PaceBody is the profile of a cluster in a request.
type PaceBody struct {
	Profile string `json:"profile,omitempty" enum:"standard,fast,lan,metered,custom" doc:"how fast its nodes are given up"`
	Window  string `json:"window,omitempty" example:"1.5s" doc:"of a custom profile: the silence after which a node is given up"`
}

func (b PaceBody) pace() (actions.Pace, error) {
	p := actions.Pace{Profile: b.Profile}
	if b.Window == "" {
		return p, nil
	}
	var err error
	if p.Window, err = time.ParseDuration(b.Window); err != nil {
		return p, fleet.InvalidFields(spec.Fault{Field: "window", Message: "write a duration with its unit, such as 1.5s or 2m"})
	}
	return p, nil
}

type newClusterInput struct {
	Body struct {
		Name        string `json:"name"`
		Description string `json:"description,omitempty"`
		PaceBody
	}
}

// newNamedInput makes something that has but a name and a description.
type newNamedInput struct {
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

type clusterOutput struct{ Body clusterBody }

func (s *Server) createCluster(ctx context.Context, actor authz.Actor, in *newClusterInput) (*clusterOutput, error) {
	pace, err := in.Body.pace()
	if err != nil {
		return nil, err
	}
	c, err := s.Actions.CreateCluster(ctx, actor, in.Body.Name, in.Body.Description, pace)
	return &clusterOutput{Body: showCluster(c)}, err
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
	c, err := s.Actions.Cluster(ctx, actor, in.ID)
	return &clusterOutput{Body: showCluster(c)}, err
}

type editClusterInput struct {
	ClusterInput
	Body struct {
		EditNamedBody
		PaceBody
	}
}

func (s *Server) editCluster(ctx context.Context, actor authz.Actor, in *editClusterInput) (*clusterOutput, error) {
	pace, err := in.Body.pace()
	if err != nil {
		return nil, err
	}
	c, err := s.Actions.EditCluster(ctx, actor, in.ID, in.Body.edit(), pace)
	return &clusterOutput{Body: showCluster(c)}, err
}

func (s *Server) deleteCluster(ctx context.Context, actor authz.Actor, in *ClusterInput) (*struct{}, error) {
	return nil, s.Actions.DeleteCluster(ctx, actor, in.ID)
}
