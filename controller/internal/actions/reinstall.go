package actions

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// ReinstallContainer has the installation of a container's egg run again over
// the files that are there. A container that runs is stopped for it and started
// afterwards; one that is stopped is installed when it is started next. The
// wish is counted, so it is carried out once, however the node comes to hear of
// it; stopping the container meanwhile puts it off.
func (s *Service) ReinstallContainer(ctx context.Context, actor authz.Actor, container id.ContainerID) (fleet.Job, error) {
	seen, err := s.ContainerFor(ctx, actor, fleet.ContainerReinstall, container)
	if err != nil {
		return fleet.Job{}, err
	}
	var job fleet.Job
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		c, err := lockLiving(ctx, tx, container)
		if err != nil {
			return err
		}
		if c.Spec.Install == nil {
			return fleet.Errorf(fleet.Conflict, "container %s has no installation: its egg had none when it was made or last changed", c.Name)
		}
		if err := tx.CountInstall(ctx, container, s.now()); err != nil {
			return err
		}
		o := order{verb: fleet.ContainerReinstall, action: wire.ActionReinstall, container: c}
		if job, err = s.order(ctx, tx, actor, o); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry(actor, fleet.ContainerReinstall, ofContainer(c, authz.Everything)))
	})
	if err != nil {
		return fleet.Job{}, fmt.Errorf("reinstall container: %w", err)
	}
	s.Wake(seen.NodeID)
	return job, nil
}
