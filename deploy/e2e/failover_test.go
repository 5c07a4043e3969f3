package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/lormas/lormas/deploy/witness"
	"github.com/lormas/lormas/shared/dockerd"
)

// Whatever happens to a node, an exclusive container never runs twice and an
// available one is soon back: the copies themselves bear witness. All nodes
// live by the profile lan, whose window is 5 s.

const (
	window = 5 * time.Second
	beat   = time.Second // between two heartbeats: as exact as an overlap can be known
)

// beginHA gives a test the lab of three nodes in a cluster, and puts it in
// order when the test is over.
func beginHA(t *testing.T) scenario {
	t.Helper()
	s := ofLab(t, &labs.ha, func() (Options, error) {
		return Options{Nodes: 3, Bin: bin, CPU: 16, Cluster: &Cluster{Name: "room", Profile: "lan"}}, nil
	})
	s.mendAtEnd()
	return s
}

// mendAtEnd puts the lab in order when the test is over.
func (s scenario) mendAtEnd() {
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.lab.Mend(ctx); err != nil {
			s.Error(err)
		}
	})
}

// witness makes an HA container of the witness image on a node and waits until
// it has written something.
func (s scenario) witness(name, policy string, node *Node, env map[string]string) container {
	s.Helper()
	return s.witnessOf(s.witnessEgg(), name, policy, node, env)
}

// rareWitness is one whose image only some nodes have: no other can run it.
func (s scenario) rareWitness(name string, on ...*Node) container {
	s.Helper()
	image, err := s.lab.witnessImage()
	s.must(err)
	image.Ref = "lormas/witness:" + name
	for _, node := range on {
		s.load(node, image)
	}
	return s.witnessOf(s.egg(name, image.Ref, nil), name, "exclusive", on[0], nil)
}

func (s scenario) load(node *Node, image dockerd.Image) {
	s.Helper()
	s.must(dockerd.Load(s.Context(), node.Socket(), image))
}

func (s scenario) witnessOf(egg, name, policy string, node *Node, env map[string]string) container {
	s.Helper()
	made := s.create(fmt.Sprintf("%s-%d", name, labs.witnesses.Add(1)), egg, node, map[string]any{
		"type": "ha", "ha_policy": policy, "volumes": s.lab.WitnessVolumes(), "environment": env,
	})
	s.awaitJob(made.Job, "succeeded")
	c := s.awaitPhase(made.Container, "running")
	s.runsOn(c, node, 1)
	s.Cleanup(func() {
		err := s.lab.API.Call(context.Background(), http.MethodDelete, "/containers/"+c.ID+"?force=true", nil, nil)
		if err != nil {
			s.Errorf("delete %s: %v", c.Name, err)
		}
	})
	return c
}

// witnessEgg files the template once per lab.
func (s scenario) witnessEgg() string {
	s.Helper()
	if s.shared.witnessEgg == "" {
		s.shared.witnessEgg = s.egg("witness", WitnessImage, nil)
	}
	return s.shared.witnessEgg
}

// runsOn waits until a container's newest copy writes, on a node, and is the
// one of that number.
func (s scenario) runsOn(c container, node *Node, number int) witness.Run {
	s.Helper()
	var last witness.Run
	s.await(fmt.Sprintf("copy %d of %s to run on %s", number, c.Name, node.Name), func(context.Context) (bool, string, error) {
		runs, err := s.lab.Runs(c.ID)
		if err != nil || len(runs) == 0 {
			return false, "it wrote nothing", err
		}
		last = runs[len(runs)-1]
		return len(runs) == number && last.Node == node.ID && Alive(last), describe(runs), nil
	})
	return last
}

func describe(runs []witness.Run) string {
	text := ""
	for _, r := range runs {
		text += fmt.Sprintf("[epoch %d on %s from %s to %s] ", r.Epoch, r.Node, r.First, r.Last)
	}
	return text
}

// moved waits until a container runs elsewhere than it did.
func (s scenario) moved(c container) container {
	s.Helper()
	seen := c
	s.await(c.Name+" to run elsewhere", func(ctx context.Context) (bool, string, error) {
		var err error
		seen, err = s.lab.Container(ctx, c.ID)
		return err == nil && seen.NodeID != c.NodeID && seen.Phase == "running" && seen.MigrationStatus != "migrating", fmt.Sprintf("%+v", seen), err
	})
	if seen.Epoch <= c.Epoch {
		s.Errorf("%s moved from epoch %d to %d", c.Name, c.Epoch, seen.Epoch)
	}
	return seen
}

// atHome checks that a container is where it was.
func (s scenario) atHome(c container) {
	s.Helper()
	seen, err := s.lab.Container(s.Context(), c.ID)
	s.must(err)
	if seen.NodeID != c.NodeID || seen.Epoch != c.Epoch || seen.MigrationStatus != c.MigrationStatus {
		s.Errorf("%s was moved: %+v, then %+v", c.Name, c, seen)
	}
}

// untouched checks that the copy that ran at first is the one that runs.
func (s scenario) untouched(c container) {
	s.Helper()
	s.atHome(c)
	s.runsOn(c, s.node(c.NodeID), 1)
}

// neverTwice checks what the copies of a container wrote down.
func (s scenario) neverTwice(c container) {
	s.Helper()
	overlaps, err := s.lab.Overlaps(c.ID)
	s.must(err)
	for _, o := range overlaps {
		s.Errorf("%s ran twice: %s", c.Name, o)
	}
}

// history waits until a container has had so many moves and all is known of
// the last one, and returns it.
func (s scenario) history(c container, moves int) Migration {
	s.Helper()
	var last Migration
	s.await(fmt.Sprintf("%d moves of %s to be over", moves, c.Name), func(ctx context.Context) (bool, string, error) {
		all, err := s.lab.History(ctx, c.ID)
		if err != nil || len(all) != moves {
			return false, fmt.Sprintf("%+v", all), err
		}
		last = all[0]
		return last.Leftover == "none" || last.Leftover == "gone", fmt.Sprintf("%+v", last), nil
	})
	return last
}

// fault is something that happens to a node, and its end.
type fault struct {
	hit, mend func(*Node, context.Context) error
	copies    bool // the copies on the node live through it
}

var losses = map[string]fault{
	"link cut": {
		hit:    (*Node).CutLink,
		mend:   (*Node).HealLink,
		copies: true,
	},
	"link cut one way": {
		hit:    (*Node).CutOneWay,
		mend:   (*Node).HealLink,
		copies: true,
	},
	"agent killed": {
		hit:    func(n *Node, _ context.Context) error { return n.Agent.Kill() },
		mend:   func(n *Node, ctx context.Context) error { return n.Agent.Start(ctx) },
		copies: true,
	},
	"agent frozen": {
		hit:    func(n *Node, _ context.Context) error { return n.Agent.Pause() },
		mend:   func(n *Node, _ context.Context) error { return n.Agent.Resume() },
		copies: true,
	},
	"agent and engine frozen": {
		hit:    func(n *Node, _ context.Context) error { return errors.Join(n.Agent.Pause(), n.Docker.Pause()) },
		mend:   func(n *Node, _ context.Context) error { return errors.Join(n.Docker.Resume(), n.Agent.Resume()) },
		copies: true,
	},
	"agent and guard killed while cut off": {
		hit: func(n *Node, ctx context.Context) error {
			return errors.Join(n.CutLink(ctx), n.Agent.Kill(), n.KillGuard(), n.Agent.Start(ctx))
		},
		mend:   (*Node).HealLink,
		copies: true,
	},
	"booted while cut off": { // it starts nothing exclusive, and nothing available for a minute
		hit: func(n *Node, ctx context.Context) error {
			return errors.Join(n.CutLink(ctx), n.PowerLoss(), n.PowerOn(ctx))
		},
		mend: (*Node).HealLink,
	},
	"power lost": {
		hit:  func(n *Node, _ context.Context) error { return n.PowerLoss() },
		mend: (*Node).PowerOn,
	},
}

func TestALostNode(t *testing.T) {
	turn := 0
	for name, f := range losses {
		t.Run(name, func(t *testing.T) {
			s := beginHA(t)
			node := s.lab.Nodes[turn%len(s.lab.Nodes)]
			turn++
			strict := s.witness("strict", "exclusive", node, nil)
			loose := s.witness("loose", "available", node, nil)
			s.must(f.hit(node, t.Context()))
			there, other := s.moved(strict), s.moved(loose)
			s.runsOn(strict, s.node(there.NodeID), 2)
			if f.copies {
				s.sideBySide(loose)
			}
			s.must(f.mend(node, t.Context()))
			s.must(s.lab.AwaitNode(t.Context(), node, "healthy"))

			s.checkOverlap(loose, s.history(loose, 1))
			s.history(strict, 1)
			s.runsOn(strict, s.node(there.NodeID), 2) // it did not go back, and was not touched
			s.runsOn(loose, s.node(other.NodeID), 2)
			s.neverTwice(strict)
			for _, c := range []container{strict, loose} {
				if left := s.inspect(node, c); len(left) > 0 {
					t.Errorf("%s still has %+v of %s", node.Name, left, c.Name)
				}
			}
		})
	}
}

// sideBySide waits until two copies have run at once for a while: the measure
// of a cut is to be a period and no instant.
func (s scenario) sideBySide(c container) {
	s.Helper()
	s.await("the old copy of "+c.Name+" to run beside the new one", func(context.Context) (bool, string, error) {
		overlaps, err := s.lab.Overlaps(c.ID)
		return witness.Total(overlaps) > beat, fmt.Sprint(overlaps), err
	})
}

// checkOverlap compares how long two copies of an available container ran side
// by side with what people are told.
func (s scenario) checkOverlap(c container, told Migration) {
	s.Helper()
	overlaps, err := s.lab.Overlaps(c.ID)
	s.must(err)
	real, said := witness.Total(overlaps), time.Duration(0)
	if told.OverlapMS != nil {
		said = time.Duration(*told.OverlapMS) * time.Millisecond
	}
	// It is told when its node is in sync, which may be a heartbeat later, and
	// it was running a little before people were told so.
	if early, late := said-real, real-said; early > 2*beat || late > beat {
		s.Errorf("%s ran twice for %s (%v), and people are told %s", c.Name, real, overlaps, said)
	}
	s.Logf("%s: two copies for %s, told %s", c.Name, real, said)
}
