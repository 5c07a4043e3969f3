package failover_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

var (
	start  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rules  = failover.Default()
	source = failover.Node{ID: id.New[id.NodeID](), Name: "source", State: fleet.NodeHealthy, Window: 30 * time.Second}
	target = failover.Node{ID: id.New[id.NodeID](), Name: "target", State: fleet.NodeHealthy, Window: 30 * time.Second}
)

// in is a view of a migration in a state, in which nothing has happened yet.
func in(state fleet.MigrationState, kind fleet.MigrationKind, policy fleet.HAPolicy) failover.View {
	deadline, switched := start.Add(2*time.Minute), start
	v := failover.View{
		Migration: fleet.Migration{
			ID: id.New[id.MigrationID](), Kind: kind, Policy: policy, From: source.ID, FromEpoch: 4, State: state,
			Attempt: 1, CreatedAt: start, NextRunAt: start, Deadline: &deadline,
		},
		Container: fleet.Container{ID: id.New[id.ContainerID](), NodeID: source.ID, Epoch: 4, Power: spec.Running, Type: fleet.HA, HAPolicy: policy},
		Source:    source, Holder: source,
	}
	v.Container.Observed = &wire.ContainerStatus{Epoch: 4, Phase: spec.Up}
	if kind == fleet.KindFailover {
		v.Source.State, v.Holder.State = fleet.NodeUnhealthy, fleet.NodeUnhealthy
	}
	switch state {
	case fleet.MigrationQueued:
		v.Migration.Deadline = nil
	case fleet.MigrationStarting:
		v.Migration.SwitchedAt, v.Migration.ToEpoch = &switched, 5
		v.Container.Epoch, v.Container.NodeID, v.Holder = 5, target.ID, target
	case fleet.MigrationStopping, fleet.MigrationFencing:
		v.Migration.StopRev, v.Receipt = 9, wire.Queued
	case fleet.MigrationRollingBack:
		v.Container.Observed.Phase = spec.Down
		long := start.Add(time.Minute) // half of it is over
		v.Migration.Deadline = &long
	}
	if state != fleet.MigrationQueued && state != fleet.MigrationRollingBack {
		v.Migration.To, v.Target = &target.ID, target
	}
	return v
}

type event struct {
	name string
	does func(*failover.View)
	at   time.Duration
}

func holderIs(s fleet.NodeState) func(*failover.View) {
	return func(v *failover.View) {
		v.Holder.State = s
		if v.Holder.ID == v.Source.ID {
			v.Source.State = s
		} else {
			v.Target.State = s
		}
	}
}

func seen(p spec.Phase) func(*failover.View) {
	return func(v *failover.View) {
		v.Container.Observed = &wire.ContainerStatus{Epoch: v.Container.Epoch, Phase: p, Reason: "so it is"}
	}
}

// events are what may happen to a migration; each is applied to each state.
var events = []event{
	{"nothing", func(*failover.View) {}, 0},
	{"deadline", func(*failover.View) {}, 3 * time.Minute},
	{"deleted", func(v *failover.View) { v.Container.Power = spec.Absent }, 0},
	{"holder lost", holderIs(fleet.NodeUnhealthy), 0},
	{"holder lost, held", func(v *failover.View) { holderIs(fleet.NodeUnhealthy)(v); v.Holder.Held = "too many" }, 0},
	{"target lost", func(v *failover.View) {
		v.Target.State = fleet.NodeUnhealthy
		if v.Holder.ID == target.ID {
			v.Holder.State = fleet.NodeUnhealthy
		}
	}, 0},
	{"confirmed", func(v *failover.View) { v.Receipt = wire.Applied }, 0},
	{"refused", func(v *failover.View) { v.Receipt = wire.FailedR }, 0},
	{"fenced", func(v *failover.View) { v.FencedAt = start }, 30 * time.Second},
	{"running", seen(spec.Up), 0},
	{"failed", seen(spec.Failed), 20 * time.Second},
	{"pulling", seen(spec.Pulling), 3 * time.Minute},
	{"source back", func(v *failover.View) {
		v.Source.State, v.Source.Runs = fleet.NodeReturning, true
		if v.Holder.ID == source.ID {
			v.Holder = v.Source
		}
	}, 0},
}

// outcomes of each event in each state, in the order of events: the action,
// and the state that it leads to.
var table = map[string]struct {
	view     func() failover.View
	outcomes [13]string
}{
	"queued, manual, available": {func() failover.View { return in(fleet.MigrationQueued, fleet.KindManual, fleet.Available) }, [13]string{
		"reserve reserved", "reserve reserved", "finish cancelled", "switch starting silent", "wait queued", "reserve reserved", "reserve reserved",
		"reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved"}},
	"queued, manual, forced, available": {func() failover.View { return forced(in(fleet.MigrationQueued, fleet.KindManual, fleet.Available)) }, [13]string{
		"switch starting unneeded", "switch starting unneeded", "finish cancelled", "switch starting silent", "wait queued", "switch starting unneeded",
		"switch starting unneeded", "switch starting unneeded", "switch starting unneeded", "switch starting unneeded", "switch starting unneeded",
		"switch starting unneeded", "switch starting unneeded"}},
	"queued, manual, forced, exclusive": {func() failover.View { return forced(in(fleet.MigrationQueued, fleet.KindManual, fleet.Exclusive)) }, [13]string{
		"reserve reserved", "reserve reserved", "finish cancelled", "switch starting silent", "wait queued", "reserve reserved", "reserve reserved",
		"reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved"}},
	"queued, manual, standard": {func() failover.View { return in(fleet.MigrationQueued, fleet.KindManual, "") }, [13]string{
		"reserve reserved", "reserve reserved", "finish cancelled", "wait queued", "wait queued", "reserve reserved", "reserve reserved",
		"reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved", "reserve reserved"}},
	"queued, failover": {func() failover.View { return in(fleet.MigrationQueued, fleet.KindFailover, fleet.Exclusive) }, [13]string{
		"switch starting silent", "switch starting silent", "finish cancelled", "switch starting silent", "wait queued", "switch starting silent",
		"switch starting silent", "switch starting silent", "switch starting silent", "switch starting silent", "switch starting silent",
		"switch starting silent", "wait queued"}},
	"reserved, drain, exclusive": {func() failover.View { return in(fleet.MigrationReserved, fleet.KindDrain, fleet.Exclusive) }, [13]string{
		"evict stopping", "evict stopping", "finish cancelled", "switch starting silent", "wait reserved", "save queued", "evict stopping",
		"evict stopping", "evict stopping", "evict stopping", "evict stopping", "evict stopping", "evict stopping"}},
	"reserved, manual, overlap": {func() failover.View { return overlap(in(fleet.MigrationReserved, fleet.KindManual, fleet.Available)) }, [13]string{
		"switch starting unneeded", "switch starting unneeded", "finish cancelled", "switch starting silent", "wait reserved", "save queued",
		"switch starting unneeded", "switch starting unneeded", "switch starting unneeded", "switch starting unneeded", "switch starting unneeded",
		"switch starting unneeded", "switch starting unneeded"}},
	"stopping, manual, exclusive": {func() failover.View { return in(fleet.MigrationStopping, fleet.KindManual, fleet.Exclusive) }, [13]string{
		"wait stopping", "go home rolling_back", "finish cancelled", "switch starting silent", "wait stopping", "wait stopping",
		"switch starting confirmed", "go home rolling_back", "wait stopping", "wait stopping", "wait stopping", "go home rolling_back", "wait stopping"}},
	"stopping, manual, forced, exclusive": {func() failover.View { return forced(in(fleet.MigrationStopping, fleet.KindManual, fleet.Exclusive)) }, [13]string{
		"save fencing", "save fencing", "finish cancelled", "switch starting silent", "wait stopping", "save fencing",
		"switch starting confirmed", "save fencing", "save fencing", "save fencing", "save fencing", "save fencing", "save fencing"}},
	"stopping, manual, standard": {func() failover.View { return in(fleet.MigrationStopping, fleet.KindManual, "") }, [13]string{
		"wait stopping", "go home rolling_back", "finish cancelled", "wait stopping", "wait stopping", "wait stopping",
		"switch starting confirmed", "go home rolling_back", "wait stopping", "wait stopping", "wait stopping", "go home rolling_back", "wait stopping"}},
	"fencing, manual, exclusive": {func() failover.View { return forced(in(fleet.MigrationFencing, fleet.KindManual, fleet.Exclusive)) }, [13]string{
		"wait fencing", "wait fencing", "finish cancelled", "switch starting silent", "wait fencing", "wait fencing",
		"switch starting confirmed", "wait fencing", "switch starting fenced", "wait fencing", "wait fencing", "wait fencing", "wait fencing"}},
	"starting, failover, available": {func() failover.View { return in(fleet.MigrationStarting, fleet.KindFailover, fleet.Available) }, [13]string{
		"wait starting", "save queued", "finish cancelled", "save queued", "save queued", "save queued", "wait starting", "wait starting",
		"wait starting", "finish completed", "save queued", "wait starting", "go home rolling_back unneeded"}},
	"starting, failover, exclusive": {func() failover.View { return in(fleet.MigrationStarting, fleet.KindFailover, fleet.Exclusive) }, [13]string{
		"wait starting", "save queued", "finish cancelled", "save queued", "save queued", "save queued", "wait starting", "wait starting",
		"wait starting", "finish completed", "save queued", "wait starting", "wait starting"}},
	"starting, manual, available": {func() failover.View { return in(fleet.MigrationStarting, fleet.KindManual, fleet.Available) }, [13]string{
		"wait starting", "go home rolling_back unneeded", "finish cancelled", "go home rolling_back silent", "go home rolling_back unneeded",
		"go home rolling_back silent", "wait starting", "wait starting", "wait starting", "finish completed", "go home rolling_back unneeded",
		"wait starting", "wait starting"}},
	"starting, manual, exclusive": {func() failover.View { return in(fleet.MigrationStarting, fleet.KindManual, fleet.Exclusive) }, [13]string{
		"wait starting", "evict rolling_back", "finish cancelled", "go home rolling_back silent", "evict rolling_back",
		"go home rolling_back silent", "wait starting", "wait starting", "wait starting", "finish completed", "evict rolling_back",
		"wait starting", "wait starting"}},
	"rolling back, manual": {func() failover.View { return in(fleet.MigrationRollingBack, fleet.KindManual, fleet.Available) }, [13]string{
		"wait rolling_back", "save queued", "finish cancelled", "save queued", "save queued", "wait rolling_back", "finish rolled_back",
		"wait rolling_back", "wait rolling_back", "finish rolled_back", "wait rolling_back", "save queued", "wait rolling_back"}},
	"rolling back, manual, standard": {func() failover.View { return in(fleet.MigrationRollingBack, fleet.KindManual, "") }, [13]string{
		"wait rolling_back", "finish failed", "finish cancelled", "finish failed", "finish failed", "wait rolling_back", "finish rolled_back",
		"wait rolling_back", "wait rolling_back", "finish rolled_back", "wait rolling_back", "finish failed", "wait rolling_back"}},
	"rolling back, failover": {func() failover.View {
		v := in(fleet.MigrationRollingBack, fleet.KindFailover, fleet.Available)
		v.Source.State, v.Holder.State = fleet.NodeHealthy, fleet.NodeHealthy
		return v
	}, [13]string{
		"wait rolling_back", "save queued", "finish cancelled", "save queued", "save queued", "wait rolling_back", "finish cancelled",
		"wait rolling_back", "wait rolling_back", "finish cancelled", "wait rolling_back", "save queued", "wait rolling_back"}},
	"recalled, manual, exclusive": {recalled, [13]string{
		"wait rolling_back", "wait rolling_back", "finish cancelled", "go home rolling_back silent", "wait rolling_back", "go home rolling_back silent",
		"go home rolling_back confirmed", "wait rolling_back", "go home rolling_back fenced", "wait rolling_back", "wait rolling_back", "wait rolling_back",
		"save queued"}},
}

func forced(v failover.View) failover.View  { v.Migration.Force = true; return v }
func overlap(v failover.View) failover.View { v.Migration.Overlap = true; return v }

// recalled is on its way back from a target that has been told to stop it.
func recalled() failover.View {
	v := in(fleet.MigrationStarting, fleet.KindManual, fleet.Exclusive)
	v.Migration.State, v.Migration.StopRev, v.Receipt = fleet.MigrationRollingBack, 3, wire.Queued
	return v
}

func TestEveryStateAndEvent(t *testing.T) {
	for name, row := range table {
		for i, e := range events {
			v := row.view()
			e.does(&v)
			d := failover.Step(v, rules, start.Add(e.at))
			got := string(d.Action) + " " + string(d.Next.State)
			if d.Proof != failover.NoProof {
				got += " " + string(d.Proof)
			}
			if got != row.outcomes[i] {
				t.Errorf("%s, %s: %s, want %s (%s%s)", name, e.name, got, row.outcomes[i], d.Next.Waiting, d.Next.Error)
			}
			if d.Action == failover.Wait && d.Next.Waiting == "" {
				t.Errorf("%s, %s: waits without a reason", name, e.name)
			}
			if d.Next.State != v.Migration.State && !v.Migration.State.CanBecome(d.Next.State) {
				t.Errorf("%s, %s: %s ─▶ %s is no legal move", name, e.name, v.Migration.State, d.Next.State)
			}
		}
	}
}

func TestAFailoverOfANodeThatIsBackIsCalledOff(t *testing.T) {
	v := in(fleet.MigrationQueued, fleet.KindFailover, fleet.Available)
	holderIs(fleet.NodeHealthy)(&v)
	if d := failover.Step(v, rules, start); d.Action != failover.Finish || d.Next.State != fleet.MigrationCancelled {
		t.Errorf("%s %s", d.Action, d.Next.State)
	}
	v = in(fleet.MigrationQueued, fleet.KindFailover, fleet.Available)
	v.Container.Power = spec.Stopped
	if d := failover.Step(v, rules, start); d.Next.State != fleet.MigrationCancelled {
		t.Errorf("a stopped container is moved by itself: %s %s", d.Action, d.Next.State)
	}
}

// A receipt of the source's stop says nothing of the target.
func TestAProofCountsForItsHolderOnly(t *testing.T) {
	v := in(fleet.MigrationStopping, fleet.KindManual, fleet.Exclusive)
	v.Receipt = wire.Applied
	d := failover.Step(v, rules, start)
	if d.Action != failover.Switch || d.Next.StopRev != 0 || d.Next.StopCommand != nil {
		t.Errorf("the old stop goes along: %+v", d)
	}
}

func TestTargetsAreTriedInTurnThenItRests(t *testing.T) {
	now := start
	v := in(fleet.MigrationStarting, fleet.KindFailover, fleet.Available)
	for i, want := range []time.Duration{0, 0, time.Minute, 0, 0, 5 * time.Minute, 0, 0, 15 * time.Minute, 0, 0, 15 * time.Minute} {
		v.Holder.State, v.Migration.State = fleet.NodeUnhealthy, fleet.MigrationStarting
		to := id.New[id.NodeID]()
		v.Migration.To = &to
		d := failover.Step(v, rules, now)
		if got := d.Next.NextRunAt.Sub(now); got != want {
			t.Errorf("after target %d it rests for %s, want %s", i+1, got, want)
		}
		if rested := want > 0; rested != (len(d.Next.Excluded) == 0) {
			t.Errorf("after target %d, %d are excluded", i+1, len(d.Next.Excluded))
		}
		v.Migration = d.Next
	}
}

func TestRefused(t *testing.T) {
	v := in(fleet.MigrationQueued, fleet.KindFailover, fleet.Available)
	d := failover.Refused(v, "2 nodes: 2 not healthy", rules, start)
	if d.Next.Waiting != "no node can take it: 2 nodes: 2 not healthy" || d.Until.Sub(start) != rules.Retry || d.Next.State != fleet.MigrationQueued {
		t.Errorf("%+v", d)
	}
	v = recalled()
	if d := failover.Refused(v, "full", rules, start); d.Next.State != fleet.MigrationQueued || d.Action != failover.Save {
		t.Errorf("there is no room at home: %+v", d)
	}
	v = in(fleet.MigrationStarting, fleet.KindDrain, fleet.Available)
	if d := failover.Refused(v, "being drained", rules, start); d.Next.State != fleet.MigrationQueued || d.Action != failover.Save {
		t.Errorf("its target was lost, and the source takes nothing back: %+v", d)
	}
}

// A place is kept at a node whose engine goes away: where placement has not
// heard of that, it would choose that very node again, and again. It is left
// out, which is no attempt of its own, until all others were asked in vain.
func TestAReservedTargetThatWentBadIsLeftOut(t *testing.T) {
	for _, policy := range []fleet.HAPolicy{fleet.Available, fleet.Exclusive} {
		v := forced(in(fleet.MigrationReserved, fleet.KindManual, policy))
		v.Target.Barred = true
		d := failover.Step(v, rules, start)
		next := d.Next
		if d.Action != failover.Save || next.State != fleet.MigrationQueued || next.To != nil || !slices.Equal(next.Excluded, []id.NodeID{target.ID}) {
			t.Fatalf("%s: %s, %s with %v left out", policy, d.Action, next.State, next.Excluded)
		}
		if next.Attempt != v.Migration.Attempt || !next.NextRunAt.Equal(start) {
			t.Errorf("%s: it counts as attempt %d, and rests until %s", policy, next.Attempt, next.NextRunAt)
		}
		v.Migration, v.Target = next, failover.Node{}
		again := failover.Refused(v, "all others are full", rules, start)
		if len(again.Next.Excluded) != 0 || !again.Next.NextRunAt.After(start) {
			t.Errorf("%s: it is asked again at %s, with %v left out", policy, again.Next.NextRunAt, again.Next.Excluded)
		}
	}
}

// With force a container goes into quarantine, and stays on its way there.
func TestOnlyForceReachesIntoQuarantine(t *testing.T) {
	for _, force := range []bool{false, true} {
		v := in(fleet.MigrationReserved, fleet.KindManual, fleet.Exclusive)
		v.Migration.Force, v.Target.Flapped = force, true
		if d := failover.Step(v, rules, start); (d.Next.To != nil) != force {
			t.Errorf("force is %t, and it goes on as %s to %v", force, d.Next.State, d.Next.To)
		}
	}
}

// A target that was given up may run the container after all. Then it is
// moved: another place might never be found.
func TestATargetThatRunsItAfterAllKeepsIt(t *testing.T) {
	v := in(fleet.MigrationStarting, fleet.KindFailover, fleet.Exclusive)
	v.Holder.State = fleet.NodeUnhealthy
	v.Migration = failover.Step(v, rules, start).Next
	if v.Migration.State != fleet.MigrationQueued {
		t.Fatalf("a lost target leaves it %s", v.Migration.State)
	}
	v.Holder.State = fleet.NodeHealthy
	seen(spec.Up)(&v)
	d := failover.Step(v, rules, start)
	if d.Action != failover.Save || d.Next.State != fleet.MigrationStarting || *d.Next.To != target.ID {
		t.Fatalf("the next step is %s to %s", d.Action, d.Next.State)
	}
	v.Migration = d.Next
	if d := failover.Step(v, rules, start); d.Next.State != fleet.MigrationDone {
		t.Errorf("then it is %s", d.Next.State)
	}
	v.Migration.State, v.Container.Evicting = fleet.MigrationQueued, true
	if d := failover.Step(v, rules, start); d.Next.State == fleet.MigrationStarting {
		t.Error("what is told to stop counts as running")
	}
}

// A container whose data stayed behind is installed at the target: that takes
// longer than a start, and the image may be fetched after it.
func TestAnInstallationAtTheTargetHasItsTime(t *testing.T) {
	quick, patient := &spec.Install{}, &spec.Install{Timeout: 3 * 60 * 60}
	for name, c := range map[string]struct {
		how   *spec.Install
		phase spec.Phase
		at    time.Duration
		waits bool
	}{
		"installing":                     {quick, spec.Installing, 74 * time.Minute, true},
		"installing, for too long":       {quick, spec.Installing, 76 * time.Minute, false},
		"installing, and may for long":   {patient, spec.Installing, 3 * time.Hour, true},
		"fetching its image afterwards":  {quick, spec.Pulling, 30 * time.Minute, true},
		"starting afterwards":            {quick, spec.Starting, 30 * time.Minute, true},
		"starting, without installation": {nil, spec.Starting, 3 * time.Minute, false},
		"waiting for something":          {quick, spec.Pending, 3 * time.Minute, false},
		"failed":                         {quick, spec.Failed, time.Minute, false},
	} {
		v := in(fleet.MigrationStarting, fleet.KindFailover, fleet.Available)
		v.Container.Spec.Install = c.how
		seen(c.phase)(&v)
		d := failover.Step(v, failover.Default(), start.Add(c.at))
		if waits := d.Action == failover.Wait && d.Next.State == fleet.MigrationStarting; waits != c.waits {
			t.Errorf("%s: after %s it is %s %s (%s%s)", name, c.at, d.Action, d.Next.State, d.Next.Waiting, d.Next.Error)
		}
	}
}
