package app_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func entryOf(c fleet.Container) wire.DesiredContainer {
	return wire.DesiredContainer{ID: c.ID, Epoch: c.Epoch, Generation: c.Generation, SpecHash: c.Spec.Hash(), Power: c.Power}
}

func TestANodeJoins(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).connect("mqtt://" + c.MQTTAddr()).hello(0)
	if d := a.awaitDesired("an answer", func(wire.Desired) bool { return true }); d.Kind != wire.DesiredNothing || d.Rev != 0 {
		t.Errorf("a new node was told %+v", d)
	}
	a.heartbeat(0)
	lease := a.awaitLease("a lease", func(wire.Lease) bool { return true })
	if lease.LeaseMS != 25000 || lease.NextHBMS != 10000 || lease.ResendMS != 2000 || lease.Session != a.session || lease.ControlTime == 0 {
		t.Errorf("the lease is %+v", lease)
	}
	c.awaitState(node, fleet.NodeHealthy)
	n := c.node(node)
	if n.JoinedAt == nil || n.Hostname != "host-"+a.machine || n.Health.Offer.CPU != 4000 {
		t.Errorf("the node is %+v", n)
	}
	eventually(t, "the heartbeat is in Postgres", func() bool { return c.node(node).Health.LastHeartbeat != nil })
}

// The walk of container.create through all rooms, and back.
func TestAContainerIsMade(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	made := c.create("web", node)

	delta := a.awaitDesired("the delta", func(d wire.Desired) bool { return d.Rev == 1 })
	want := wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: a.session, Kind: wire.DesiredDelta, FromRev: 0, Rev: 1,
		Containers: []wire.DesiredContainer{entryOf(made.Container)},
		Specs:      map[string]spec.Container{made.Container.Spec.Hash(): made.Container.Spec},
	}
	if d := cmp.Diff(want, delta, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	command := a.awaitCommand("the command", func(wire.Command) bool { return true })
	if command.Action != wire.ActionCreate || command.EggConfig == nil || command.EggConfig.Image != "lormas/demo:1" ||
		command.Rev != 1 || command.Session != a.session || *command.Resources != made.Container.Spec.Resources {
		t.Errorf("the command is %+v", command)
	}

	a.events(delivered(1, command.ID))
	c.awaitJob(made.Job.ID, fleet.JobRunning)
	a.events(wire.Event{Type: wire.EventCommandProgress, CommandID: command.ID, Progress: &wire.Progress{Percent: 40, Step: "pulling"}})
	eventually(t, "the progress shows", func() bool { return c.awaitJob(made.Job.ID, fleet.JobRunning).Progress == 40 })
	a.events(state(2, made.Container, spec.Up), applied(3, command.ID))
	c.awaitJob(made.Job.ID, fleet.JobSucceeded)
	a.awaitLease("the acknowledgement", func(l wire.Lease) bool { return l.AckedOutbox == 3 })
	if got := c.container(made.Container.ID).Phase(); got != spec.Up {
		t.Errorf("the container is %s", got)
	}
	a.heartbeat(1)
	a.awaitLease("a lease of the new revision", func(l wire.Lease) bool { return l.Seq != 0 && l.Rev == 1 && l.AckedOutbox == 3 })
	eventually(t, "the outbox is empty", func() bool {
		rows, err := c.db.Outbox(context.Background(), 0, 10)
		return err == nil && len(rows) == 0
	})
}

func TestEventsCountOnce(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	made := c.create("web", node)
	up, down := state(1, made.Container, spec.Up), state(2, made.Container, spec.Down)
	a.events(up, down)
	a.awaitLease("the acknowledgement", func(l wire.Lease) bool { return l.AckedOutbox == 2 })
	a.mu.Lock()
	a.leases = nil
	a.mu.Unlock()
	a.events(up) // the acknowledgement was lost on the way, or a message came late
	a.awaitLease("the acknowledgement again", func(l wire.Lease) bool { return l.AckedOutbox == 2 })
	if got := c.container(made.Container.ID).Phase(); got != spec.Down {
		t.Errorf("an event that was taken in before made the container %s", got)
	}
	a.ledger = "l2" // the agent lost its records and counts anew
	a.hello(0)
	a.events(state(1, made.Container, spec.Up))
	a.awaitLease("the acknowledgement of the new ledger", func(l wire.Lease) bool { return l.AckedOutbox == 1 })
	if got := c.container(made.Container.ID).Phase(); got != spec.Up {
		t.Errorf("the first event of a new ledger left the container %s", got)
	}
}

func TestWhatChangedWhileANodeWasAway(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	kept := c.create("kept", node)
	a.awaitDesired("the first delta", func(d wire.Desired) bool { return d.Rev == 1 })
	a.stop()
	c.awaitState(node, fleet.NodeSuspect)

	added := c.create("added", node)
	stop, err := c.Actions().StopContainer(t.Context(), system, kept.Container.ID)
	if err != nil {
		t.Fatal(err)
	}
	start, err := c.Actions().StartContainer(t.Context(), system, kept.Container.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.awaitJob(stop.ID, fleet.JobSuperseded)
	c.awaitJob(made(kept), fleet.JobSuperseded)

	a.connect("mqtt://"+c.MQTTAddr()).hello(1, entryOf(kept.Container))
	delta := a.awaitDesired("the answer", func(wire.Desired) bool { return true })
	if delta.Kind != wire.DesiredDelta || delta.FromRev != 1 || delta.Rev != 4 || len(delta.Containers) != 2 {
		t.Errorf("it was told %+v", delta)
	}
	for _, job := range []fleet.Job{added.Job, start} {
		a.awaitCommand("the open command of "+string(job.Kind), func(k wire.Command) bool { return k.ID == job.Commands[0].ID })
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	sent := map[id.CommandID]wire.Action{} // one that comes twice is answered from the ledger
	for _, k := range a.commands {
		sent[k.ID] = k.Action
	}
	if len(sent) != 2 {
		t.Errorf("%d commands were sent, want those that are still wanted: %v", len(sent), sent)
	}
}

func made(c actions.Created) id.JobID { return c.Job.ID }

func TestHelloIsAnsweredByWhatIsKnown(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	one, gone := c.create("one", node), c.create("gone", node)
	if _, err := c.Actions().DeleteContainer(t.Context(), system, gone.Container.ID); err != nil {
		t.Fatal(err)
	}
	a.events(state(1, gone.Container, spec.Removed))
	eventually(t, "the deleted container is gone", func() bool { return c.container(gone.Container.ID).DeletedAt != nil })

	set := []wire.DesiredContainer{entryOf(one.Container)}
	ask := func(h wire.Hello) wire.Desired {
		t.Helper()
		a.connect("mqtt://" + c.MQTTAddr())
		h.Session = a.session
		a.publish(wire.NodeSync, wire.Encode(h))
		return a.awaitDesired("the answer", func(wire.Desired) bool { return true })
	}
	if d := ask(a.helloMessage(3, set...)); d.Kind != wire.DesiredNothing || d.Rev != 3 {
		t.Errorf("in sync, it was told %+v", d)
	}
	if d := ask(a.helloMessage(3)); d.Kind != wire.DesiredFull || len(d.Containers) != 1 || d.Part != 1 || d.Parts != 1 {
		t.Errorf("with another digest, it was told %+v", d)
	}
	if d := ask(a.helloMessage(0)); d.Kind != wire.DesiredFull || len(d.Containers) != 1 {
		t.Errorf("without records, it was told %+v", d)
	}
	stray := a.helloMessage(3, set...)
	stranger := wire.ContainerRef{ID: id.New[id.ContainerID](), Epoch: 1}
	stray.Present = []wire.ContainerRef{{ID: one.Container.ID, Epoch: 1}, {ID: gone.Container.ID, Epoch: 1}, stranger}
	d := ask(stray)
	if diff := cmp.Diff([]wire.ContainerRef{{ID: gone.Container.ID, Epoch: 1}}, d.Removed); diff != "" || d.Kind != wire.DesiredFull {
		t.Errorf("of what is there, only the deleted one is to be removed:\n%s", diff)
	}
	a.publish(wire.NodeSync, wire.Encode(wire.Pull{Header: wire.Head(wire.TypePull), Session: a.session, Hashes: []string{one.Container.Spec.Hash(), "none"}}))
	specs := a.awaitDesired("the specs", func(d wire.Desired) bool { return d.Kind == wire.DesiredSpecs })
	if diff := cmp.Diff(map[string]spec.Container{one.Container.Spec.Hash(): one.Container.Spec}, specs.Specs, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// A controller that restarts tells nobody that its nodes are gone, and goes
// on where it was.
func TestARestartMovesNothing(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	since := c.node(node).Health.Since
	kept := c.create("kept", node)
	a.awaitDesired("the delta", func(d wire.Desired) bool { return d.Rev == 1 })
	a.events(state(7, kept.Container, spec.Up))
	a.awaitLease("the acknowledgement", func(l wire.Lease) bool { return l.AckedOutbox == 7 })

	newWatcher(t, c) // on a WebSocket that the API must not wait for
	c.restart()
	a.connect("mqtt://"+c.MQTTAddr()).hello(1, entryOf(kept.Container)).heartbeat(1)
	a.awaitLease("a lease", func(l wire.Lease) bool { return l.Seq != 0 && l.Rev == 1 && l.AckedOutbox == 7 })
	h := c.node(node).Health
	if h.State != fleet.NodeHealthy || !h.Since.Equal(since) {
		t.Errorf("after the restart the node is %s since %s (%s), want healthy since %s", h.State, h.Since, h.Reason, since)
	}
}

func TestARevokedCredentialIsCutAtOnce(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	a.mu.Lock()
	link := a.link
	a.mu.Unlock()
	if err := c.Actions().RevokeCredential(t.Context(), system, node); err != nil {
		t.Fatal(err)
	}
	<-link.Ended()
	c.awaitState(node, fleet.NodeSuspect)
	if reason := c.node(node).Health.Reason; !strings.Contains(reason, "revoked") {
		t.Errorf("the reason is %q", reason)
	}
}

func TestADeletedNodeIsForgotten(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	newAgent(t, node, token).join(c).stop()
	if err := c.Actions().DeleteNode(t.Context(), system, node); err != nil {
		t.Fatal(err)
	}
	newWatcher(t, c).settle() // news of the deletion are out
	w := newWatcher(t, c, wire.OfNode(wire.NodeHealth, node).String())
	w.settle()
	if got := w.all(); len(got) != 0 {
		t.Errorf("people still see %v", got)
	}
}

func TestTwoAgentsWithOneCredential(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	one := newAgent(t, node, token).join(c)
	two := newAgent(t, node, token)
	two.machine, two.session.BootID = "clone", "other"
	two.connect("mqtt://" + c.MQTTAddr()).hello(0)
	var found []fleet.AuditEntry
	eventually(t, "it is in the audit trail", func() bool {
		var err error
		found, _, err = c.db.Audit(context.Background(), store.AuditFilter{Verb: "node.duplicate"})
		return err == nil && len(found) > 0
	})
	if !strings.Contains(found[0].Reason, one.machine) || !strings.Contains(found[0].Reason, "clone") {
		t.Errorf("the entry does not name both: %q", found[0].Reason)
	}
	eventually(t, "the node says so", func() bool { return strings.Contains(c.node(node).Health.Reason, "two agents") })
}
