package failover

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Step decides what is next for a migration. Limits are not its concern; see
// Plan.
func Step(v View, r Rules, now time.Time) Decision {
	switch {
	case v.Migration.State.Final():
		return v.wait("", time.Time{}, "")
	case v.gone():
		return v.finish(fleet.MigrationCancelled, "the container was deleted meanwhile", now)
	}
	switch v.Migration.State {
	case fleet.MigrationQueued:
		return v.queued(r, now)
	case fleet.MigrationReserved:
		return v.reserved(r, now)
	case fleet.MigrationStopping:
		return v.stopping(r, now)
	case fleet.MigrationFencing:
		return v.fencing(r, now)
	case fleet.MigrationStarting:
		return v.starting(r, now)
	case fleet.MigrationRollingBack:
		return v.rollingBack(r, now)
	case fleet.MigrationDone, fleet.MigrationGaveUp, fleet.MigrationRolledBack, fleet.MigrationCancelled:
	}
	return v.wait("", time.Time{}, "")
}

func (v View) queued(r Rules, now time.Time) Decision {
	m := v.Migration
	if !planned(m.Kind) && !v.switched() {
		switch {
		case v.Holder.State == fleet.NodeReturning:
			return v.wait(ForNode, time.Time{}, "node %s is coming back", v.Holder.called())
		case !v.Holder.lost():
			return v.finish(fleet.MigrationCancelled, "node "+v.Holder.called()+" came back before it was moved", now)
		case v.Container.Power != spec.Running:
			return v.finish(fleet.MigrationCancelled, "the container was stopped meanwhile", now)
		}
	}
	if v.switched() && v.usable(v.Holder) && v.runs() && !v.Container.Evicting {
		return v.afterAll(r, now)
	}
	if now.Before(m.NextRunAt) {
		return v.wait(ForPause, m.NextRunAt, "%s", m.Waiting)
	}
	proof, why := v.proof(now)
	switch {
	case proof != NoProof:
		return v.take(proof, nil, r, now)
	case v.Holder.lost():
		return v.stuck(time.Time{}, why)
	}
	d := v.enter(Reserve, fleet.MigrationReserved, now.Add(r.Reserved))
	d.Next.ReservedAt = &now
	return d
}

// afterAll goes on with the node that was given up as a target: it runs the
// container by now. Another place might never be found.
func (v View) afterAll(r Rules, now time.Time) Decision {
	d := v.enter(Save, fleet.MigrationStarting, now.Add(r.Start))
	d.Next.To, d.Next.NextRunAt = &v.Container.NodeID, now
	return d
}

func (v View) reserved(r Rules, now time.Time) Decision {
	if !v.usable(v.Target) {
		return v.retarget("node "+v.Target.called()+" cannot take it any more", r, now)
	}
	proof, why := v.proof(now)
	switch {
	case proof != NoProof:
		return v.take(proof, v.Migration.To, r, now)
	case v.Holder.lost() && v.late(now):
		return v.retarget(why, r, now)
	case v.Holder.lost():
		return v.stuck(v.deadline(), why)
	}
	return v.evict(fleet.MigrationStopping, r, now)
}

// evict has the holder told to stop, and to say when it has.
func (v View) evict(state fleet.MigrationState, r Rules, now time.Time) Decision {
	grace := v.Container.Spec.Stop.Grace
	if grace == 0 {
		grace = spec.DefaultGrace
	}
	d := v.enter(Evict, state, now.Add(r.Stop+time.Duration(grace)*time.Second))
	d.Next.Error = v.Migration.Error
	if d.Next.StoppingAt == nil {
		d.Next.StoppingAt = &now
	}
	return d
}

func (v View) stopping(r Rules, now time.Time) Decision {
	proof, why := v.proof(now)
	failed := v.Receipt != "" && v.Receipt.Final() && v.Receipt != wire.Applied
	switch {
	case proof != NoProof:
		return v.leave(proof, r, now)
	case v.Holder.lost() && !v.standard():
		return v.stuck(time.Time{}, why) // there is no way back to it
	case v.forced() && v.exclusive():
		return v.fence(r, now)
	case failed:
		return v.unconfirmed(fmt.Sprintf("node %s could not stop it: %s", v.Holder.called(), v.Message), r, now)
	case v.late(now):
		return v.unconfirmed(fmt.Sprintf("node %s did not confirm in time that it has stopped", v.Holder.called()), r, now)
	}
	return v.wait(ForNode, v.deadline(), "node %s stops it", v.Holder.called())
}

// unconfirmed is what follows when the holder does not say that it has
// stopped: back, or where there is no way back, on without its word.
func (v View) unconfirmed(why string, r Rules, now time.Time) Decision {
	switch {
	case planned(v.Migration.Kind) && v.atHome() && !v.Holder.lost():
		return v.goHome(NoProof, why, r, now)
	case v.exclusive():
		return v.fence(r, now)
	}
	return v.finish(fleet.MigrationGaveUp, why, now)
}

// fence waits until the holder's leases have run out for certain.
func (v View) fence(r Rules, now time.Time) Decision {
	return v.enter(Save, fleet.MigrationFencing, now.Add(v.Holder.Window+r.Margin))
}

func (v View) fencing(r Rules, now time.Time) Decision {
	proof, why := v.proof(now)
	switch {
	case proof != NoProof:
		return v.leave(proof, r, now)
	case v.Holder.lost():
		return v.stuck(time.Time{}, why)
	case v.FencedAt.IsZero():
		return v.wait(ForLease, now.Add(time.Second), "the leases of node %s are being refused", v.Holder.called())
	}
	return v.wait(ForLease, v.FencedAt.Add(v.Holder.Window), "the lease of node %s runs out", v.Holder.called())
}

// leave takes the container from its holder: to the place that was kept, or
// where that is no good any more back, or as the last resort to another.
func (v View) leave(p Proof, r Rules, now time.Time) Decision {
	switch {
	case v.usable(v.Target):
		return v.take(p, v.Migration.To, r, now)
	case planned(v.Migration.Kind) && v.atHome() && !v.Holder.lost():
		return v.goHome(NoProof, "node "+v.Target.called()+" was lost before it was moved there", r, now)
	}
	return v.take(p, nil, r, now)
}

func (v View) starting(r Rules, now time.Time) Decision {
	m := v.Migration
	seen, said := v.seen()
	switch {
	case v.runs(), v.Container.Power != spec.Running:
		d := v.finish(fleet.MigrationDone, "", now)
		d.Next.RunningAt = &now
		return d
	case v.returnWins():
		return v.goHome(Unneeded, "node "+v.Source.called()+" came back with it running before another ran it", r, now)
	case v.Holder.lost():
		return v.elsewhere("node "+v.Holder.called()+" was lost before it ran there", r, now)
	case said && seen.Phase == spec.Failed && v.since(m.SwitchedAt, now) >= r.Settle:
		return v.elsewhere(fmt.Sprintf("node %s cannot run it: %s", v.Holder.called(), seen.Reason), r, now)
	case said && seen.Phase == spec.Pulling && v.since(m.SwitchedAt, now) < r.Pull:
		return v.wait(ForNode, m.SwitchedAt.Add(r.Pull), "node %s fetches its image", v.Holder.called())
	case said && v.installs(seen.Phase) && v.since(m.SwitchedAt, now) < v.installTime(r):
		return v.wait(ForNode, m.SwitchedAt.Add(v.installTime(r)), "node %s installs it, as its data stayed behind", v.Holder.called())
	case v.late(now):
		return v.elsewhere(fmt.Sprintf("node %s did not run it in time", v.Holder.called()), r, now)
	case said && seen.Phase == spec.Failed:
		return v.wait(ForNode, m.SwitchedAt.Add(r.Settle), "node %s tries again: %s", v.Holder.called(), seen.Reason)
	}
	return v.wait(ForNode, v.deadline(), "%s", StartsAt(v.Holder.called()))
}

// installs reports whether a node installs a container, or is on the way
// before or after that.
func (v View) installs(seen spec.Phase) bool {
	switch seen {
	case spec.Installing:
		return true
	case spec.Pulling, spec.Creating, spec.Starting:
		return v.Container.Spec.Install != nil
	}
	return false
}

// installTime is how long a node has that says it installs: the installation
// itself ends in time or fails.
func (v View) installTime(r Rules) time.Duration {
	how := v.Container.Spec.Install
	if how == nil {
		return r.Install
	}
	return max(r.Install, how.Limit()+r.Pull)
}

// StartsAt is what a migration waits for that was switched. Written with the
// switch, it spares a thousand of them a second write for the words alone.
func StartsAt(node string) string { return "node " + node + " starts it" }

// returnWins reports whether going back costs less than going on: the lost
// node is there again and never stopped running its copy, and no other was
// seen to run. Of an exclusive one nothing is left to return to.
func (v View) returnWins() bool {
	return !planned(v.Migration.Kind) && v.Migration.Policy == fleet.Available && !v.atHome() && v.Source.Runs
}

// elsewhere follows when the target did not work out.
func (v View) elsewhere(why string, r Rules, now time.Time) Decision {
	if planned(v.Migration.Kind) && !v.atHome() && v.Source.State == fleet.NodeHealthy {
		return v.homeward(why, r, now)
	}
	return v.retarget(why, r, now)
}

// homeward sets the container on its way back. An exclusive one has to be
// stopped where it is before; what is told there comes with the next step.
func (v View) homeward(why string, r Rules, now time.Time) Decision {
	if proof, _ := v.proof(now); proof != NoProof || !v.exclusive() {
		if proof == NoProof {
			proof = Unneeded
		}
		return v.goHome(proof, why, r, now)
	}
	d := v.evict(fleet.MigrationRollingBack, r, now)
	d.Next.Error = why
	return d
}

func (v View) rollingBack(r Rules, now time.Time) Decision {
	if !v.atHome() {
		return v.recalled(r, now)
	}
	seen, said := v.seen()
	switch {
	case v.Container.Power != spec.Running, v.runs(), v.Receipt == wire.Applied:
		return v.finish(v.returned(), "", now)
	case v.Holder.lost() && v.since(v.entered(r.Return), now) >= r.Settle: // one that says hello may be lost yet
		return v.stranded("node "+v.Holder.called()+" was lost while it was to take it back", r, now)
	case v.late(now) && said:
		return v.stranded(fmt.Sprintf("node %s did not run it again in time: it is %s", v.Holder.called(), seen.Phase), r, now)
	case v.late(now):
		return v.stranded("node "+v.Holder.called()+" did not run it again in time", r, now)
	}
	return v.wait(ForNode, v.deadline(), "node %s takes it back", v.Holder.called())
}

// returned is how a migration ends whose container is back. That of a node
// that came back in time was called off; nothing had gone wrong with it.
func (v View) returned() fleet.MigrationState {
	if planned(v.Migration.Kind) {
		return fleet.MigrationRolledBack
	}
	return fleet.MigrationCancelled
}

// stranded is a container that its source does not run any more.
func (v View) stranded(why string, r Rules, now time.Time) Decision {
	if v.standard() {
		return v.finish(fleet.MigrationGaveUp, v.Migration.Error+"; "+why, now)
	}
	d := v.retarget(v.Migration.Error+"; "+why, r, now)
	d.Next.Wanted = nil
	return d
}

// recalled is a container on its way back that still belongs to the target.
func (v View) recalled(r Rules, now time.Time) Decision {
	proof, why := v.proof(now)
	switch {
	case v.Source.State != fleet.NodeHealthy:
		return v.retarget("node "+v.Source.called()+" cannot take it back now", r, now)
	case proof != NoProof:
		return v.goHome(proof, v.Migration.Error, r, now)
	case v.Holder.lost():
		return v.stuck(time.Time{}, why)
	case v.Migration.StopRev == 0:
		return v.evict(fleet.MigrationRollingBack, r, now)
	}
	return v.wait(ForNode, v.deadline(), "node %s stops it, so that it can go back", v.Holder.called())
}

// late reports whether the deadline of the present step has passed.
func (v View) late(now time.Time) bool {
	return v.Migration.Deadline != nil && !now.Before(*v.Migration.Deadline)
}

// entered is when the present step began, if it was given so long.
func (v View) entered(given time.Duration) *time.Time {
	if v.Migration.Deadline == nil {
		return nil
	}
	at := v.Migration.Deadline.Add(-given)
	return &at
}

func (v View) deadline() time.Time {
	if v.Migration.Deadline == nil {
		return time.Time{}
	}
	return *v.Migration.Deadline
}

func (v View) since(at *time.Time, now time.Time) time.Duration {
	if at == nil {
		return 0
	}
	return now.Sub(*at)
}
