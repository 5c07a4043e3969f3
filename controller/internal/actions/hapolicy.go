package actions

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Moving is what a change of a container says about how it moves; nil leaves
// a thing as it is.
type Moving struct {
	Type               *fleet.ContainerType
	HAPolicy           *fleet.HAPolicy
	Group              *string // "": none
	PreferredClusterID *id.ClusterID
	NoPreference       bool // there is no preferred cluster any more
}

// policy finds what is wrong with how a container is to move.
func (f *faults) policy(kind fleet.ContainerType, policy fleet.HAPolicy, group string) {
	if kind != "" && kind != fleet.Standard && kind != fleet.HA {
		f.add("type", "%.20q is not a type: use standard or ha", kind)
	}
	switch {
	case policy == "":
	case policy != fleet.Available && policy != fleet.Exclusive:
		f.add("ha_policy", "%.20q is not a policy: use available or exclusive, or leave it out to have it chosen", policy)
	case kind != fleet.HA:
		f.add("ha_policy", "only containers of type ha move by themselves: send type ha with it, or leave ha_policy out")
	}
	if group != "" && !spec.ValidName(group) {
		f.add("group", "%.70q cannot be the name of a group: %s", group, spec.NameRule)
	}
}

// preferred notes a cluster that does not exist as a fault.
func (f *faults) preferred(ctx context.Context, tx *store.Tx, cluster *id.ClusterID) error {
	if cluster == nil {
		return nil
	}
	_, err := tx.Cluster(ctx, *cluster)
	return f.unknown("preferred_cluster_id", err)
}

// setPolicy makes an ha container of one, which moves as asked for or else as
// is best for what it writes to.
func setPolicy(c *fleet.Container, asked fleet.HAPolicy) {
	c.Type, c.Spec.HA = fleet.HA, true
	c.HAPolicy, c.HAPolicyReason = policyOf(asked, c.Spec)
	c.Spec.Exclusive = c.HAPolicy == fleet.Exclusive
}

// policyOf chooses how an ha container moves, and says why: as asked for, else
// exclusive where it writes to what others can mount, too.
func policyOf(asked fleet.HAPolicy, want spec.Container) (fleet.HAPolicy, string) {
	shared := want.Writes(true)
	switch {
	case asked != "":
		return asked, "asked for"
	case len(shared) > 0:
		return fleet.Exclusive, fmt.Sprintf("%s is shared: two copies that write to it at once could damage it", enumerate(shared))
	}
	return fleet.Available, "nothing that it writes to is shared: a second copy does no harm for a while"
}

// apply changes how a container moves.
func (in Moving) apply(ctx context.Context, tx *store.Tx, c *fleet.Container) error {
	kind, policy := c.Type, fleet.HAPolicy("")
	replace(&kind, in.Type)
	replace(&policy, in.HAPolicy)
	group := c.Group
	replace(&group, in.Group)
	var f faults
	f.policy(kind, policy, group)
	if err := f.preferred(ctx, tx, in.PreferredClusterID); err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	c.Group = group
	if in.PreferredClusterID != nil || in.NoPreference {
		c.PreferredClusterID = in.PreferredClusterID
	}
	switch {
	case kind == fleet.Standard:
		c.Type, c.HAPolicy, c.HAPolicyReason = fleet.Standard, "", ""
		c.Spec.HA, c.Spec.Exclusive = false, false
	case c.Type != fleet.HA, policy != "" && policy != c.HAPolicy:
		setPolicy(c, policy)
	}
	return nil
}

// mayMove checks what a change of type needs beyond that of a container.
func (s *Service) mayMove(ctx context.Context, actor authz.Actor, c fleet.Container, in Moving) error {
	if in.Type == nil || *in.Type != fleet.HA || c.Type == fleet.HA {
		return nil
	}
	_, err := s.ContainerFor(ctx, actor, fleet.ContainerHACreate, c.ID)
	return err
}

// mayBecomeExclusive refuses to call a container exclusive while a copy of it
// may run that no lease ends: its node could be lost before it has heard of
// the change, and then there would be two.
func (s *Service) mayBecomeExclusive(ctx context.Context, tx *store.Tx, c fleet.Container) error {
	if err := tx.LockLedger(ctx, c.NodeID); err != nil {
		return err
	}
	n, err := tx.Node(ctx, c.NodeID)
	if err != nil {
		return err
	}
	if err := s.takesExclusive(n); err != nil {
		return err
	}
	if n.JoinedAt == nil {
		return nil // nobody has ever been told to run it
	}
	if c.Power != spec.Stopped || n.Health.State != fleet.NodeHealthy || n.Health.AppliedRev < n.Health.Rev {
		return fleet.Errorf(fleet.Conflict, "container %s may run on node %s without a lease, which ends exclusive ones on lost nodes: stop it, wait until the node has done so, change the policy and start it again", c.Name, n.Name)
	}
	old, err := tx.MayStillRun(ctx, c.ID)
	if err != nil || len(old) == 0 {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "an old copy of container %s may still run on node %s, which it has left: wait until that node is back and in sync, or delete the node", c.Name, old[0])
}
