package actions_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestPowerVerbs(t *testing.T) {
	for name, test := range map[string]struct {
		from       spec.Power
		verb       func(*house) verb
		action     wire.Action
		to         spec.Power
		desired    bool // the node's desired set changed
		supersedes bool
		deadline   time.Duration
	}{
		"start":                    {spec.Stopped, start, wire.ActionStart, spec.Running, true, true, 0},
		"start of a running one":   {spec.Running, start, wire.ActionStart, spec.Running, true, true, 0},
		"stop":                     {spec.Running, stop, wire.ActionStop, spec.Stopped, true, true, 0},
		"restart":                  {spec.Running, restart, wire.ActionRestart, spec.Running, false, false, time.Minute},
		"restart of a stopped one": {spec.Stopped, restart, wire.ActionStart, spec.Running, true, true, 0},
		"kill":                     {spec.Running, kill, wire.ActionKill, spec.Stopped, true, true, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := h.joined("edge", big)
			made := h.container("web", h.egg())
			h.exec(`update containers set desired_power = $2 where id = $1`, made.Container.ID, test.from)
			job, err := test.verb(h)(h.ctx, h.admin, made.Container.ID)
			if err != nil {
				t.Fatal(err)
			}
			command := job.Commands[0]
			if command.Action != test.action || job.State != fleet.JobQueued || command.Receipt != wire.Queued {
				t.Errorf("job is %+v", job)
			}
			c, err := h.Container(h.ctx, h.admin, made.Container.ID)
			if err != nil || c.Power != test.to || c.Generation != 1 || c.Epoch != 1 {
				t.Errorf("container should be %s at generation %d, %v; want %s", c.Power, c.Generation, err, test.to)
			}
			rev, wantRev := h.count(`select rev from node_health where node_id = $1`, n.ID), 1
			if test.desired {
				wantRev = 2
			}
			if rev != wantRev {
				t.Errorf("the node's revision is %d, want %d", rev, wantRev)
			}
			if test.desired && command.Rev != int64(rev) {
				t.Errorf("the command is for revision %d, want %d", command.Rev, rev)
			}
			create, err := h.Job(h.ctx, h.admin, made.Job.ID)
			if superseded := create.State == fleet.JobSuperseded; err != nil || superseded != test.supersedes {
				t.Errorf("the open create is %s, %v", create.State, err)
			}
			var deadline time.Duration
			if command.Deadline != nil {
				deadline = command.Deadline.Sub(command.QueuedAt)
			}
			if deadline != test.deadline {
				t.Errorf("the deadline is %s after the request, want %s", deadline, test.deadline)
			}
			if len(h.woken) != 2 {
				t.Errorf("the dispatcher was woken %d times, want once a verb", len(h.woken))
			}
			h.wantAudit(job.Kind, fleet.OutcomeOK, "web")
		})
	}
}

func TestTheStopTextInTheConsoleStops(t *testing.T) {
	h := newHouse(t)
	h.joined("edge", big)
	template := demo()
	template.Stop = "stop"
	e, err := h.CreateEgg(h.ctx, h.admin, actions.NewEgg{Egg: template})
	if err != nil {
		t.Fatal(err)
	}
	c := h.container("web", e).Container
	typist := with("container.command", authz.Global, [16]byte{})
	typist.Grants = append(typist.Grants, with("container.view", authz.Global, [16]byte{}).Grants...)
	for _, step := range []struct {
		actor  authz.Actor
		line   string
		action wire.Action
		power  spec.Power
	}{
		{h.admin, "say stop", wire.ActionStdin, spec.Running},
		{typist, "stop", wire.ActionStdin, spec.Running},
		{h.admin, "stop", wire.ActionStop, spec.Stopped},
	} {
		job, err := h.CommandContainer(h.ctx, step.actor, c.ID, step.line)
		if err != nil {
			t.Fatal(err)
		}
		now, err := h.Container(h.ctx, h.admin, c.ID)
		if err != nil || job.Commands[0].Action != step.action || now.Power != step.power {
			t.Errorf("%s typed %q: the node is asked to %s, and it should be %s, %v; want %s and %s",
				step.actor.Name, step.line, job.Commands[0].Action, now.Power, err, step.action, step.power)
		}
		h.wantAudit(fleet.ContainerCommand, fleet.OutcomeOK, "web")
	}
	_, err = h.CommandContainer(h.ctx, h.admin, c.ID, "stop")
	wantError(t, err, fleet.Conflict, "start it first")
}

func TestReinstall(t *testing.T) {
	h := newHouse(t)
	n := h.joined("edge", big)
	template := demo()
	template.Name = "game"
	template.Volumes = []egg.Volume{{Name: spec.HomeVolume, Container: "/data"}}
	template.Install = &spec.Install{Image: "installer:1", Entrypoint: "sh", Script: "exit 0"}
	e, err := h.CreateEgg(h.ctx, h.admin, actions.NewEgg{Egg: template})
	if err != nil {
		t.Fatal(err)
	}
	c := h.container("game", e).Container
	for _, power := range []spec.Power{spec.Running, spec.Stopped} {
		h.exec(`update containers set desired_power = $2 where id = $1`, c.ID, power)
		before := h.desired(n.ID)
		job, err := h.ReinstallContainer(h.ctx, h.admin, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		after := h.desired(n.ID)
		if job.Kind != fleet.ContainerReinstall || job.Commands[0].Action != wire.ActionReinstall || job.Commands[0].Rev != after.Rev || job.Commands[0].Deadline != nil {
			t.Errorf("the job is %+v at revision %d", job, after.Rev)
		}
		want := before.Containers[0]
		want.Install++
		if diff := cmp.Diff(want, after.Containers[0]); diff != "" || after.Rev != before.Rev+1 {
			t.Errorf("revision %d, then %d; the node is told (-want +got):\n%s", before.Rev, after.Rev, diff)
		}
		if wire.Digest(before.Containers) == wire.Digest(after.Containers) {
			t.Error("the digest is the same, so that a lost message goes unseen")
		}
		h.wantAudit(fleet.ContainerReinstall, fleet.OutcomeOK, "game")
	}
	_, err = h.ReinstallContainer(h.ctx, with("container.view", authz.Global, [16]byte{}), c.ID)
	wantError(t, err, fleet.Forbidden)
	plain := h.container("web", h.egg()).Container
	_, err = h.ReinstallContainer(h.ctx, h.admin, plain.ID)
	wantError(t, err, fleet.Conflict, "has no installation")
	h.exec(`update containers set desired_power = 'absent' where id = $1`, c.ID)
	_, err = h.ReinstallContainer(h.ctx, h.admin, c.ID)
	wantError(t, err, fleet.Conflict, "is being deleted")
}

// desired is what a node is told to run: all of it, and since the revision
// before, which has to be the same.
func (h *house) desired(n id.NodeID) (d store.Desired) {
	h.Helper()
	err := h.Store.InSnapshot(h.ctx, func(tx *store.Tx) (err error) {
		if d, err = tx.DesiredOf(h.ctx, n); err != nil {
			return err
		}
		since, err := tx.DesiredSince(h.ctx, n, d.Rev-1, 10)
		if diff := cmp.Diff(d.Containers, since.Containers); diff != "" {
			h.Errorf("all and the last change differ:\n%s", diff)
		}
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return d
}

func start(h *house) verb   { return h.StartContainer }
func stop(h *house) verb    { return h.StopContainer }
func restart(h *house) verb { return h.RestartContainer }
func kill(h *house) verb    { return h.KillContainer }

func TestDeleteWaitsForItsNode(t *testing.T) {
	h := newHouse(t)
	n := h.joined("edge", big)
	e := h.egg()
	c := h.container("web", e).Container
	job, err := h.DeleteContainer(h.ctx, h.admin, c.ID)
	if err != nil || job.Commands[0].Action != wire.ActionDelete {
		t.Fatalf("job is %+v, %v", job, err)
	}
	h.wantAudit(fleet.ContainerDelete, fleet.OutcomeOK, "web")

	for name, do := range map[string]verb{"start": h.StartContainer, "stop": h.StopContainer, "restart": h.RestartContainer, "kill": h.KillContainer} {
		t.Run(name, func(t *testing.T) {
			_, err := do(h.ctx, h.admin, c.ID)
			wantError(t, err, fleet.Conflict, "is being deleted")
		})
	}
	_, err = h.EditContainer(h.ctx, h.admin, c.ID, actions.ContainerEdit{CPU: ptr(spec.CPU(100))})
	wantError(t, err, fleet.Conflict, "is being deleted")
	_, err = h.CreateContainer(h.ctx, h.admin, wish("web", e))
	wantError(t, err, fleet.Conflict, "name")
	wantError(t, h.DeleteNode(h.ctx, h.admin, n.ID), fleet.Conflict, "still has 1 containers")
	wantError(t, h.DeleteEgg(h.ctx, h.admin, e.ID), fleet.Conflict, "used by 1 containers")

	before := h.everything()
	again, err := h.DeleteContainer(h.ctx, h.admin, c.ID)
	if err != nil || again.ID != job.ID || h.everything() != before {
		t.Errorf("the second delete made job %v, %v; want %v and no change", again.ID, err, job.ID)
	}

	// the agent confirms
	if err := h.store.InTx(h.ctx, func(tx *store.Tx) error { return tx.FinishDelete(h.ctx, c.ID) }); err != nil {
		t.Fatal(err)
	}
	again, err = h.DeleteContainer(h.ctx, h.admin, c.ID)
	if err != nil || again.ID != job.ID {
		t.Errorf("the delete of what is gone made job %v, %v; want %v", again.ID, err, job.ID)
	}
	_, err = h.Container(h.ctx, h.admin, c.ID)
	wantError(t, err, fleet.NotFound, "there is no container")
	_, err = h.StartContainer(h.ctx, h.admin, c.ID)
	wantError(t, err, fleet.NotFound)
	h.container("web", e)
}

func TestDeleteOnANodeThatNeverJoinedIsDoneAtOnce(t *testing.T) {
	h := newHouse(t)
	n := h.joined("edge", big)
	c := h.container("web", h.egg()).Container
	h.exec(`update nodes set joined_at = null where id = $1`, n.ID)
	job, err := h.DeleteContainer(h.ctx, h.admin, c.ID)
	if err != nil || job.State != fleet.JobSucceeded || len(job.Commands) != 0 {
		t.Errorf("job is %+v, %v", job, err)
	}
	if err := h.DeleteNode(h.ctx, h.admin, n.ID); err != nil {
		t.Error(err)
	}
	again, err := h.DeleteContainer(h.ctx, h.admin, c.ID)
	if err != nil || again.ID != job.ID {
		t.Errorf("with the node gone, too: job %v, %v; want %v", again.ID, err, job.ID)
	}
}

func TestEditMakesTheNextGeneration(t *testing.T) {
	for name, test := range map[string]struct {
		edit   actions.ContainerEdit
		change func(*spec.Container) // what becomes of the spec
	}{
		"nothing":       {actions.ContainerEdit{}, nil},
		"the same":      {actions.ContainerEdit{CPU: &small.CPU, Image: ptr("one")}, nil},
		"limits":        {actions.ContainerEdit{Memory: ptr(spec.GiB)}, func(s *spec.Container) { s.Resources.Memory = spec.GiB }},
		"image":         {actions.ContainerEdit{Image: ptr("two")}, func(s *spec.Container) { s.Image = "demo:2" }},
		"a variable":    {actions.ContainerEdit{Environment: map[string]*string{"LEVEL": ptr("2")}}, func(s *spec.Container) { s.Env["LEVEL"] = "2" }},
		"a value":       {actions.ContainerEdit{Environment: map[string]*string{"X": ptr("1")}}, func(s *spec.Container) { s.Env["X"] = "1" }},
		"one's default": {actions.ContainerEdit{Environment: map[string]*string{"LEVEL": nil}}, nil},
		"ports": {actions.ContainerEdit{Ports: &[]spec.Port{{Host: 8080, Container: 80}, {Container: 81, Protocol: "udp"}}}, func(s *spec.Container) {
			s.Ports = []spec.Port{{Host: 8080, Container: 80, Protocol: "tcp"}, {Host: 20000, Container: 81, Protocol: "udp", Auto: true}}
		}},
		"ports as they are": {actions.ContainerEdit{Ports: &[]spec.Port{{Host: 20000, Container: 80}}}, nil},
		"one more port": {actions.ContainerEdit{Ports: &[]spec.Port{{Host: 20000, Container: 80}, {Container: 81}}}, func(s *spec.Container) {
			s.Ports = append(s.Ports, spec.Port{Host: 20001, Container: 81, Protocol: "tcp", Auto: true})
		}},
		"no ports": {actions.ContainerEdit{Ports: &[]spec.Port{}}, func(s *spec.Container) { s.Ports = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := h.joined("edge", big)
			made := h.container("web", h.egg()).Container
			want, generation := made.Spec.Clone(), int64(1)
			if test.change != nil {
				test.change(&want)
				generation = 2
			}
			got, err := h.EditContainer(h.ctx, h.admin, made.ID, test.edit)
			if err != nil {
				t.Fatal(err)
			}
			kept, err := h.Container(h.ctx, h.admin, made.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, kept.Spec); diff != "" {
				t.Error(diff)
			}
			command := got.Job.Commands[0]
			if kept.Generation != generation || command.Generation != generation || command.Action != wire.ActionUpdate {
				t.Errorf("generation is %d, command %+v; want generation %d", kept.Generation, command, generation)
			}
			if count := h.count(`select count(*) from audit_log where verb = 'container.edit' and jsonb_typeof(detail->'environment') = 'object'`); count != 0 {
				t.Error("values of the environment are in the audit trail")
			}
			if held := h.count(`select count(*) from allocations where container_id = $1`, made.ID); held != len(want.Ports) {
				t.Errorf("%d ports are allocated, want %d", held, len(want.Ports))
			}
			after, err := h.Node(h.ctx, h.admin, n.ID)
			if err != nil || after.Health.Reserved != want.Resources {
				t.Errorf("reserved is %+v, %v; want %+v", after.Health.Reserved, err, want.Resources)
			}
		})
	}
}

func TestBadEditsLeaveNothing(t *testing.T) {
	h := newHouse(t)
	h.joined("edge", spec.Resources{CPU: 2000, Memory: spec.GiB, Disk: 10 * spec.GiB})
	e := h.egg()
	c, other := h.container("web", e).Container, h.container("other", e).Container
	before := h.everything()
	for name, test := range map[string]struct {
		edit  actions.ContainerEdit
		kind  fleet.Kind
		words []string
	}{
		"another generation":  {actions.ContainerEdit{Generation: ptr(int64(7))}, fleet.Precondition, []string{"generation 1, not 7"}},
		"unknown image":       {actions.ContainerEdit{Image: ptr("three")}, fleet.Invalid, []string{"image:", "one, two"}},
		"required variable":   {actions.ContainerEdit{Environment: map[string]*string{"GREETING": nil}}, fleet.Invalid, []string{"environment.GREETING"}},
		"bad name of a value": {actions.ContainerEdit{Environment: map[string]*string{"A B": ptr("")}}, fleet.Invalid, []string{"environment.A B"}},
		"too little memory":   {actions.ContainerEdit{Memory: ptr(spec.Bytes(1))}, fleet.Invalid, []string{"resources.memory"}},
		"too much memory":     {actions.ContainerEdit{Memory: ptr(2 * spec.GiB)}, fleet.NoCapacity, []string{"memory 1792m wanted, 512m free"}},
		"taken port":          {actions.ContainerEdit{Ports: &[]spec.Port{{Host: other.Spec.Ports[0].Host, Container: 80}}}, fleet.Conflict, []string{"ports[0].host", "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.EditContainer(h.ctx, h.admin, c.ID, test.edit)
			wantError(t, err, test.kind, test.words...)
			if diff := cmp.Diff(before, h.everything()); diff != "" {
				t.Errorf("something was left behind: %s", diff)
			}
		})
	}
}

func TestUnknownContainerIsNotFound(t *testing.T) {
	h := newHouse(t)
	for name, do := range map[string]verb{"start": h.StartContainer, "delete": h.DeleteContainer} {
		t.Run(name, func(t *testing.T) {
			_, err := do(h.ctx, h.admin, id.New[id.ContainerID]())
			wantError(t, err, fleet.NotFound, "there is no container")
		})
	}
}
