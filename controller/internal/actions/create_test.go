package actions_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestCreateContainerWalksAllStairs(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg()
	made := h.container("web", e)

	c, err := h.Container(h.ctx, h.admin, made.Container.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made.Container, c); diff != "" {
		t.Errorf("the container that was answered is not the one that is kept: %s", diff)
	}
	want := spec.Container{
		Name: "web", Image: "demo:1", Resources: small,
		Env:   map[string]string{"GREETING": "hello", "LEVEL": "1"},
		Ports: []spec.Port{{Host: 20000, Container: 80, Protocol: "tcp", Auto: true}},
	}
	if diff := cmp.Diff(want, c.Spec); diff != "" {
		t.Error(diff)
	}
	if c.NodeID != n.ID || c.Epoch != 1 || c.Generation != 1 || c.Power != spec.Running || c.Type != fleet.Standard || c.Phase() != spec.Pending {
		t.Errorf("the container is %+v", c)
	}
	job, err := h.Job(h.ctx, h.admin, made.Job.ID)
	if err != nil {
		t.Fatal(err)
	}
	command := job.Commands[0]
	if job.State != fleet.JobQueued || command.Action != wire.ActionCreate || command.Rev != 1 || command.Deadline != nil {
		t.Errorf("the job is %+v", job)
	}
	after, err := h.Node(h.ctx, h.admin, n.ID)
	if err != nil || after.Health.Reserved != small || after.Health.Rev != 1 {
		t.Errorf("the node's ledger is %+v, %v", after.Health, err)
	}
	if count := h.count(`select count(*) from outbox where node_id = $1 and command_id = $2`, n.ID, command.ID); count != 1 {
		t.Errorf("%d outbox rows, want 1", count)
	}
	if diff := cmp.Diff([]id.NodeID{n.ID}, h.woken); diff != "" {
		t.Errorf("woken: %s", diff)
	}
	h.wantAudit(fleet.ContainerCreate, fleet.OutcomeOK, "web")
	if count := h.count(`select count(*) from audit_log where detail::text like '%hello%'`); count != 0 {
		t.Error("a value of the environment is in the audit trail")
	}
}

func TestBadWishesLeaveNothing(t *testing.T) {
	h := newHouse(t)
	pinned, joining := h.joined("edge", spec.Resources{CPU: 2000, Memory: spec.GiB, Disk: 10 * spec.GiB}), h.node("joining")
	e := h.egg()
	holder := h.container("taken", e).Container
	before := h.everything()

	for name, test := range map[string]struct {
		spoil func(*actions.NewContainer)
		kind  fleet.Kind
		words []string
	}{
		"unknown egg":       {func(c *actions.NewContainer) { c.EggID = id.New[id.EggID]() }, fleet.Invalid, []string{"eggId: there is no egg"}},
		"an id of a node":   {func(c *actions.NewContainer) { c.EggID = id.EggID(pinned.ID) }, fleet.Invalid, []string{"eggId: there is no egg"}},
		"unknown node":      {func(c *actions.NewContainer) { c.NodeID = ptr(id.New[id.NodeID]()) }, fleet.Invalid, []string{"nodeId: there is no node"}},
		"unknown cluster":   {func(c *actions.NewContainer) { c.PreferredClusterID = ptr(id.New[id.ClusterID]()) }, fleet.Invalid, []string{"preferred_cluster_id: there is no cluster"}},
		"unknown type":      {func(c *actions.NewContainer) { c.Type = "daemon" }, fleet.Invalid, []string{"type:", "standard or ha"}},
		"taken name":        {func(c *actions.NewContainer) { c.Name = "taken" }, fleet.Conflict, []string{"name:"}},
		"bad name":          {func(c *actions.NewContainer) { c.Name = "../etc" }, fleet.Invalid, []string{"name:"}},
		"missing variable":  {func(c *actions.NewContainer) { c.Environment = nil }, fleet.Invalid, []string{"environment.GREETING: Greeting: a value is required"}},
		"variable too long": {func(c *actions.NewContainer) { c.Environment["GREETING"] = "123456789012345678901" }, fleet.Invalid, []string{"environment.GREETING", "at most 20 characters"}},
		"variable no number": {func(c *actions.NewContainer) { c.Environment["LEVEL"] = "high" }, fleet.Invalid,
			[]string{"environment.LEVEL"}},
		"NUL in a value":    {func(c *actions.NewContainer) { c.Environment["X"] = "a\x00b" }, fleet.Invalid, []string{"environment.X"}},
		"unknown image":     {func(c *actions.NewContainer) { c.Image = "three" }, fleet.Invalid, []string{"image:", "choose one of one, two"}},
		"foreign image":     {func(c *actions.NewContainer) { c.Image = "evil/miner:latest" }, fleet.Invalid, []string{"image:"}},
		"no memory":         {func(c *actions.NewContainer) { c.Resources.Memory = 0 }, fleet.Invalid, []string{"resources.memory"}},
		"negative cpu":      {func(c *actions.NewContainer) { c.Resources.CPU = -1 }, fleet.Invalid, []string{"resources.cpu"}},
		"negative disk":     {func(c *actions.NewContainer) { c.Resources.Disk = -1 }, fleet.Invalid, []string{"resources.disk"}},
		"beyond every node": {func(c *actions.NewContainer) { c.Resources.Memory = 100 * spec.GiB }, fleet.NoCapacity, []string{"2 nodes: 1 never joined, 1 lacks memory (100g wanted, largest free 768m)"}},
		"beyond the node": {func(c *actions.NewContainer) { c.NodeID, c.Resources.CPU = &pinned.ID, 4000 }, fleet.NoCapacity,
			[]string{"node edge has not enough left: cpu 4 wanted, 1.5 free"}},
		"a node that never joined": {func(c *actions.NewContainer) { c.NodeID = &joining.ID }, fleet.NoCapacity, []string{"node joining has not joined yet"}},
		"taken port": {func(c *actions.NewContainer) {
			c.NodeID, c.Ports = &pinned.ID, []spec.Port{{Container: 81}, {Host: 20000, Container: 80}}
		}, fleet.Conflict, []string{"ports[1].host: tcp port 20000 is taken by container taken (" + holder.ID.String() + ")"}},
		"port taken everywhere": {func(c *actions.NewContainer) { c.Ports = []spec.Port{{Host: 20000, Container: 80}} }, fleet.NoCapacity, []string{"1 has port 20000/tcp taken"}},
		"port twice": {func(c *actions.NewContainer) {
			c.Ports = []spec.Port{{Host: 8080, Container: 80}, {Host: 8080, Container: 81}}
		}, fleet.Invalid, []string{"ports[1].host", "twice"}},
		"port out of range": {func(c *actions.NewContainer) { c.Ports = []spec.Port{{Host: 70000, Container: 80}} }, fleet.Invalid, []string{"ports[0].host"}},
		"no address":        {func(c *actions.NewContainer) { c.Ports = []spec.Port{{IP: "localhost", Container: 80}} }, fleet.Invalid, []string{"ports[0].ip"}},
		"path with dots":    {func(c *actions.NewContainer) { c.Volumes = []spec.Volume{{Host: "/srv/../etc", Container: "/x"}} }, fleet.Invalid, []string{"volumes[0].host"}},
		"endless key":       {func(c *actions.NewContainer) { c.Key = string(make([]byte, 300)) }, fleet.Invalid, []string{"Idempotency-Key"}},
		"everything wrong": {func(c *actions.NewContainer) {
			c.Name, c.Image, c.Environment, c.PreferredClusterID = "-", "x", nil, ptr(id.New[id.ClusterID]())
		}, fleet.Invalid, []string{"name:", "image:", "environment.GREETING:", "preferred_cluster_id:"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := wish("web", e)
			test.spoil(&in)
			_, err := h.CreateContainer(h.ctx, h.admin, in)
			wantError(t, err, test.kind, test.words...)
			if diff := cmp.Diff(before, h.everything()); diff != "" {
				t.Errorf("something was left behind: %s", diff)
			}
		})
	}
}

func TestPinnedNodeMayBeOutOfReach(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg()
	h.exec(`update node_health set status = 'unhealthy' where node_id = $1`, n.ID)
	_, err := h.CreateContainer(h.ctx, h.admin, wish("anywhere", e))
	wantError(t, err, fleet.NoCapacity, "1 node: 1 not healthy")
	in := wish("here", e)
	in.NodeID = &n.ID
	made, err := h.CreateContainer(h.ctx, h.admin, in)
	if err != nil || made.Job.State != fleet.JobQueued {
		t.Errorf("job is %s, %v; want it queued for the node's return", made.Job.State, err)
	}
}

func TestPreferredClusterComesFirst(t *testing.T) {
	h := newHouse(t)
	e := h.egg()
	berlin, err := h.CreateCluster(h.ctx, h.admin, actions.NewCluster{Name: "berlin"})
	if err != nil {
		t.Fatal(err)
	}
	idle, busy := h.joined("idle", big), h.joined("busy", spec.Resources{CPU: 500, Memory: spec.GiB, Disk: 10 * spec.GiB})
	if _, err := h.EditNode(h.ctx, h.admin, busy.ID, actions.NodeEdit{ClusterID: &berlin.ID}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []id.NodeID{busy.ID, idle.ID} { // the second finds no room there
		in := wish(fmt.Sprintf("c%d", i), e)
		in.PreferredClusterID = &berlin.ID
		made, err := h.CreateContainer(h.ctx, h.admin, in)
		if err != nil || made.Container.NodeID != want {
			t.Errorf("container %d is on %v, %v; want %v", i, made.Container.NodeID, err, want)
		}
	}
}

func TestHAIsAvailableUnlessSaidOtherwise(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg()
	in := wish("web", e)
	in.Type = fleet.HA
	made, err := h.CreateContainer(h.ctx, h.admin, in)
	if err != nil || made.Container.HAPolicy != fleet.Available || !made.Container.Spec.HA {
		t.Errorf("made %+v, %v", made.Container, err)
	}
	in.Name = "other"
	for _, pin := range []*id.NodeID{nil, &n.ID} {
		in.NodeID = pin
		_, err = h.CreateContainer(h.ctx, with("container.create", authz.Global, [16]byte{}), in)
		wantError(t, err, fleet.Forbidden, "container.ha.create")
	}
}

// Whoever may create only in some places is placed there.
func TestPlacedOnlyWherePermitted(t *testing.T) {
	h := newHouse(t)
	e := h.egg()
	h.joined("closed", big)
	open := h.joined("open", spec.Resources{CPU: 500, Memory: spec.GiB, Disk: 10 * spec.GiB})
	somebody := with("container.*", authz.OfNode, open.ID)
	made, err := h.CreateContainer(h.ctx, somebody, wish("first", e))
	if err != nil || made.Container.NodeID != open.ID {
		t.Errorf("placed on %v, %v; want %v", made.Container.NodeID, err, open.ID)
	}
	_, err = h.CreateContainer(h.ctx, somebody, wish("second", e))
	wantError(t, err, fleet.NoCapacity, "1 node: 1 lacks cpu")
}

func TestLastRoomGoesToOne(t *testing.T) {
	h := newHouse(t)
	e := h.egg()
	h.joined("a", small)
	h.joined("b", small)
	const racers = 6
	errs := make([]error, racers)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() { _, errs[i] = h.CreateContainer(h.ctx, h.admin, wish(fmt.Sprintf("c%d", i), e)) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, fleet.NoCapacity, "2 nodes: 2 lack memory (256m wanted, largest free 0)")
	}
	if won != 2 {
		t.Errorf("%d containers found room on two nodes with room for one each", won)
	}
	if over := h.count(`select count(*) from node_health where reserved_cpu > offer_cpu`); over != 0 {
		t.Errorf("%d nodes have promised more than they have", over)
	}
}

// Whoever loses a port to somebody faster goes elsewhere and leaves no
// promise behind.
func TestRaceForAPortSpreadsOverTheNodes(t *testing.T) {
	h := newHouse(t)
	e := h.egg()
	const nodes, racers = 3, 6
	for i := range nodes {
		h.joined(fmt.Sprintf("n%d", i), big)
	}
	errs := make([]error, racers)
	var all sync.WaitGroup
	for i := range racers {
		in := wish(fmt.Sprintf("c%d", i), e)
		in.Ports = []spec.Port{{Host: 8080, Container: 80}}
		all.Go(func() { _, errs[i] = h.CreateContainer(h.ctx, h.admin, in) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, fleet.NoCapacity, "3 nodes: 3 have port 8080/tcp taken")
	}
	if won != nodes {
		t.Errorf("%d containers got port 8080 of %d nodes", won, nodes)
	}
	promised, held := h.count(`select sum(reserved_cpu) from node_health`), h.count(`select sum(cpu) from containers`)
	if promised != held {
		t.Errorf("the nodes have promised %d, their containers hold %d", promised, held)
	}
}

func TestRepeatedCreateIsOneContainer(t *testing.T) {
	h := newHouse(t)
	h.joined("edge", big)
	in := wish("web", h.egg())
	in.Key = "once"
	first, err := h.CreateContainer(h.ctx, h.admin, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.CreateContainer(h.ctx, h.admin, in)
	if err != nil || again.Container.ID != first.Container.ID || again.Job.ID != first.Job.ID {
		t.Errorf("the repetition made %v and %v, %v", again.Container.ID, again.Job.ID, err)
	}
	in.Resources.CPU++
	_, err = h.CreateContainer(h.ctx, h.admin, in)
	wantError(t, err, fleet.Conflict, "different request")
}
