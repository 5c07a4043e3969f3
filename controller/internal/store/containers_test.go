package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestContainerComesBackAsItWasWritten(t *testing.T) {
	h := newHouse(t)
	cluster := fleet.Cluster{ID: id.New[id.ClusterID](), Name: "berlin", CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertCluster(h.ctx, cluster) })
	c := newContainer("web", h.egg("demo"), h.joined("edge", big), tcp(0))
	c.Spec.Env = map[string]string{"GREETING": "hello"}
	c.Spec.Volumes = []spec.Volume{{Host: "data", Container: "/data"}}
	c.Type, c.HAPolicy, c.PreferredClusterID = fleet.HA, fleet.Available, &cluster.ID
	c.HAPolicyReason, c.Group = "no volume is shared", "web"
	h.do(func(tx *store.Tx) error { return place(h.ctx, tx, &c) })
	read := func() fleet.Container {
		got, err := h.Container(h.ctx, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(c, read()); diff != "" {
		t.Error(diff)
	}
	c.Spec.Env["GREETING"] = "good bye"
	c.Generation, c.Power, c.UpdatedAt = 2, spec.Stopped, now()
	c.HAPolicy, c.HAPolicyReason, c.Group, c.PreferredClusterID = fleet.Exclusive, "as asked", "db", nil
	h.do(func(tx *store.Tx) error { return tx.UpdateDesired(h.ctx, c) })
	if diff := cmp.Diff(c, read()); diff != "" {
		t.Error(diff)
	}
}

func TestContainerFaults(t *testing.T) {
	h := newHouse(t)
	e, n := h.egg("demo"), h.joined("edge", big)
	h.container("web", e, n)
	nowhere := id.New[id.ClusterID]()
	h.refused(fleet.Conflict, func(tx *store.Tx) error {
		return tx.InsertContainer(h.ctx, newContainer("web", e, n))
	}, `"web" is taken`)
	h.refused(fleet.Invalid, func(tx *store.Tx) error {
		c := newContainer("other", e, n)
		c.PreferredClusterID = &nowhere
		return tx.InsertContainer(h.ctx, c)
	}, "preferred_cluster_id", nowhere.String())
	h.refused(fleet.NotFound, func(tx *store.Tx) error {
		return tx.UpdateDesired(h.ctx, newContainer("nobody", e, n))
	})
}

// A job with its command, as a lifecycle verb writes it.
func job(c fleet.Container, verb fleet.Verb, action wire.Action) fleet.Job {
	j := fleet.Job{ID: id.New[id.JobID](), Kind: verb, State: fleet.JobQueued, NodeID: &c.NodeID, ContainerID: &c.ID, ContainerName: c.Name, CreatedAt: now()}
	j.Commands = []fleet.Command{{
		ID: id.New[id.CommandID](), JobID: j.ID, NodeID: c.NodeID, ContainerID: &c.ID, Action: action,
		Receipt: wire.Queued, Rev: 1, Epoch: 1, Generation: 1, QueuedAt: now(),
	}}
	return j
}

func TestJobComesBackWithItsReceipts(t *testing.T) {
	h := newHouse(t)
	c := h.container("web", h.egg("demo"), h.joined("edge", big))
	want := job(c, fleet.ContainerKill, wire.ActionKill)
	want.Commands[0].Deadline = ptr(now())
	h.do(func(tx *store.Tx) error { return tx.InsertJob(h.ctx, want) })
	got, err := h.Job(h.ctx, want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	outbox, err := h.Outbox(h.ctx, 0, 10)
	if err != nil || len(outbox) != 1 || *outbox[0].Command != want.Commands[0].ID {
		t.Errorf("outbox is %v, %v", outbox, err)
	}
	_, err = h.Job(h.ctx, id.New[id.JobID]())
	wantError(t, err, fleet.NotFound, "there is no job")
}

func TestJobsAreFiltered(t *testing.T) {
	h := newHouse(t)
	e, n := h.egg("demo"), h.joined("edge", big)
	a, b := h.container("a", e, n), h.container("b", e, n)
	first, second, third := job(a, fleet.ContainerCreate, wire.ActionCreate), job(a, fleet.ContainerStop, wire.ActionStop), job(b, fleet.ContainerStop, wire.ActionStop)
	for _, j := range []fleet.Job{first, second, third} {
		h.do(func(tx *store.Tx) error { return tx.InsertJob(h.ctx, j) })
	}
	all := store.Reach{All: true}
	tests := map[string]struct {
		filter store.JobFilter
		want   []fleet.Job
	}{
		"all":         {store.JobFilter{Reach: all}, []fleet.Job{third, second, first}},
		"a container": {store.JobFilter{Reach: all, Container: &a.ID}, []fleet.Job{second, first}},
		"a kind":      {store.JobFilter{Reach: all, Kind: fleet.ContainerStop}, []fleet.Job{third, second}},
		"a state":     {store.JobFilter{Reach: all, State: fleet.JobFailed}, nil},
		"a node":      {store.JobFilter{Reach: all, Node: &n.ID}, []fleet.Job{third, second, first}},
		"in reach":    {store.JobFilter{Reach: store.Reach{Containers: []id.ContainerID{b.ID}}}, []fleet.Job{third}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, _, err := h.Jobs(h.ctx, test.filter)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 {
				got = nil
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	latest, err := h.LatestJob(h.ctx, a.ID, fleet.ContainerCreate)
	if err != nil || latest.ID != first.ID {
		t.Errorf("latest create is %v, %v", latest.ID, err)
	}
}

func TestNewerVerbSupersedesWhatIsOpen(t *testing.T) {
	h := newHouse(t)
	e, n := h.egg("demo"), h.joined("edge", big)
	c, other := h.container("web", e, n), h.container("other", e, n)
	create, kill := job(c, fleet.ContainerCreate, wire.ActionCreate), job(c, fleet.ContainerKill, wire.ActionKill)
	waiting, working := job(c, fleet.ContainerRestart, wire.ActionRestart), job(c, fleet.ContainerRestart, wire.ActionRestart)
	neighbour, done := job(other, fleet.ContainerCreate, wire.ActionCreate), job(c, fleet.ContainerStop, wire.ActionStop)
	delivered := func(j *fleet.Job) { j.State, j.Commands[0].Receipt = fleet.JobRunning, wire.Delivered }
	delivered(&create)
	delivered(&working)
	done.State, done.FinishedAt, done.Commands[0].Receipt = fleet.JobSucceeded, ptr(now()), wire.Applied
	for _, j := range []fleet.Job{create, kill, waiting, working, neighbour, done} {
		h.do(func(tx *store.Tx) error { return tx.InsertJob(h.ctx, j) })
	}
	h.do(func(tx *store.Tx) error { return tx.SupersedeOpen(h.ctx, c.ID) })

	for _, want := range []struct {
		job     fleet.Job
		state   fleet.JobState
		receipt wire.Receipt
	}{
		{create, fleet.JobSuperseded, wire.Superseded},
		{kill, fleet.JobSuperseded, wire.Superseded},
		{waiting, fleet.JobSuperseded, wire.Superseded},
		{working, fleet.JobRunning, wire.Delivered}, // it is being done: its result tells
		{neighbour, fleet.JobQueued, wire.Queued},
		{done, fleet.JobSucceeded, wire.Applied},
	} {
		got, err := h.Job(h.ctx, want.job.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.State != want.state || got.Commands[0].Receipt != want.receipt {
			t.Errorf("%s is %s with receipt %s, want %s and %s", got.Kind, got.State, got.Commands[0].Receipt, want.state, want.receipt)
		}
	}
}
