package reconcile_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// rig is a node without a link: a real ledger, a fake engine, and the
// reconciler between them, in a bubble of fake time.
type rig struct {
	*testing.T
	engine *runtimetest.Fake
	told   reconcile.Runtime // the engine as the reconciler sees it
	ledger *ledger.Ledger
	*reconcile.Reconciler
	dir     string
	node    id.NodeID
	permits *permit.Desk // nil: one without a guard
	rev     int64
	stop    func()
}

func inBubble(t *testing.T, test func(*rig)) {
	t.Helper()
	inBubbleWith(t, func(f *runtimetest.Fake) reconcile.Runtime { return f }, test)
}

// inBubbleWith has the reconciler see the engine through something else.
func inBubbleWith(t *testing.T, through func(*runtimetest.Fake) reconcile.Runtime, test func(*rig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, engine: runtimetest.NewFake(), dir: dir, node: id.New[id.NodeID]()}
		r.told = through(r.engine)
		r.boot()
		defer func() { r.shutdown() }()
		test(r)
	})
}

// boot starts the agent's part on what is on disk and in the engine.
func (r *rig) boot() {
	r.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("RECONCILE_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	l, err := ledger.Open(ledger.Options{Dir: r.dir, Node: r.node, Log: log})
	r.ok(err)
	r.ledger = l
	r.Reconciler = reconcile.New(reconcile.Options{Runtime: r.told, Ledger: l, Permits: r.permits, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Reconciler.Run(ctx) }()
	r.stop = func() {
		cancel()
		r.ok(<-done)
		r.ok(l.Close())
	}
	synctest.Wait()
}

func (r *rig) shutdown() {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
}

func (r *rig) reboot() {
	r.Helper()
	r.shutdown()
	r.boot()
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// desire makes the containers part of the next revision.
func (r *rig) desire(containers ...wire.DesiredContainer) int64 {
	r.Helper()
	_, err := r.ledger.Accept(wire.Desired{Kind: wire.DesiredDelta, FromRev: r.rev, Rev: r.rev + 1, Containers: containers, Specs: specs})
	r.ok(err)
	r.rev++
	r.Wake()
	synctest.Wait()
	return r.rev
}

// command takes a lifecycle command for the newest revision.
func (r *rig) command(action wire.Action, c id.ContainerID) id.CommandID {
	r.Helper()
	command := wire.Command{ID: id.New[id.CommandID](), Action: action, ContainerID: c, Rev: r.rev}
	_, err := r.ledger.Take(command)
	r.ok(err)
	r.Wake()
	synctest.Wait()
	return command.ID
}

// ask takes a transient command that is good for a minute.
func (r *rig) ask(action wire.Action, c wire.DesiredContainer) id.CommandID {
	r.Helper()
	command := wire.Command{ID: id.New[id.CommandID](), Action: action, ContainerID: c.ID, Epoch: c.Epoch}
	_, err := r.ledger.Take(command)
	r.ok(err)
	r.Ask(reconcile.Ask{
		Command: command.ID, Action: action, Container: c.ID, Epoch: c.Epoch, Before: time.Now().Add(time.Minute),
	})
	synctest.Wait()
	return command.ID
}

// stdin types a line into a container's console.
func (r *rig) stdin(c wire.DesiredContainer, line string) id.CommandID {
	r.Helper()
	command := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionStdin, ContainerID: c.ID, Epoch: c.Epoch}
	_, err := r.ledger.Take(command)
	r.ok(err)
	r.Ask(reconcile.Ask{
		Command: command.ID, Action: wire.ActionStdin, Container: c.ID, Epoch: c.Epoch, Before: time.Now().Add(time.Minute), Input: line,
	})
	synctest.Wait()
	return command.ID
}

// after lets time pass, and everything happen that belongs to it.
func (r *rig) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// status is the newest state of a container in the outbox.
func (r *rig) status(c id.ContainerID) wire.ContainerStatus {
	r.Helper()
	var status wire.ContainerStatus
	for _, e := range r.outbox() {
		if e.Container != nil && e.Container.ID == c {
			status = *e.Container
		}
	}
	return status
}

func (r *rig) outbox() []wire.Event {
	r.Helper()
	events, err := r.ledger.Outbox(0, 10000, 1<<30)
	r.ok(err)
	return events
}

func (r *rig) expectPhase(when string, c id.ContainerID, want spec.Phase) wire.ContainerStatus {
	r.Helper()
	status := r.status(c)
	if status.Phase != want {
		r.Errorf("%s: phase %q (%s), want %q", when, status.Phase, status.Reason, want)
	}
	return status
}

// receipts are those of a command, in order.
func (r *rig) receipts(command id.CommandID) []wire.Receipt {
	r.Helper()
	var out []wire.Receipt
	for _, e := range r.outbox() {
		if e.CommandID == command {
			out = append(out, e.Receipt)
		}
	}
	return out
}

func (r *rig) expectReceipts(when string, command id.CommandID, want ...wire.Receipt) {
	r.Helper()
	if d := cmp.Diff(want, r.receipts(command)); d != "" {
		r.Errorf("%s: receipts (-want +got):\n%s", when, d)
	}
}

// calls are the verbs that the engine heard for a container.
func (r *rig) calls(c id.ContainerID) []runtimetest.Verb {
	var out []runtimetest.Verb
	for _, call := range r.engine.Calls() {
		if call.ID == c && call.Verb != runtimetest.VerbLogs {
			out = append(out, call.Verb)
		}
	}
	return out
}

func (r *rig) expectCalls(when string, c id.ContainerID, want ...runtimetest.Verb) {
	r.Helper()
	if got := r.calls(c); !slices.Equal(got, want) {
		r.Errorf("%s: calls %v, want %v", when, got, want)
	}
}

func (r *rig) running(c id.ContainerID) bool {
	r.Helper()
	list, err := r.engine.List(r.Context())
	r.ok(err)
	return slices.ContainsFunc(list, func(f runtime.Found) bool { return f.ID == c && f.Running })
}

func (r *rig) applied() int64 {
	r.Helper()
	sum, err := r.ledger.Summary()
	r.ok(err)
	return sum.Applied
}

// The specs that containers of these tests are made of.
var (
	idle    = actor("actor:1", runtimetest.Idle())
	larger  = with(idle, func(s *spec.Container) { s.Resources.CPU = 900 })
	newer   = actor("actor:2", runtimetest.Idle())
	failing = actor("actor:1", runtimetest.Exit(3))
	deaf    = with(actor("actor:1", runtimetest.Deaf()), func(s *spec.Container) { s.Stop.Grace = 20 })
	talking = with(actor("actor:1", runtimetest.Say("loading", "all done")), func(s *spec.Container) { s.Done = []string{"all done"} })
	silent  = with(idle, func(s *spec.Container) { s.Done = []string{"change me"} })
	ailing  = with(idle, func(s *spec.Container) { s.Health = runtimetest.Check(false) })
	specs   = bySum(idle, larger, newer, failing, deaf, talking, silent, ailing)
)

func actor(image string, command []string) spec.Container {
	return spec.Container{Name: "actor", Image: image, Command: command, Resources: spec.Resources{CPU: 500, Memory: 64 * spec.MiB}}
}

func with(s spec.Container, edit func(*spec.Container)) spec.Container {
	s = s.Clone()
	edit(&s)
	return s
}

func bySum(all ...spec.Container) map[string]spec.Container {
	out := map[string]spec.Container{}
	for _, s := range all {
		out[s.Hash()] = s
	}
	return out
}

// entry is a new container that should run.
func entry(s spec.Container) wire.DesiredContainer {
	return wire.DesiredContainer{ID: id.New[id.ContainerID](), Epoch: 1, Generation: 1, SpecHash: s.Hash(), Power: spec.Running}
}

func powered(c wire.DesiredContainer, power spec.Power) wire.DesiredContainer {
	c.Power = power
	return c
}

func remade(c wire.DesiredContainer, s spec.Container) wire.DesiredContainer {
	c.Generation++
	c.SpecHash = s.Hash()
	return c
}
