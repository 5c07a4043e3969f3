package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Moves that people ask for.

// migrate asks for a move.
func (s scenario) migrate(c container, in map[string]any) job {
	s.Helper()
	j, err := s.lab.Migrate(s.Context(), c.ID, in)
	s.must(err)
	return j
}

// inState waits until a container's migration is in a state.
func (s scenario) inState(c container, state string) Migration {
	s.Helper()
	var seen Migration
	s.await("the migration of "+c.Name+" to be "+state, func(ctx context.Context) (bool, string, error) {
		var open bool
		var err error
		seen, open, err = s.lab.Open(ctx, c.ID)
		return open && seen.State == state, fmt.Sprintf("%t %+v", open, seen), err
	})
	return seen
}

func TestAPlannedMigration(t *testing.T) {
	for policy, in := range map[string]map[string]any{
		"exclusive": {"reason": "the room gets painted"},
		"available": {"overlap": true},
	} {
		t.Run(policy, func(t *testing.T) {
			s := beginHA(t)
			from, to := s.lab.Nodes[0], s.lab.Nodes[1]
			c := s.witness("planned", policy, from, nil)
			in["targetNodeId"] = to.ID
			begun := time.Now()
			s.awaitJob(s.migrate(c, in), "succeeded")
			t.Logf("%s: moved in %s", policy, time.Since(begun).Round(time.Millisecond))
			if seen := s.moved(c); seen.NodeID != to.ID {
				t.Errorf("it runs on %s", s.node(seen.NodeID).Name)
			}
			s.runsOn(c, to, 2)
			done := s.history(c, 1)
			if done.Status != "completed" || done.Trigger != "manual" || done.FromNodeID != from.ID || done.ToNodeID != to.ID {
				t.Errorf("history: %+v", done)
			}
			if policy == "exclusive" {
				s.neverTwice(c)
			}
		})
	}
}

// While a container moves nothing else is done to it; the refusal says what to
// do.
func TestAMoveIsInTheWayOfOtherVerbs(t *testing.T) {
	s := beginHA(t)
	c := s.witness("slow", "exclusive", s.lab.Nodes[0], map[string]string{"WITNESS_STOP": "4s"})
	move := s.migrate(c, nil)
	m := s.inState(c, "stopping")
	for _, verb := range []string{"stop", "restart", "migrate"} {
		body := s.refused(http.StatusConflict, http.MethodPost, "/containers/"+c.ID+"/"+verb, map[string]any{})
		if !strings.Contains(body, m.ID) {
			t.Errorf("%s is refused without the migration's name: %s", verb, body)
		}
	}
	s.awaitJob(move, "succeeded")
	s.moved(c)
	s.neverTwice(c)
}

// A move that finds no room waits, says why, and can be cancelled.
func TestAMoveWithoutAPlaceWaitsAndIsCancelled(t *testing.T) {
	s := beginHA(t)
	c := s.witness("stuck", "exclusive", s.lab.Nodes[0], nil)
	for _, node := range s.lab.Nodes[1:] {
		s.must(node.Cordon(t.Context()))
	}
	s.migrate(c, nil)
	var waiting Migration
	s.await("the reason to wait", func(ctx context.Context) (bool, string, error) {
		m, _, err := s.lab.Open(ctx, c.ID)
		waiting = m
		return strings.Contains(m.Waiting, "cordoned"), fmt.Sprintf("%+v", m), err
	})
	s.call(http.MethodPost, "/migrations/"+waiting.ID+"/cancel", nil, nil)
	s.await("the migration to be over", func(ctx context.Context) (bool, string, error) {
		m, open, err := s.lab.Open(ctx, c.ID)
		return !open, fmt.Sprintf("%+v", m), err
	})
	s.untouched(c)
}

func TestARollback(t *testing.T) {
	s := beginHA(t)
	from := s.lab.Nodes[1]
	c := s.witness("back", "exclusive", from, nil)
	s.awaitJob(s.migrate(c, nil), "succeeded")
	away := s.moved(c)
	done := s.history(c, 1)
	var j job
	s.call(http.MethodPost, "/migrations/"+done.ID+"/rollback", nil, &j)
	s.awaitJob(j, "succeeded")
	if seen := s.moved(away); seen.NodeID != from.ID {
		t.Errorf("it runs on %s", s.node(seen.NodeID).Name)
	}
	s.runsOn(c, from, 3)
	if last := s.history(c, 2); last.Trigger != "rollback" {
		t.Errorf("history: %+v", last)
	}
	s.neverTwice(c)
}

// A drained node is empty, and is given nothing until it is uncordoned.
func TestADrain(t *testing.T) {
	s := beginHA(t)
	node := s.lab.Nodes[2]
	p := s.pair(node)
	j, err := node.Drain(t.Context())
	s.must(err)
	s.awaitJob(j, "succeeded")
	for _, c := range []container{p.strict, p.loose} {
		s.moved(c)
		if last := s.history(c, 1); last.Trigger != "drain" {
			t.Errorf("history: %+v", last)
		}
		s.neverTwice(c)
	}
	body := s.refused(http.StatusConflict, http.MethodPost, "/containers/"+p.loose.ID+"/migrate", map[string]any{"targetNodeId": node.ID})
	if !strings.Contains(body, "cordon") && !strings.Contains(body, "drain") {
		t.Errorf("the refusal: %s", body)
	}
}

// halfway is a migration that is held up in a state, and how it goes on.
type halfway struct {
	begin func(s scenario, from, to *Node) container
	goOn  func(s scenario, from, to *Node)
	home  bool // it ends where it began
}

var halfways = map[string]halfway{
	"queued": {
		begin: func(s scenario, from, to *Node) container {
			c := s.witness("queued", "exclusive", from, nil)
			for _, node := range s.lab.Nodes[1:] {
				s.must(node.Cordon(s.Context()))
			}
			s.migrate(c, nil)
			return c
		},
		goOn: func(s scenario, _, to *Node) { s.must(to.Uncordon(s.Context())) },
	},
	"stopping": {
		begin: func(s scenario, from, to *Node) container {
			c := s.witness("stopping", "exclusive", from, slow)
			s.migrate(c, map[string]any{"targetNodeId": to.ID})
			return c
		},
		goOn: func(scenario, *Node, *Node) {},
	},
	"fencing": {
		begin: func(s scenario, from, to *Node) container {
			c := s.witness("fencing", "exclusive", from, slow)
			s.migrate(c, map[string]any{"targetNodeId": to.ID, "force": true})
			return c
		},
		goOn: func(scenario, *Node, *Node) {},
	},
	"starting": {
		begin: func(s scenario, from, to *Node) container {
			c := s.witness("starting", "exclusive", from, nil)
			s.must(to.Docker.Pause()) // it is given the container before its heartbeats say so
			s.migrate(c, map[string]any{"targetNodeId": to.ID})
			return c
		},
		goOn: func(s scenario, _, to *Node) { s.must(to.Docker.Resume()) },
	},
	"rolling_back": {
		begin: func(s scenario, from, to *Node) container {
			c := s.rareWitness("homeward", from)
			s.migrate(c, map[string]any{"targetNodeId": to.ID})
			s.inState(c, "starting")
			s.must(from.Docker.Pause())
			s.must(to.PowerLoss())
			return c
		},
		goOn: func(s scenario, from, _ *Node) { s.must(from.Docker.Resume()) },
		home: true,
	},
}

// slow makes a witness take its time to end.
var slow = map[string]string{"WITNESS_STOP": "3s"}

// A controller that is killed in the middle of a migration goes on with it,
// from whatever state. Reserved is left at once; that it is survived, too, is
// shown in controller/internal/loops.
func TestTheControllerIsKilledInEachStateOfAMigration(t *testing.T) {
	for state, way := range halfways {
		t.Run(state, func(t *testing.T) {
			s := beginHA(t)
			from, to := s.lab.Nodes[0], s.lab.Nodes[1]
			c := way.begin(s, from, to)
			s.inState(c, state)
			s.must(s.lab.Controller.Kill())
			s.must(s.lab.Controller.Start(t.Context()))
			s.must(s.lab.AwaitController(t.Context()))
			way.goOn(s, from, to)
			end := to
			if way.home {
				end = from
			}
			s.settlesOn(c, end)
			s.neverTwice(c)
		})
	}
}

// settlesOn waits until a container runs on a node and does not move.
func (s scenario) settlesOn(c container, node *Node) {
	s.Helper()
	s.await(c.Name+" to run on "+node.Name, func(ctx context.Context) (bool, string, error) {
		seen, err := s.lab.Container(ctx, c.ID)
		return seen.NodeID == node.ID && seen.Phase == "running" && seen.MigrationStatus != "migrating", fmt.Sprintf("%+v", seen), err
	})
}

// The node on which a lost container is started is lost as well: a third one
// takes it.
func TestATargetThatIsLostAsWell(t *testing.T) {
	s := beginHA(t)
	from, second, third := s.lab.Nodes[0], s.lab.Nodes[1], s.lab.Nodes[2]
	c := s.rareWitness("chased", from, third)
	s.must(third.Cordon(t.Context()))
	s.must(from.CutLink(t.Context()))
	s.inState(c, "starting")
	s.must(third.Uncordon(t.Context()))
	s.must(second.CutLink(t.Context()))
	s.settlesOn(c, third)
	s.must(s.lab.Mend(t.Context()))
	s.runsOn(c, third, 2)
	s.neverTwice(c)
}
