package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
)

// probe makes a container that records its starts, and waits until it runs.
func (s scenario) probe(name string, node *Node) container {
	s.Helper()
	egg := s.egg(name, ProbeImage, map[string]any{"volumes": []any{map[string]string{"name": "data", "container": "/data"}}})
	made := s.create(name, egg, node, nil)
	s.awaitJob(made.Job, "succeeded")
	return s.awaitPhase(made.Container, "running")
}

// cut takes a node off the network until the test ends at the latest.
func (s scenario) cut(node *Node) {
	s.Helper()
	s.must(node.CutLink(s.Context()))
	s.Cleanup(func() {
		ctx := context.Background()
		s.must(node.HealLink(ctx))
		s.must(s.lab.AwaitNode(ctx, node, "healthy"))
	})
	s.must(s.lab.AwaitNode(s.Context(), node, "suspect"))
}

func (s scenario) heal(node *Node) {
	s.Helper()
	s.must(node.HealLink(s.Context()))
	s.must(s.lab.AwaitNode(s.Context(), node, "healthy"))
}

// What is asked of a node that is cut off is queued, seen as queued, and done
// once when the link is back.
func TestChangesForACutOffNodeAreQueuedAndDoneOnHeal(t *testing.T) {
	s := begin(t)
	node := s.lab.Nodes[0]
	c := s.probe("cut-stop", node)
	egg := s.egg("cut-late", ProbeImage, map[string]any{"volumes": []any{map[string]string{"name": "data", "container": "/data"}}})
	s.cut(node)

	stop := s.verb(c, "stop")
	late := s.create("cut-late", egg, node, nil)
	restart := s.verb(late.Container, "restart")
	for _, j := range []job{stop, late.Job, restart} {
		if j.State != "queued" {
			t.Errorf("%s for a node that is cut off is %s, want queued", j.Kind, j.State)
		}
	}
	if run := s.inspect(node, c); len(run) != 1 || !run[0].State.Running {
		t.Errorf("a node that is cut off does not go on as it was: %+v", run)
	}

	s.heal(node)
	s.awaitJob(stop, "succeeded")
	s.awaitJob(late.Job, "succeeded")
	s.awaitPhase(c, "stopped")
	made := s.awaitPhase(late.Container, "running")
	if n := s.starts(node, c); n != 1 {
		t.Errorf("the stopped container was started %d times", n)
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
	s.awaitJob(s.verb(made, "delete"), "succeeded")
}

// While it is cut off a node restarts what crashes, and what ran before its
// own reboot, from its own records.
func TestACutOffNodeKeepsItsContainersAlive(t *testing.T) {
	s := begin(t)
	node := s.lab.Nodes[0]
	c := s.probe("alone", node)
	first := s.awaitRunning(node, c, "")
	s.cut(node)

	s.must(node.Ask(t.Context(), http.MethodPost, "/containers/"+first.ID+"/kill", nil, nil))
	s.awaitStarts(node, c, 2)

	s.must(node.PowerLoss())
	s.must(node.PowerOn(t.Context()))
	s.awaitStarts(node, c, 3)

	s.heal(node)
	s.awaitPhase(c, "running")
	s.awaitStarts(node, c, 3) // by its create, after its crash, after the reboot, and never again
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}

// A link that comes and goes touches nothing that is as it should be.
func TestHealingALinkTouchesNoHealthyContainer(t *testing.T) {
	s := begin(t)
	node := s.lab.Nodes[1]
	c := s.probe("untouched", node)
	before := s.awaitRunning(node, c, "")
	for range 2 {
		s.must(node.CutLink(t.Context()))
		s.must(s.lab.AwaitNode(t.Context(), node, "suspect"))
		s.heal(node)
	}
	after := s.awaitRunning(node, c, "")
	if before.ID != after.ID || before.State.StartedAt != after.State.StartedAt {
		t.Errorf("the container was touched: %+v, then %+v", before.State, after.State)
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}

// A restart that was asked for while the agent was away is too late when its
// deadline has passed: it is not carried out.
func TestARestartThatIsTooLateIsNotCarriedOut(t *testing.T) {
	s := begin(t)
	node := s.lab.Nodes[1]
	c := s.probe("too-late", node)
	s.must(node.Agent.Kill())
	s.Cleanup(func() { s.must(node.Agent.Start(context.Background())) })
	restart := s.verb(c, "restart")
	s.awaitJob(restart, "expired")
	s.must(node.Agent.Start(t.Context()))
	s.must(s.lab.AwaitNode(t.Context(), node, "healthy"))
	s.awaitJob(s.verb(c, "stop"), "succeeded") // queued behind anything that is still on its way
	if n := s.starts(node, c); n != 1 {
		t.Errorf("the container was started %d times, want once", n)
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}

// Killing any part, at any time, moves nothing and loses nothing.
func TestCrashesOfPartsLoseNothing(t *testing.T) {
	s := begin(t)
	node := s.lab.Nodes[0]
	c := s.probe("steady", node)
	before := s.awaitRunning(node, c, "")
	for name, part := range map[string]*Part{
		"controller": s.lab.Controller, "redis": s.lab.Redis, "postgres": s.lab.Postgres, "agent": node.Agent,
	} {
		s.must(part.Kill())
		s.must(part.Start(t.Context()))
		s.must(s.lab.AwaitController(t.Context()))
		s.must(s.lab.AwaitNode(t.Context(), node, "healthy"))
		after := s.awaitRunning(node, c, "")
		if after.ID != before.ID || after.State.StartedAt != before.State.StartedAt {
			t.Errorf("killing %s touched the container: %+v, then %+v", name, before.State, after.State)
		}
	}
	s.must(node.Docker.Kill())
	s.must(node.Docker.Start(t.Context()))
	s.awaitRunning(node, c, "")
	s.awaitJob(s.verb(c, "stop"), "succeeded")
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}

// A burst of verbs ends in what was asked for last, with nothing run twice.
func TestABurstOfVerbsEndsInTheLastOne(t *testing.T) {
	s := begin(t)
	node := s.lab.Nodes[1]
	c := s.probe("burst", node)
	var last job
	for i := range 10 {
		last = s.verb(c, []string{"stop", "start"}[i%2])
	}
	s.awaitJob(last, "succeeded")
	s.awaitPhase(c, "running")
	if found := s.inspect(node, c); len(found) != 1 {
		t.Errorf("the engine has %d containers for it: %+v", len(found), found)
	}
	var jobs struct{ Items []job }
	s.call(http.MethodGet, fmt.Sprintf("/jobs?containerId=%s&limit=50", c.ID), nil, &jobs)
	for _, j := range jobs.Items {
		if j.State == "queued" || j.State == "running" {
			t.Errorf("job %+v was left behind", j)
		}
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}
