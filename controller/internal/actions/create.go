package actions

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// NewContainer is what CreateContainer takes.
type NewContainer struct {
	Name               string
	EggID              id.EggID
	NodeID             *id.NodeID // nil: placed
	OwnerID            *id.UserID // nil: the actor
	Type               fleet.ContainerType
	HAPolicy           fleet.HAPolicy // of an ha one; "": chosen
	Group              string         // those of one group are kept on different nodes where possible
	PreferredClusterID *id.ClusterID
	Image              string // a name among the egg's images; "": the first
	Startup            string `json:",omitempty"` // a name among its start commands; "": the first
	Environment        map[string]string
	Secrets            map[string]string // more of it, which nobody is shown
	Resources          spec.Resources
	Ports              []spec.Port // nil: the egg's
	Volumes            []spec.Volume
	Key                string `json:"-"` // Idempotency-Key
}

// Created is a new container and the job that makes it.
type Created struct {
	Container fleet.Container
	Job       fleet.Job
}

// CreateContainer makes a container out of an egg: checked, placed, reserved
// and promised to its node in one transaction.
func (s *Service) CreateContainer(ctx context.Context, actor authz.Actor, in NewContainer) (Created, error) {
	if err := s.mayCreate(ctx, actor, in); err != nil {
		return Created{}, err
	}
	o, err := s.once(actor, fleet.ContainerCreate, in.Key, in)
	if err != nil {
		return Created{}, err
	}
	var made struct {
		Container id.ContainerID
		Job       id.JobID
	}
	var out Created
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		done, err := tx.Recall(ctx, o, &made)
		if done || err != nil {
			return err
		}
		if out, err = s.createContainer(ctx, tx, actor, in); err != nil {
			return err
		}
		made.Container, made.Job = out.Container.ID, out.Job.ID
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return Created{}, fmt.Errorf("create container: %w", err)
	}
	if out.Job.ID.IsZero() {
		return s.createdBefore(ctx, made.Container, made.Job)
	}
	s.Wake(out.Container.NodeID)
	if in.OwnerID != nil {
		s.Changed()
	}
	return out, nil
}

// createdBefore answers a repeated request with what it led to.
func (s *Service) createdBefore(ctx context.Context, container id.ContainerID, job id.JobID) (Created, error) {
	c, err := s.Store.AnyContainer(ctx, container)
	if err != nil {
		return Created{}, err
	}
	j, err := s.Store.Job(ctx, job)
	return Created{c, j}, err
}

// mayCreate checks the permissions: on the node that was asked for, or
// anywhere at all, in which case only permitted nodes will be candidates.
func (s *Service) mayCreate(ctx context.Context, actor authz.Actor, in NewContainer) error {
	for _, v := range createVerbs(in) {
		if in.NodeID == nil {
			if err := s.checkAnywhere(ctx, actor, v); err != nil {
				return err
			}
			continue
		}
		n, err := s.Store.Node(ctx, *in.NodeID)
		if fleet.KindOf(err) == fleet.NotFound {
			n = fleet.Node{ID: *in.NodeID} // one fault among others, later
		} else if err != nil {
			return err
		}
		on := subject{kind: "container", name: in.Name, target: nodeTarget(n)}
		if err := s.check(ctx, actor, v, on); err != nil {
			return err
		}
	}
	return nil
}

func createVerbs(in NewContainer) []fleet.Verb {
	verbs := []fleet.Verb{fleet.ContainerCreate}
	if in.Type == fleet.HA {
		verbs = append(verbs, fleet.ContainerHACreate)
	}
	if in.OwnerID != nil {
		verbs = append(verbs, fleet.ContainerAssign)
	}
	return verbs
}

// createContainer is the work inside the transaction.
func (s *Service) createContainer(ctx context.Context, tx *store.Tx, actor authz.Actor, in NewContainer) (Created, error) {
	want, err := renderNew(ctx, tx, in)
	if err != nil {
		return Created{}, err
	}
	now := s.now()
	c := fleet.Container{
		ID: id.New[id.ContainerID](), Name: in.Name, EggID: in.EggID, OwnerID: cmp.Or(in.OwnerID, requester(actor)),
		Spec: want, Epoch: 1, Generation: 1, Power: spec.Running,
		Type: fleet.Standard, MigrationStatus: fleet.MigrationIdle, Group: in.Group, PreferredClusterID: in.PreferredClusterID,
		CreatedAt: now, UpdatedAt: now,
	}
	if in.Type == fleet.HA {
		setPolicy(&c, in.HAPolicy)
	}
	if err := s.placeNew(ctx, tx, actor, in, &c); err != nil {
		return Created{}, err
	}
	if err := tx.InsertContainer(ctx, c); err != nil {
		return Created{}, err
	}
	if in.OwnerID != nil {
		if err := mayAssign(ctx, tx, actor, c.ID, in.OwnerID); err != nil {
			return Created{}, err
		}
	}
	job, err := s.order(ctx, tx, actor, order{verb: fleet.ContainerCreate, action: wire.ActionCreate, container: c})
	if err != nil {
		return Created{}, err
	}
	detail := map[string]any{"owner": c.OwnerID, "node": c.NodeID, "egg": c.EggID, "type": c.Type, "ha_policy": c.HAPolicy, "image": c.Spec.Image}
	on := ofContainer(c, authz.Everything)
	return Created{c, job}, tx.InsertAudit(ctx, detailed(entry(actor, fleet.ContainerCreate, on), detail))
}

// renderNew makes the spec, or finds all that is wrong with the request.
func renderNew(ctx context.Context, tx *store.Tx, in NewContainer) (spec.Container, error) {
	var f faults
	f.policy(in.Type, in.HAPolicy, in.Group)
	if in.NodeID != nil {
		if _, err := tx.Node(ctx, *in.NodeID); f.unknown("nodeId", err) != nil {
			return spec.Container{}, err
		}
	}
	if err := f.preferred(ctx, tx, in.PreferredClusterID); err != nil {
		return spec.Container{}, err
	}
	e, err := tx.UseEgg(ctx, in.EggID)
	if err != nil {
		if f.unknown("eggId", err) != nil {
			return spec.Container{}, err
		}
		return spec.Container{}, f.err()
	}
	want, found := egg.Render(e.Egg, egg.Choice{
		Name: in.Name, Image: in.Image, Startup: in.Startup, Environment: f.environment(in.Environment, in.Secrets), Resources: in.Resources,
		Ports: in.Ports, Volumes: in.Volumes, HA: in.Type == fleet.HA,
	})
	want.Hide(append(e.Egg.Hidden(), slices.Collect(maps.Keys(in.Secrets))...), rand.Text())
	f = append(f, ofSecrets(found, want.Secret)...)
	return want, f.err()
}

// unknown notes a reference to something that is not there as a fault of the
// field; any other error it hands back.
func (f *faults) unknown(field string, err error) error {
	if fleet.KindOf(err) == fleet.NotFound {
		f.add(field, "%v", err)
		return nil
	}
	return err
}

// placeTries bounds how often a place may be lost to somebody faster.
const placeTries = 5

// placeNew chooses the node and takes room and ports there. A chosen node on
// which another transaction was faster is passed over by choosing again on
// what is true by then.
func (s *Service) placeNew(ctx context.Context, tx *store.Tx, actor authz.Actor, in NewContainer, c *fleet.Container) error {
	wanted := c.Spec.Ports
	for try := 1; ; try++ {
		node, err := s.chooseNode(ctx, tx, actor, in, *c)
		if err != nil {
			return err
		}
		c.NodeID = node
		err = takePlace(ctx, tx, c, wanted)
		lost := in.NodeID == nil && (fleet.KindOf(err) == fleet.NoCapacity || fleet.KindOf(err) == fleet.Conflict || fleet.KindOf(err) == fleet.NotFound)
		if !lost || try == placeTries {
			return err
		}
	}
}

// takePlace reserves room and allocates ports, both or neither.
func takePlace(ctx context.Context, tx *store.Tx, c *fleet.Container, wanted []spec.Port) error {
	if err := tx.Reserve(ctx, c.NodeID, c.Spec.Resources); err != nil {
		return err
	}
	ports, err := tx.Allocate(ctx, *c, wanted)
	if err != nil {
		return errors.Join(err, tx.Reserve(ctx, c.NodeID, spec.Resources{}.Sub(c.Spec.Resources)))
	}
	c.Spec.Ports = ports
	return nil
}

// chooseNode asks placement. Ports on a node that was asked for are left to
// Allocate, which can name who holds them.
func (s *Service) chooseNode(ctx context.Context, tx *store.Tx, actor authz.Actor, in NewContainer, c fleet.Container) (id.NodeID, error) {
	all, err := tx.Candidates(ctx, c.Spec.Ports, c.Group)
	if err != nil {
		return id.NodeID{}, err
	}
	request := placement.Request{
		Want: c.Spec.Resources, Pinned: in.NodeID, Waits: in.NodeID != nil, PreferredCluster: in.PreferredClusterID,
		Exclusive: c.Spec.Exclusive, Group: c.Group,
	}
	if in.NodeID == nil {
		request.Ports = c.Spec.Ports
		all = permitted(actor, in, all)
	} else if err := s.mayHold(ctx, tx, *in.NodeID, c); err != nil {
		return id.NodeID{}, err
	}
	chosen, refusal := placement.Choose(request, all)
	switch {
	case refusal == nil:
		return chosen.Node, nil
	case in.NodeID != nil:
		return id.NodeID{}, fleet.Errorf(fleet.NoCapacity, "%s", refusal)
	}
	return id.NodeID{}, fleet.Errorf(fleet.NoCapacity, "no node can take this container: %s", refusal)
}

// mayHold refuses a node that was named for an exclusive container and cannot
// have one: it says more than placement does.
func (s *Service) mayHold(ctx context.Context, tx *store.Tx, node id.NodeID, c fleet.Container) error {
	if !c.Spec.Exclusive {
		return nil
	}
	n, err := tx.Node(ctx, node)
	if err != nil {
		return err
	}
	return s.takesExclusive(n)
}

// permitted keeps the candidates on which the actor may create.
func permitted(actor authz.Actor, in NewContainer, all []placement.Candidate) []placement.Candidate {
	var list []placement.Candidate
	for _, c := range all {
		target := nodeTarget(fleet.Node{ID: c.Node, ClusterID: c.Cluster})
		allowed := true
		for _, v := range createVerbs(in) {
			allowed = allowed && actor.Can(v, target)
		}
		if allowed {
			list = append(list, c)
		}
	}
	return list
}
