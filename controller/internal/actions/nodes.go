package actions

import (
	"context"
	"errors"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// NewNode is what CreateNode takes.
type NewNode struct {
	Name        string
	Description string
	ClusterID   *id.ClusterID
	Labels      map[string]string
	Key         string `json:"-"` // Idempotency-Key
}

// Enrolment is a node with the credential that its agent needs. The token is
// shown this once and kept nowhere.
type Enrolment struct {
	Node    fleet.Node
	Token   string
	Command string // starts the agent, ready to be pasted on the machine
}

// CreateNode adds a node, which waits for its agent.
func (s *Service) CreateNode(ctx context.Context, actor authz.Actor, in NewNode) (Enrolment, error) {
	n := fleet.Node{ID: id.New[id.NodeID](), Name: in.Name, Description: in.Description,
		ClusterID: in.ClusterID, Labels: in.Labels, CreatedAt: s.now()}
	on := ofNode(n)
	on.target.Node = id.NodeID{} // it does not exist yet: only its cluster can be granted
	if err := s.check(ctx, actor, fleet.NodeCreate, on); err != nil {
		return Enrolment{}, err
	}
	if err := validNode(n); err != nil {
		return Enrolment{}, err
	}
	o, err := s.once(actor, fleet.NodeCreate, in.Key, in)
	if err != nil {
		return Enrolment{}, err
	}
	var made struct {
		Node       id.NodeID
		Credential id.CredentialID
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		made.Node, made.Credential = n.ID, id.New[id.CredentialID]()
		if err := tx.InsertNode(ctx, n); err != nil {
			return err
		}
		if err := tx.InsertCredential(ctx, fleet.Credential{ID: made.Credential, NodeID: n.ID, CreatedAt: n.CreatedAt}, requester(actor)); err != nil {
			return err
		}
		if err := tx.InsertAudit(ctx, detailed(entry(actor, fleet.NodeCreate, on), nodeDetail(n))); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("create node: %w", err)
	}
	return s.enrolment(ctx, made.Node, made.Credential)
}

// enrolment reads the node back and signs the credential. A repeated request
// gets the same token, unless the credential has ended since.
func (s *Service) enrolment(ctx context.Context, node id.NodeID, credential id.CredentialID) (Enrolment, error) {
	n, err := s.Store.Node(ctx, node)
	if err != nil {
		return Enrolment{}, err
	}
	live, err := s.Store.LiveCredential(ctx, node)
	if err != nil || live.ID != credential {
		return Enrolment{}, fleet.Errorf(fleet.Conflict, "this node's credential has been replaced since: rotate it to get a token").Because(err)
	}
	token, err := s.Credentials.SignNodeCredential(live)
	if err != nil {
		return Enrolment{}, fmt.Errorf("sign node credential: %w", err)
	}
	return Enrolment{Node: n, Token: token, Command: s.agentCommand(token)}, nil
}

// agentCommand is the exact line that starts the agent. The token goes
// through the environment: an argument would show in the list of processes.
func (s *Service) agentCommand(token string) string {
	command := fmt.Sprintf("LORMAS_AGENT_TOKEN='%s' lormas-agent --controller %s", token, s.AgentURL)
	if s.ForeignBroker {
		command += " --foreign-broker"
	}
	return command
}

// Node shows one node.
func (s *Service) Node(ctx context.Context, actor authz.Actor, node id.NodeID) (fleet.Node, error) {
	return s.nodeFor(ctx, actor, fleet.NodeView, node)
}

// nodeFor loads a node for a verb that the actor may do to it.
func (s *Service) nodeFor(ctx context.Context, actor authz.Actor, v fleet.Verb, node id.NodeID) (fleet.Node, error) {
	n, err := s.Store.Node(ctx, node)
	if err != nil {
		return n, err
	}
	if err := s.check(ctx, actor, v, ofNode(n)); err != nil {
		return fleet.Node{}, err
	}
	return n, nil
}

// Nodes lists the nodes that the actor may see.
func (s *Service) Nodes(ctx context.Context, actor authz.Actor, f store.NodeFilter) ([]fleet.Node, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.NodeView); err != nil {
		return nil, "", err
	}
	f.Reach = reach(actor, fleet.NodeView)
	return s.Store.Nodes(ctx, f)
}

// Health is every node whose health the actor may see.
func (s *Service) Health(ctx context.Context, actor authz.Actor) ([]fleet.Node, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.NodeHealthView); err != nil {
		return nil, err
	}
	return s.Store.AllNodes(ctx, reach(actor, fleet.NodeHealthView))
}

// NodeEdit is what EditNode changes; nil leaves a thing as it is.
type NodeEdit struct {
	Name         *string
	Description  *string
	Labels       map[string]string
	Pools        []spec.Pool // nil: as they are
	ClusterID    *id.ClusterID
	LeaveCluster bool   // takes the node out of its cluster
	Generation   *int64 // If-Match
}

// EditNode changes what people may say of a node. Who puts it into another
// cluster needs the permission there, too.
func (s *Service) EditNode(ctx context.Context, actor authz.Actor, node id.NodeID, in NodeEdit) (fleet.Node, error) {
	seen, err := s.nodeFor(ctx, actor, fleet.NodeEdit, node)
	if err != nil {
		return fleet.Node{}, err
	}
	if err := s.mayJoin(ctx, actor, seen, in.ClusterID); err != nil {
		return fleet.Node{}, err
	}
	var n fleet.Node
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if n, err = tx.LockNode(ctx, node); err != nil {
			return err
		}
		if err := fleet.IfMatch(in.Generation, n.Generation, "node"); err != nil {
			return err
		}
		before := nodeDetail(n)
		if in.ClusterID != nil || in.LeaveCluster {
			if err := s.mayChangeCluster(ctx, tx, n, in.ClusterID); err != nil {
				return err
			}
		}
		in.apply(&n)
		if err := validNode(n); err != nil {
			return err
		}
		if err := tx.UpdateNode(ctx, n); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, edited(entry(actor, fleet.NodeEdit, ofNode(n)), before, nodeDetail(n)))
	})
	if err != nil {
		return fleet.Node{}, fmt.Errorf("edit node: %w", err)
	}
	return n, nil
}

// mayJoin refuses a node to a cluster in which the actor may not edit nodes: it
// would be under the hands of all who may do something there. A cluster that he
// may not see is not there, and none at all gets the same words.
func (s *Service) mayJoin(ctx context.Context, actor authz.Actor, n fleet.Node, to *id.ClusterID) error {
	if to == nil || n.ClusterID != nil && *n.ClusterID == *to {
		return nil
	}
	return s.check(ctx, actor, fleet.NodeEdit, ofCluster(fleet.Cluster{ID: *to}))
}

func (in NodeEdit) apply(n *fleet.Node) {
	n.Generation++
	if in.Name != nil {
		n.Name = *in.Name
	}
	if in.Description != nil {
		n.Description = *in.Description
	}
	if in.Labels != nil {
		n.Labels = in.Labels
	}
	if in.Pools != nil {
		n.Pools = in.Pools
	}
	if in.ClusterID != nil {
		n.ClusterID = in.ClusterID
	}
	if in.LeaveCluster {
		n.ClusterID = nil
	}
}

// DeleteNode removes a node that has no containers, ends its credential and
// cuts its connection.
func (s *Service) DeleteNode(ctx context.Context, actor authz.Actor, node id.NodeID) error {
	if _, err := s.nodeFor(ctx, actor, fleet.NodeDelete, node); err != nil {
		return err
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.LockNode(ctx, node)
		if err != nil {
			return err
		}
		count, err := tx.ContainersOn(ctx, node)
		if err != nil {
			return err
		}
		if count > 0 {
			return fleet.Errorf(fleet.Conflict, "node %s still has %d containers: delete them first, and wait until its agent has removed them", n.Name, count)
		}
		if err := tx.DeleteNode(ctx, node); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry(actor, fleet.NodeDelete, ofNode(n)))
	})
	if err != nil {
		return fmt.Errorf("delete node: %w", err)
	}
	s.Kick.KickNode(node, errors.New("the node was deleted"))
	return nil
}

func validNode(n fleet.Node) error {
	var f faults
	f.name(n.Name)
	f.description(n.Description)
	f.labels(n.Labels)
	f = append(f, spec.ValidatePools(n.Pools)...)
	return f.err()
}

func nodeDetail(n fleet.Node) map[string]any {
	return map[string]any{"name": n.Name, "description": n.Description, "cluster_id": n.ClusterID, "labels": n.Labels, "portPools": n.Pools}
}
