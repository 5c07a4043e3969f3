package httpapi

import (
	"context"
	"net/http"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

func (s *Server) healthRoutes() {
	add(s, Route{
		Verb: fleet.NodeHealthView, Method: http.MethodGet, Path: "/health", Summary: "Show the health of all nodes",
		Help: "`status` is the short form of `state`: suspect still counts as healthy, joining and returning do not yet.",
	}, s.health)
	add(s, Route{
		Verb: fleet.NodeHealthView, ID: "node.health", Method: http.MethodGet, Path: "/nodes/{id}/health", Summary: "Show how a node is, and what comes next",
		Help: "With the steps that led here, each with its reason, and with what it is judged by.",
	}, s.nodeHealth)
}

type healthOutput struct {
	Body struct {
		Nodes []healthBody `json:"nodes"`
	}
}

// healthBody is the health of a node in the shape of DESIGN §10.
type healthBody struct {
	NodeID id.NodeID `json:"nodeId" format:"uuid"`
	Name   string    `json:"name"`
	LifeBody
}

func (s *Server) health(ctx context.Context, actor authz.Actor, _ *struct{}) (*healthOutput, error) {
	nodes, err := s.Actions.Health(ctx, actor)
	if err != nil {
		return nil, err
	}
	seen, err := s.Presence.Nodes(ctx, idsOf(nodes))
	out := &healthOutput{}
	out.Body.Nodes = make([]healthBody, len(nodes)) // never nil: no nodes are []
	for i, n := range nodes {
		out.Body.Nodes[i] = healthBody{NodeID: n.ID, Name: n.Name, LifeBody: showLife(n, seen)}
	}
	return out, err
}
