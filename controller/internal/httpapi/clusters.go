package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
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
	CreatedAt   time.Time    `json:"createdAt"`
}

func showCluster(c fleet.Cluster) clusterBody {
	return clusterBody{ID: c.ID, Name: c.Name, Description: c.Description, CreatedAt: c.CreatedAt}
}

// newNamedInput makes something that has but a name and a description.
type newNamedInput struct {
	Body struct {
		Name        string `json:"name"`
		Description string `json:"description,omitempty"`
	}
}

// editNamedBody changes such a thing; what is left out stays.
type editNamedBody struct {
	Name        *string `json:"name,omitempty"`
	Description *string `json:"description,omitempty"`
}

func (b editNamedBody) edit() actions.Named {
	return actions.Named{Name: b.Name, Description: b.Description}
}

type clusterOutput struct{ Body clusterBody }

func (s *Server) createCluster(ctx context.Context, actor authz.Actor, in *newNamedInput) (*clusterOutput, error) {
	c, err := s.Actions.CreateCluster(ctx, actor, in.Body.Name, in.Body.Description)
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
	Body editNamedBody
}

func (s *Server) editCluster(ctx context.Context, actor authz.Actor, in *editClusterInput) (*clusterOutput, error) {
	c, err := s.Actions.EditCluster(ctx, actor, in.ID, in.Body.edit())
	return &clusterOutput{Body: showCluster(c)}, err
}

func (s *Server) deleteCluster(ctx context.Context, actor authz.Actor, in *ClusterInput) (*struct{}, error) {
	return nil, s.Actions.DeleteCluster(ctx, actor, in.ID)
}
