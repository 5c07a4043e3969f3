package actions

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// ContainerEdit is what EditContainer changes; nil leaves a thing as it is.
type ContainerEdit struct {
	Image       *string            // a name among the egg's images
	Startup     *string            // a name among its start commands
	Environment map[string]*string // nil: back to the egg's default, or gone where there is none; what is secret stays so
	Secrets     map[string]*string // the same, of what nobody is shown; nil: gone, and no longer secret
	CPU         *spec.CPU
	Memory      *spec.Bytes
	Disk        *spec.Bytes
	Ports       *[]spec.Port // all of them anew
	Moving      Moving
	Generation  *int64 // If-Match
	asUser      bool   // what the egg does not let its users change is refused
}

// EditContainer changes the spec of a container, as its next generation. Only
// the difference in resources has to be free on its node.
func (s *Service) EditContainer(ctx context.Context, actor authz.Actor, container id.ContainerID, in ContainerEdit) (Created, error) {
	return s.editContainer(ctx, actor, fleet.ContainerEdit, container, in)
}

// EditEnvironment is EditContainer for somebody who may change the environment
// and nothing else; only that and the secrets of in are looked at.
func (s *Service) EditEnvironment(ctx context.Context, actor authz.Actor, container id.ContainerID, in ContainerEdit) (Created, error) {
	only := ContainerEdit{Environment: in.Environment, Secrets: in.Secrets, Generation: in.Generation}
	return s.editContainer(ctx, actor, fleet.ContainerEnvironmentEdit, container, only)
}

func (s *Service) editContainer(ctx context.Context, actor authz.Actor, v fleet.Verb, container id.ContainerID, in ContainerEdit) (Created, error) {
	seen, err := s.ContainerFor(ctx, actor, v, container)
	if err != nil {
		return Created{}, err
	}
	in.asUser = v == fleet.ContainerEnvironmentEdit && s.check(ctx, actor, fleet.ContainerEdit, ofContainer(seen, authz.Everything)) != nil
	if err := s.mayMove(ctx, actor, seen, in.Moving); err != nil {
		return Created{}, err
	}
	var out Created
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		c, err := lockLiving(ctx, tx, container)
		if err != nil {
			return err
		}
		if err := fleet.IfMatch(in.Generation, c.Generation, "container"); err != nil {
			return err
		}
		before, was := c.Spec.Clone(), containerAudit(c)
		if err := s.edit(ctx, tx, &c, in); err != nil {
			return err
		}
		change := spec.Diff(before, c.Spec)
		if change != spec.Same || !reflect.DeepEqual(was, containerAudit(c)) {
			c.Generation++ // also where nodes do nothing about it: it is what If-Match is held against
		}
		c.UpdatedAt = s.now()
		if err := tx.UpdateDesired(ctx, c); err != nil {
			return err
		}
		job, err := s.order(ctx, tx, actor, order{verb: v, action: wire.ActionUpdate, container: c})
		if err != nil {
			return err
		}
		out = Created{c, job}
		detail := map[string]any{"change": change, "environment": slices.Sorted(maps.Keys(in.Environment))}
		e := edited(entry(actor, v, ofContainer(c, authz.Everything)), was, containerAudit(c))
		return tx.InsertAudit(ctx, detailed(e, detail))
	})
	if err != nil {
		return Created{}, fmt.Errorf("%s: %w", v, err)
	}
	s.Wake(seen.NodeID)
	return out, nil
}

// containerAudit is what the audit trail keeps of a container. Values of its
// environment may be secrets: there are only their names.
func containerAudit(c fleet.Container) map[string]any {
	return map[string]any{
		"image": c.Spec.Image, "environment": slices.Sorted(maps.Keys(c.Spec.Env)), "resources": c.Spec.Resources, "ports": c.Spec.Ports,
		"type": c.Type, "ha_policy": c.HAPolicy, "group": c.Group, "preferred_cluster_id": c.PreferredClusterID,
		"owner": c.OwnerID, "generation": c.Generation,
	}
}

// edit changes a container that is locked.
func (s *Service) edit(ctx context.Context, tx *store.Tx, c *fleet.Container, in ContainerEdit) error {
	before := c.Spec.Exclusive
	if err := in.Moving.apply(ctx, tx, c); err != nil {
		return err
	}
	if c.Spec.Exclusive && !before {
		if err := s.mayBecomeExclusive(ctx, tx, *c); err != nil {
			return err
		}
	}
	return editSpec(ctx, tx, c, in)
}

// editSpec changes the spec and moves the node's ledger along.
func editSpec(ctx context.Context, tx *store.Tx, c *fleet.Container, in ContainerEdit) error {
	e, err := tx.UseEgg(ctx, c.EggID)
	if err != nil {
		return err
	}
	old := c.Spec.Resources
	next, err := in.apply(c.Spec.Clone(), e.Egg)
	if err != nil {
		return err
	}
	if err := tx.Reserve(ctx, c.NodeID, next.Resources.Sub(old)); err != nil {
		return err
	}
	c.Spec = next
	if in.Ports == nil {
		return nil
	}
	if err := tx.Deallocate(ctx, c.ID); err != nil {
		return err
	}
	c.Spec.Ports, err = tx.Allocate(ctx, *c, next.Ports)
	return err
}

// apply makes the next spec out of the present one, or finds all that is
// wrong with the wish.
func (in ContainerEdit) apply(s spec.Container, e egg.Egg) (spec.Container, error) {
	var f faults
	if in.Image != nil {
		image, found := e.PickImage(*in.Image)
		if f = append(f, found...); len(found) == 0 {
			s.Image = image
		}
	}
	if len(in.Environment)+len(in.Secrets) > 0 || in.Startup != nil {
		startup := ""
		replace(&startup, in.Startup)
		given, notThere := e.PickStartup(startup, in.environment(s.Env, e))
		f = append(f, notThere...)
		if in.asUser {
			f.locked(e, in.Environment, in.Secrets)
		}
		env, found := e.Environment(given)
		s.Env = env
		s.Hide(append(e.Hidden(), in.secret(s.Secret)...), rand.Text())
		f = append(f, ofSecrets(found, s.Secret)...)
		twice(&f, in.Environment, in.Secrets)
	}
	replace(&s.Resources.CPU, in.CPU)
	replace(&s.Resources.Memory, in.Memory)
	replace(&s.Resources.Disk, in.Disk)
	if in.Ports != nil {
		s.Ports = asTheyAre(s.Ports, e.CompletePorts(*in.Ports))
	}
	f = append(f, s.Validate()...)
	return s, f.err()
}

// environment is what was given so far with the wish on top. The start
// command is the egg's, not somebody's wish.
func (in ContainerEdit) environment(have map[string]string, e egg.Egg) map[string]string {
	env := e.Given(have)
	for _, wish := range []map[string]*string{in.Environment, in.Secrets} {
		for key, value := range wish {
			if value == nil {
				delete(env, key)
				continue
			}
			env[key] = *value
		}
	}
	return env
}

// secret are the names that are secret from now on: those that were, and those
// that are given as such, but none that is taken away.
func (in ContainerEdit) secret(before []string) []string {
	var names []string
	for _, name := range before {
		if value, said := in.Secrets[name]; !said || value != nil {
			names = append(names, name)
		}
	}
	for name, value := range in.Secrets {
		if value != nil {
			names = append(names, name)
		}
	}
	return names
}

func replace[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// locked refuses changes of variables that the egg's author keeps from its
// users: they may change those that they both see and may edit.
func (f *faults) locked(e egg.Egg, wishes ...map[string]*string) {
	for _, wish := range wishes {
		for _, key := range slices.Sorted(maps.Keys(wish)) {
			if e.Locked(key) {
				f.add("environment."+key, "the egg does not let its users change this: ask somebody who has container.edit here")
			}
		}
	}
}

// asTheyAre keeps what was chosen of a port, rather than asked for, where it
// is sent as it is: else it could not be chosen anew when the container moves.
func asTheyAre(have, wanted []spec.Port) []spec.Port {
	for i, w := range wanted {
		at := slices.IndexFunc(have, func(p spec.Port) bool {
			return p.IP == w.IP && p.Host == w.Host && p.Container == w.Container && p.Protocol == w.Protocol
		})
		if at >= 0 {
			wanted[i] = have[at]
		}
	}
	return wanted
}
