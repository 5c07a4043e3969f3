package actions

import (
	"context"
	"strings"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/lease"
)

// usable says why a node that was named cannot be given a container that
// moves. Force overrules what people and damping said of it, never that it
// does not answer.
func (s *Service) usable(n fleet.Node, policy fleet.HAPolicy, force bool) error {
	switch h := n.Health; {
	case n.JoinedAt == nil:
		return fleet.Errorf(fleet.Conflict, "node %s has not joined yet: start its agent first, or name another node", n.Name)
	case h.State != fleet.NodeHealthy:
		return fleet.Errorf(fleet.Conflict, "node %s is %s (%s), and only a healthy node can take a container: name another node, or leave targetNodeId out", n.Name, h.State, h.Reason)
	case !h.DockerOK:
		return fleet.Errorf(fleet.Conflict, "the Docker engine of node %s does not answer: mend it, or name another node", n.Name)
	case n.Drain != nil:
		return fleet.Errorf(fleet.Conflict, "node %s is being drained: name another node, or cancel that with DELETE /api/v1/nodes/%s/drain", n.Name, n.ID)
	case n.CordonedAt != nil && !force:
		return fleet.Errorf(fleet.Conflict, "node %s is cordoned%s: uncordon it with POST /api/v1/nodes/%s/uncordon, name another node, or send force: true",
			n.Name, because(n.CordonReason), n.ID)
	case h.Quarantined && !force:
		return fleet.Errorf(fleet.Conflict, "node %s was lost too often lately and is given nothing for a while: name another node, or send force: true", n.Name)
	case policy == fleet.Exclusive:
		return s.takesExclusive(n)
	}
	return nil
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// profileOf is what a node lives by.
func (s *Service) profileOf(n fleet.Node) (lease.Profile, error) {
	if n.Profile == "" {
		return s.Profile, nil
	}
	return lease.Named(n.Profile, n.Window)
}

// takesExclusive says why a node cannot be given an exclusive container: its
// profile does not keep two copies apart, or nothing there would end one.
func (s *Service) takesExclusive(n fleet.Node) error {
	p, err := s.profileOf(n)
	if err != nil {
		return err
	}
	if err := p.Exclusive(); err != nil {
		return fleet.Errorf(fleet.Conflict, "node %s lives by the profile %s (a window of %s), which cannot keep two copies of an exclusive container apart: %v; choose another node or profile, or ha_policy available",
			n.Name, p.Name, p.Window, err)
	}
	if n.JoinedAt != nil && !n.Health.GuardOK {
		return fleet.Errorf(fleet.Conflict, "no guard answers on node %s, so nothing there would end an exclusive container whose lease runs out: start lormas-guard there, or choose another node", n.Name)
	}
	return nil
}

// fitsOn asks placement about the one node that was named.
func (s *Service) fitsOn(ctx context.Context, tx *store.Tx, c fleet.Container, n fleet.Node, force bool) error {
	all, err := tx.Candidates(ctx, c.Spec.Ports)
	if err != nil {
		return err
	}
	_, refusal := placement.Choose(placement.Request{
		Container: c.ID, Want: c.Spec.Resources, Ports: c.Spec.Ports, Pinned: &n.ID, From: &c.NodeID, Force: force,
	}, all)
	if refusal != nil {
		return fleet.Errorf(fleet.NoCapacity, "%s", refusal)
	}
	return nil
}

// enumerate joins a few words for people.
func enumerate(list []string) string {
	const most = 5
	if len(list) > most {
		list = append(list[:most:most], "…")
	}
	return strings.Join(list, ", ")
}
