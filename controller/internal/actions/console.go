package actions

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// maxCommand bounds a line for a console, in bytes: what a terminal takes.
const maxCommand = 4096

// CommandContainer writes a line to a container's console, within a minute or
// not at all. The text that the container is stopped with is a stop, as with
// Wings, from whoever may stop it: else the node would start it again. From
// others it is typed, and the container comes back.
func (s *Service) CommandContainer(ctx context.Context, actor authz.Actor, container id.ContainerID, line string) (fleet.Job, error) {
	seen, err := s.ContainerFor(ctx, actor, fleet.ContainerCommand, container)
	if err != nil {
		return fleet.Job{}, err
	}
	var f faults
	switch {
	case len(line) > maxCommand:
		f.add("command", "this is too long: the limit is %d bytes", maxCommand)
	case strings.ContainsAny(line, "\n\r\x00"), !utf8.ValidString(line):
		f.add("command", "this must be one line of text: send several one after the other")
	}
	if err := f.err(); err != nil {
		return fleet.Job{}, err
	}
	on, err := s.subjectOf(ctx, seen)
	if err != nil {
		return fleet.Job{}, err
	}
	mayStop := actor.Can(fleet.ContainerStop, on.target)
	var job fleet.Job
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		c, err := lockLiving(ctx, tx, container)
		if err != nil {
			return err
		}
		if c.Power != spec.Running {
			return fleet.Errorf(fleet.Conflict, "container %s is stopped, so nobody reads its console: start it first", c.Name)
		}
		o := order{verb: fleet.ContainerCommand, action: wire.ActionStdin, container: c, transient: true, input: line}
		detail := map[string]any{"command": line}
		if line != "" && line == c.Spec.Stop.Console && mayStop {
			detail["as"] = string(fleet.ContainerStop)
			o = powerOrder(fleet.ContainerStop, c)
			o.container.UpdatedAt = s.now()
			if err := tx.UpdateDesired(ctx, o.container); err != nil {
				return err
			}
		}
		if job, err = s.order(ctx, tx, actor, o); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, detailed(entry(actor, fleet.ContainerCommand, ofContainer(c, authz.Everything)), detail))
	})
	if err != nil {
		return fleet.Job{}, fmt.Errorf("command container: %w", err)
	}
	s.Wake(seen.NodeID)
	return job, nil
}
