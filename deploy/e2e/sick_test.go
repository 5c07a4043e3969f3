package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A controller that is sick itself decides nothing, and a node that is ill for
// a moment keeps what it has.

// pair is an exclusive and an available container on one node.
type pair struct{ strict, loose container }

func (s scenario) pair(node *Node) pair {
	s.Helper()
	return pair{s.witness("strict", "exclusive", node, nil), s.witness("loose", "available", node, nil)}
}

// stays checks that neither was moved, that the available one was not even
// touched, and that the exclusive one, which may have been fenced, runs.
func (s scenario) stays(p pair) {
	s.Helper()
	s.awaitPhase(p.strict, "running")
	s.atHome(p.strict)
	s.untouched(p.loose)
	s.neverTwice(p.strict)
	s.neverTwice(p.loose)
}

// pass lets a time go by that is part of a scenario.
func (s scenario) pass(d time.Duration) {
	s.Helper()
	select {
	case <-time.After(d):
	case <-s.Context().Done():
		s.Fatal(s.Context().Err())
	}
}

func TestASickControllerMovesNothing(t *testing.T) {
	for name, illness := range map[string]func(s scenario){
		"restarted": func(s scenario) {
			s.must(s.lab.Controller.Kill())
			s.must(s.lab.Controller.Start(s.Context()))
		},
		"away for longer than a window": func(s scenario) {
			s.must(s.lab.Controller.Kill())
			s.pass(window + 2*beat)
			s.must(s.lab.Controller.Start(s.Context()))
		},
		"frozen": func(s scenario) {
			s.must(s.lab.Controller.Pause())
			s.pass(window + 2*beat)
			s.must(s.lab.Controller.Resume())
		},
		"Redis flushed": func(s scenario) {
			s.must(s.lab.FlushRedis(s.Context()))
			s.pass(window)
		},
		"Redis away": func(s scenario) {
			s.must(s.lab.Redis.Kill())
			s.pass(window + 2*beat)
			s.must(s.lab.Redis.Start(s.Context()))
		},
		"Postgres away": func(s scenario) {
			s.must(s.lab.Postgres.Stop(s.Context()))
			s.pass(window + 2*beat)
			s.must(s.lab.Postgres.Start(s.Context()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := beginHA(t)
			p := s.pair(s.lab.Nodes[0])
			illness(s)
			s.must(s.lab.Mend(t.Context()))
			s.stays(p)
		})
	}
}

// What is lost while Postgres is away is moved when it is back: nothing is
// decided that cannot be written down.
func TestALossWithoutPostgresIsDecidedLater(t *testing.T) {
	s := beginHA(t)
	node := s.lab.Nodes[1]
	p := s.pair(node)
	s.must(s.lab.Postgres.Stop(t.Context()))
	s.must(node.CutLink(t.Context()))
	s.pass(window + 2*beat)
	s.runsOn(p.loose, node, 1)
	s.must(s.lab.Postgres.Start(t.Context()))
	s.moved(p.strict)
	s.moved(p.loose)
	s.must(s.lab.Mend(t.Context()))
	s.history(p.strict, 1)
	s.checkOverlap(p.loose, s.history(p.loose, 1))
	s.neverTwice(p.strict)
}

// When everybody falls silent the fault is more likely the controller's own:
// it waits, says so, and goes on by itself when they are back.
func TestAllNodesCutAtOnceMovesNothing(t *testing.T) {
	s := beginHA(t)
	p := s.pair(s.lab.Nodes[2])
	for _, node := range s.lab.Nodes {
		s.must(node.CutLink(t.Context()))
	}
	s.await("the fleet to be held", func(ctx context.Context) (bool, string, error) {
		f, err := s.lab.Fleet(ctx)
		return f.Held && strings.Contains(f.Reason, "controller"), fmt.Sprintf("%+v", f), err
	})
	s.pass(window + 2*beat)
	for _, node := range s.lab.Nodes {
		if state, err := s.lab.NodeState(t.Context(), node); state == "unhealthy" || err != nil {
			t.Errorf("%s is %s (%v)", node.Name, state, err)
		}
	}
	for _, node := range s.lab.Nodes {
		s.must(node.HealLink(t.Context()))
	}
	s.await("the hold to end", func(ctx context.Context) (bool, string, error) {
		f, err := s.lab.Fleet(ctx)
		return !f.Held, fmt.Sprintf("%+v", f), err
	})
	s.must(s.lab.Mend(t.Context()))
	s.pass(window + beat) // those who come back a little later than others are not shot
	s.stays(p)
}

func TestANodeThatIsIllForAMomentKeepsWhatItHas(t *testing.T) {
	const moment = time.Second
	for name, illness := range map[string]func(s scenario, node *Node){
		"a link that flaps": func(s scenario, node *Node) {
			for range 4 {
				s.must(node.CutLink(s.Context()))
				s.pass(moment)
				s.must(node.HealLink(s.Context()))
				s.must(s.lab.AwaitNode(s.Context(), node, "healthy"))
			}
		},
		"agent killed, and started by its supervisor": func(s scenario, node *Node) {
			stop := node.Supervise(s.Context())
			s.must(node.Agent.Kill())
			s.must(s.lab.AwaitNode(s.Context(), node, "healthy"))
			s.must(stop())
		},
		"agent and guard killed, and started by their supervisor": func(s scenario, node *Node) {
			stop := node.Supervise(s.Context())
			s.must(node.KillGuard())
			s.must(node.Agent.Kill())
			s.await("another guard", func(context.Context) (bool, string, error) { return node.GuardRunning(), "", nil })
			s.must(stop())
		},
		"engine frozen for longer than a window": func(s scenario, node *Node) {
			s.must(node.Docker.Pause())
			s.pass(window + 2*beat)
			s.must(node.Docker.Resume())
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := beginHA(t)
			node := s.lab.Nodes[1]
			p := s.pair(node)
			illness(s, node)
			s.must(s.lab.Mend(t.Context()))
			s.stays(p)
		})
	}
}

// The engine of the lab ends its containers when it is started again after a
// crash; the agent starts them anew, where they are.
func TestAnEngineThatIsKilledKeepsItsContainers(t *testing.T) {
	s := beginHA(t)
	node := s.lab.Nodes[2]
	p := s.pair(node)
	s.must(node.Docker.Kill())
	s.pass(window + 2*beat)
	s.runsOn(p.loose, node, 1)
	s.must(node.Docker.Start(t.Context()))
	s.must(s.lab.Mend(t.Context()))
	for _, c := range []container{p.strict, p.loose} {
		s.awaitPhase(c, "running")
		s.await(c.Name+" to write again", func(context.Context) (bool, string, error) {
			runs, err := s.lab.Runs(c.ID)
			return len(runs) > 0 && Alive(runs[len(runs)-1]), describe(runs), err
		})
		s.atHome(c)
		s.neverTwice(c)
	}
}

// A node that comes back late finds its containers moved, deleted or as they
// were: it starts nothing that is not its own any more.
func TestANodeThatReturnsLate(t *testing.T) {
	s := beginHA(t)
	node := s.lab.Nodes[0]
	p := s.pair(node)
	gone := s.witness("gone", "available", node, nil)
	s.must(node.PowerLoss())
	s.moved(p.strict)
	s.moved(p.loose)
	elsewhere := s.moved(gone)
	s.runsOn(elsewhere, s.node(elsewhere.NodeID), 2)
	s.awaitJob(s.verb(elsewhere, "delete"), "succeeded")
	s.pass(2 * window)
	s.must(node.PowerOn(t.Context()))
	s.must(s.lab.AwaitNode(t.Context(), node, "healthy"))
	s.history(p.strict, 1)
	s.history(p.loose, 1)
	for _, c := range []container{p.strict, p.loose, gone} {
		if left := s.inspect(node, c); len(left) > 0 {
			t.Errorf("the node that came back has %+v of %s", left, c.Name)
		}
		s.neverTwice(c)
	}
	if runs, err := s.lab.Runs(gone.ID); err != nil || len(runs) != 2 {
		t.Errorf("the deleted container: %s (%v)", describe(runs), err)
	}
}
