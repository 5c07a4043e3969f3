package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// fleetOf is a house with a joined node, an egg and a container on it.
type fleetOf struct {
	house
	node      fleet.Node
	egg       fleet.Egg
	container fleet.Container
}

func newFleet(t *testing.T) fleetOf {
	h := newHouse(t)
	n, e := h.joined("n1", big), h.egg("web")
	return fleetOf{h, n, e, h.container("c1", e, n)}
}

// order is a job with one command for each action.
func (f fleetOf) order(actions ...wire.Action) fleet.Job {
	f.Helper()
	j := fleet.Job{ID: id.New[id.JobID](), Kind: fleet.ContainerStart, State: fleet.JobQueued, NodeID: &f.node.ID,
		ContainerID: &f.container.ID, CreatedAt: now()}
	for _, a := range actions {
		c := fleet.Command{ID: id.New[id.CommandID](), JobID: j.ID, NodeID: f.node.ID, ContainerID: &f.container.ID,
			Action: a, Receipt: wire.Queued, QueuedAt: now()}
		if a.Transient() {
			c.Deadline = ptr(now().Add(time.Minute))
		}
		j.Commands = append(j.Commands, c)
	}
	f.do(func(tx *store.Tx) error { return tx.InsertJob(f.ctx, j) })
	return j
}

func (f fleetOf) ingest(r store.Report) store.News {
	f.Helper()
	return f.ingestFrom(f.node.ID, r)
}

func (f fleetOf) ingestFrom(node id.NodeID, r store.Report) (news store.News) {
	f.Helper()
	f.do(func(tx *store.Tx) (err error) {
		news, err = tx.Ingest(f.ctx, node, r)
		return err
	})
	return news
}

func (f fleetOf) state(epoch, generation int64, phase spec.Phase) store.Report {
	return store.Report{States: []wire.ContainerStatus{{ID: f.container.ID, Epoch: epoch, Generation: generation, Phase: phase}}}
}

func (f fleetOf) receipt(c fleet.Command, r wire.Receipt, message string) store.Report {
	return store.Report{Receipts: []store.ReceiptNote{{Command: c.ID, Receipt: r, Message: message}}}
}

// wantPhase wants it in the list of just those in this phase as well.
func (f fleetOf) wantPhase(want spec.Phase) {
	f.Helper()
	c, err := f.Store.Container(f.ctx, f.container.ID)
	if err != nil {
		f.Fatal(err)
	}
	if c.Phase() != want {
		f.Errorf("the container is %s, want %s", c.Phase(), want)
	}
	for _, phase := range []spec.Phase{spec.Pending, spec.Creating, spec.Up, spec.Down, spec.Crashed, spec.Failed} {
		list, _, err := f.Containers(f.ctx, store.ContainerFilter{Phase: phase, Reach: store.Reach{All: true}})
		if err != nil {
			f.Fatal(err)
		}
		if listed := slices.ContainsFunc(list, func(l fleet.Container) bool { return l.ID == c.ID }); listed != (phase == want) {
			f.Errorf("the container is %s; listed among those that are %s: %t", want, phase, listed)
		}
	}
}

func (f fleetOf) wantJob(j fleet.Job, want fleet.JobState) fleet.Job {
	f.Helper()
	got, err := f.Job(f.ctx, j.ID)
	if err != nil {
		f.Fatal(err)
	}
	if got.State != want {
		f.Errorf("the job is %s, want %s", got.State, want)
	}
	return got
}

func TestTheCursor(t *testing.T) {
	f := newFleet(t)
	lock := func(ledger string) (last uint64) {
		f.do(func(tx *store.Tx) (err error) {
			last, err = tx.LockCursor(f.ctx, f.node.ID, ledger)
			return err
		})
		return last
	}
	for _, step := range []struct {
		ledger string
		head   uint64
		before uint64
	}{{"l1", 5, 0}, {"l1", 9, 5}, {"l1", 7, 9}, {"l1", 0, 9}, {"l2", 3, 0}, {"l2", 4, 3}} {
		if got := lock(step.ledger); got != step.before {
			t.Errorf("before %+v the cursor is %d", step, got)
		}
		f.ingest(store.Report{Head: step.head})
	}
	f.refused(fleet.NotFound, func(tx *store.Tx) error {
		_, err := tx.LockCursor(f.ctx, id.New[id.NodeID](), "l1")
		return err
	})
}

func TestObservedStateNeverGoesBack(t *testing.T) {
	f := newFleet(t)
	f.wantPhase(spec.Pending)
	if news := f.ingest(f.state(1, 1, spec.Starting)); len(news.Containers) != 1 || news.Containers[0].Phase() != spec.Starting {
		t.Errorf("the news are %+v", news)
	}
	for name, r := range map[string]store.Report{
		"a later epoch":  f.state(2, 1, spec.Up),
		"an older epoch": f.state(0, 9, spec.Up),
		"another":        {States: []wire.ContainerStatus{{ID: id.New[id.ContainerID](), Epoch: 1, Generation: 1, Phase: spec.Up}}},
	} {
		if news := f.ingest(r); len(news.Containers) != 0 {
			t.Errorf("%s was taken in", name)
		}
	}
	other := f.joined("n2", big)
	if news := f.ingestFrom(other.ID, f.state(1, 1, spec.Up)); len(news.Containers) != 0 {
		t.Error("a node spoke of another node's container")
	}
	f.wantPhase(spec.Starting)
	f.ingest(f.state(1, 2, spec.Up))
	f.wantPhase(spec.Up)
	f.ingest(f.state(1, 1, spec.Crashed))
	f.wantPhase(spec.Up)
	f.ingest(f.state(1, 2, spec.Crashed))
	f.wantPhase(spec.Crashed)
}

func TestReceiptsMoveForwardOnly(t *testing.T) {
	all := []wire.Receipt{wire.Queued, wire.Delivered, wire.Applied, wire.FailedR, wire.Expired, wire.Superseded}
	f := newFleet(t)
	for _, from := range all {
		for _, to := range []wire.Receipt{wire.Delivered, wire.Applied, wire.FailedR, wire.Expired, wire.Superseded} {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				j := f.order(wire.ActionStart)
				if from != wire.Queued {
					f.ingest(f.receipt(j.Commands[0], from, ""))
				}
				f.ingest(f.receipt(j.Commands[0], to, ""))
				want := from
				if from == wire.Queued || from == wire.Delivered {
					want = to
				}
				got := f.wantJob(j, fleet.JobStateOf(want))
				if got.Commands[0].Receipt != want {
					t.Errorf("the receipt is %s", got.Commands[0].Receipt)
				}
			})
		}
	}
}

func TestAJobIsAsItsCommandsAre(t *testing.T) {
	f := newFleet(t)
	for _, c := range []struct {
		stop, kill wire.Receipt
		want       fleet.JobState
	}{
		{wire.Queued, wire.Queued, fleet.JobQueued},
		{wire.Delivered, wire.Queued, fleet.JobRunning},
		{wire.Applied, wire.Queued, fleet.JobRunning},
		{wire.Applied, wire.FailedR, fleet.JobFailed},
		{wire.Applied, wire.Expired, fleet.JobExpired},
		{wire.Superseded, wire.Applied, fleet.JobSuperseded},
		{wire.Applied, wire.Applied, fleet.JobSucceeded},
	} {
		j := f.order(wire.ActionStop, wire.ActionKill)
		for i, r := range []wire.Receipt{c.stop, c.kill} {
			if r != wire.Queued {
				f.ingest(f.receipt(j.Commands[i], r, "because"))
			}
		}
		got := f.wantJob(j, c.want)
		if (got.FinishedAt != nil) != c.want.Final() || (c.want == fleet.JobFailed) != (got.Error == "because") && c.want != fleet.JobExpired {
			t.Errorf("%+v: finished %v, error %q", c, got.FinishedAt, got.Error)
		}
		if c.want == fleet.JobSucceeded && got.Progress != 100 {
			t.Errorf("progress is %d", got.Progress)
		}
	}
}

func TestANodeSpeaksForItsOwnCommandsOnly(t *testing.T) {
	f := newFleet(t)
	j := f.order(wire.ActionStart)
	other := f.joined("n2", big)
	f.ingestFrom(other.ID, f.receipt(j.Commands[0], wire.Applied, ""))
	f.ingestFrom(other.ID, store.Report{Progress: []store.ProgressNote{{Command: j.Commands[0].ID, Percent: 50, Step: "x"}}})
	if got := f.wantJob(j, fleet.JobQueued); got.Progress != 0 {
		t.Errorf("another node set the progress to %d", got.Progress)
	}
}

func TestProgress(t *testing.T) {
	f := newFleet(t)
	j := f.order(wire.ActionCreate)
	note := func(percent int, step string) store.Report {
		return store.Report{Progress: []store.ProgressNote{{Command: j.Commands[0].ID, Percent: percent, Step: step}}}
	}
	if news := f.ingest(note(40, "pulling")); len(news.Jobs) != 1 || news.Jobs[0].Progress != 40 {
		t.Errorf("the news are %+v", news)
	}
	f.ingest(note(-1, "creating"))
	if got := f.wantJob(j, fleet.JobQueued); got.Progress != 40 || got.Step != "creating" {
		t.Errorf("%d, %q", got.Progress, got.Step)
	}
	f.ingest(f.receipt(j.Commands[0], wire.Applied, ""))
	f.ingest(note(50, "late"))
	if got := f.wantJob(j, fleet.JobSucceeded); got.Progress != 100 {
		t.Errorf("progress of a finished job is %d", got.Progress)
	}
}

func TestExpiry(t *testing.T) {
	f := newFleet(t)
	expire := func(after time.Duration) (news store.News) {
		f.do(func(tx *store.Tx) (err error) {
			news, err = tx.ExpireCommands(f.ctx, now().Add(after), time.Minute)
			return err
		})
		return news
	}
	queued, begun, lasting := f.order(wire.ActionRestart), f.order(wire.ActionRestart), f.order(wire.ActionStart)
	f.ingest(f.receipt(begun.Commands[0], wire.Delivered, ""))
	if news := expire(30 * time.Second); len(news.Jobs) != 0 {
		t.Errorf("expired before the deadline: %+v", news.Jobs)
	}
	if news := expire(61 * time.Second); len(news.Jobs) != 1 || news.Jobs[0].ID != queued.ID {
		t.Errorf("the news are %+v", news.Jobs)
	}
	f.wantJob(begun, fleet.JobRunning)
	expire(3 * time.Minute)
	f.wantJob(queued, fleet.JobExpired)
	f.wantJob(begun, fleet.JobExpired)
	f.wantJob(lasting, fleet.JobQueued)
}
