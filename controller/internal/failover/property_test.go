package failover_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// fault is what may be wrong with a step, or "".
func fault(w *world, before failover.View, d failover.Decision) string {
	was, is := before.Migration.State, d.Next.State
	switch {
	case was != is && !was.CanBecome(is):
		return "an illegal move: " + string(was) + " ─▶ " + string(is)
	case d.Action == failover.Wait && !is.Final() && !slices.Contains(failover.Causes, d.Cause):
		return fmt.Sprintf("it waits for %q in %s", d.Cause, is)
	case d.Action == failover.Wait && d.Next.Waiting == "" && !is.Final():
		return "it waits without a reason"
	case w.exclusive() && (d.Action == failover.Switch || d.Back) && d.Proof != failover.Confirmed && d.Proof != failover.Silent && d.Proof != failover.Fenced:
		return "an exclusive container is taken without proof"
	case d.Proof == failover.Silent && before.Holder.State != fleet.NodeUnhealthy:
		return "a node is called silent that is not lost"
	case d.Proof == failover.Silent && before.Holder.Held != "":
		return "a lost node is decided about during a hold"
	case w.exclusive() && w.copies() > 1:
		return "two copies run"
	}
	return ""
}

// mishaps are what may happen between two looks at the migration.
func (w *world) mishap(t *rapid.T) {
	n := w.machines[rapid.IntRange(0, len(w.machines)-1).Draw(t, "node")]
	switch rapid.SampledFrom([]string{"time", "time", "work", "work", "work", "lose", "return", "sick", "stuck", "held", "full", "suspect"}).Draw(t, "event") {
	case "time":
		w.pass(time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds")) * time.Second)
	case "work":
		w.work(n)
	case "lose":
		w.lose(n)
	case "return":
		w.comeBack(n)
	case "sick":
		n.sick = !n.sick
	case "stuck":
		n.stuck = !n.stuck
	case "held":
		n.held = map[string]string{"": "too many are silent"}[n.held]
	case "full":
		w.full = !w.full
	case "suspect":
		if n.state == fleet.NodeHealthy {
			n.state = fleet.NodeSuspect
		} else if n.state == fleet.NodeSuspect {
			n.state = fleet.NodeHealthy
		}
	}
}

func drawWorld(t *rapid.T) *world {
	kind := rapid.SampledFrom([]fleet.MigrationKind{fleet.KindFailover, fleet.KindManual, fleet.KindDrain, fleet.KindRollback}).Draw(t, "kind")
	policy := rapid.SampledFrom([]fleet.HAPolicy{"", fleet.Available, fleet.Exclusive, fleet.Exclusive}).Draw(t, "policy")
	if kind == fleet.KindFailover && policy == "" {
		policy = fleet.Available
	}
	w := newWorld(kind, policy, rapid.IntRange(2, 4).Draw(t, "nodes"))
	w.view.Migration.Force = kind != fleet.KindFailover && rapid.Bool().Draw(t, "force")
	w.view.Migration.Overlap = policy != fleet.Exclusive && rapid.Bool().Draw(t, "overlap")
	return w
}

// Whatever happens: moves are legal, every wait has a reason, an exclusive
// container is taken only with a proof and never runs twice. And once nothing
// goes wrong any more, the migration ends within the sum of its deadlines.
func TestMigrations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		try := func() {
			before, d := w.step()
			if f := fault(w, before, d); f != "" {
				t.Fatalf("%s\n%s", f, strings.Join(w.history, "\n"))
			}
		}
		for range rapid.IntRange(0, 60).Draw(t, "mishaps") {
			w.mishap(t)
			try()
		}
		for _, n := range w.machines {
			n.sick, n.stuck, n.held = false, false, ""
			if n.state == fleet.NodeSuspect {
				n.state = fleet.NodeHealthy
			}
			w.comeBack(n)
		}
		w.full = false
		w.log("nothing goes wrong any more")
		limit := w.now.Add(rules.Pauses[len(rules.Pauses)-1] + 2*(rules.Reserved+rules.Stop+rules.Start+rules.Return+window) + rules.Retry)
		for !w.view.Migration.State.Final() {
			for _, n := range w.machines {
				w.work(n)
			}
			try()
			w.pass(time.Second)
			if w.now.After(limit) {
				t.Fatalf("it does not end: %s\n%s", w.view.Migration.Waiting, strings.Join(w.history, "\n"))
			}
		}
		w.told = spec.Running // an eviction ends with the migration
		for range 2 {
			for _, n := range w.machines {
				w.work(n)
			}
		}
		if w.holder.runs != w.view.Container.Epoch || w.copies() != 1 {
			t.Fatalf("%d copies run, and that at its node is of epoch %d of %d\n%s", w.copies(), w.holder.runs, w.view.Container.Epoch, strings.Join(w.history, "\n"))
		}
	})
}

// The same world, driven by bytes.
func FuzzMigrations(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		w := drawWorld(t)
		for range rapid.IntRange(0, 100).Draw(t, "mishaps") {
			w.mishap(t)
			before, d := w.step()
			if bad := fault(w, before, d); bad != "" {
				t.Fatalf("%s\n%s", bad, strings.Join(w.history, "\n"))
			}
		}
	}))
}
