package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// book is a ledger under test, with a clock of its own.
type book struct {
	*ledger.Ledger
	t    *testing.T
	dir  string
	node id.NodeID
	now  *time.Time
	log  *bytes.Buffer
}

func newBook(t *testing.T) book {
	t.Helper()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	b := book{t: t, dir: t.TempDir(), node: id.New[id.NodeID](), now: &now, log: &bytes.Buffer{}}
	return b.open(b.dir)
}

func (b book) open(dir string) book {
	b.t.Helper()
	l, err := ledger.Open(ledger.Options{
		Dir: dir, Node: b.node, Log: slog.New(slog.NewTextHandler(b.log, nil)), Now: func() time.Time { return *b.now },
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Ledger, b.dir = l, dir
	b.t.Cleanup(func() { l.Close() })
	return b
}

// afterCrash opens what a crash right now would leave on disk.
func (b book) afterCrash() book {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "ledger.db"))
	b.ok(err)
	dir := b.t.TempDir()
	b.ok(os.WriteFile(filepath.Join(dir, "ledger.db"), text, 0o600))
	return b.open(dir)
}

func (b book) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b book) accept(d wire.Desired) {
	b.t.Helper()
	_, err := b.Accept(d)
	b.ok(err)
}

func (b book) desired() ledger.Desired {
	b.t.Helper()
	d, err := b.Desired()
	b.ok(err)
	return d
}

func (b book) outbox() []wire.Event {
	b.t.Helper()
	events, err := b.Outbox(0, 1000, 1<<20)
	b.ok(err)
	return events
}

func (b book) take(c wire.Command) bool {
	b.t.Helper()
	fresh, err := b.Take(c)
	b.ok(err)
	return fresh
}

func (b book) record(seen ...ledger.Observation) {
	b.t.Helper()
	b.ok(b.Record(seen))
}

func web(image string) spec.Container {
	return spec.Container{Name: "web", Image: image, Resources: spec.Resources{CPU: 500, Memory: 64 * spec.MiB}}
}

func wanted(s spec.Container, epoch int64, power spec.Power) wire.DesiredContainer {
	return wire.DesiredContainer{ID: id.New[id.ContainerID](), Epoch: epoch, Generation: 1, SpecHash: s.Hash(), Power: power}
}

func full(rev int64, containers ...wire.DesiredContainer) wire.Desired {
	return wire.Desired{Kind: wire.DesiredFull, Rev: rev, Containers: containers}
}

func delta(from, rev int64, containers ...wire.DesiredContainer) wire.Desired {
	return wire.Desired{Kind: wire.DesiredDelta, FromRev: from, Rev: rev, Containers: containers}
}

func with(d wire.Desired, specs ...spec.Container) wire.Desired {
	d.Specs = map[string]spec.Container{}
	for _, s := range specs {
		d.Specs[s.Hash()] = s
	}
	return d
}

func state(c wire.DesiredContainer, phase spec.Phase) ledger.Observation {
	return ledger.Observation{Status: wire.ContainerStatus{ID: c.ID, Epoch: c.Epoch, Generation: c.Generation, Phase: phase}}
}

// brief names events in the order of the outbox.
func brief(events []wire.Event) []string {
	var out []string
	for _, e := range events {
		switch {
		case e.Container != nil:
			out = append(out, fmt.Sprintf("%d %s@%d", e.Seq, e.Container.Phase, e.Container.Epoch))
		default:
			out = append(out, fmt.Sprintf("%d %s", e.Seq, e.Receipt))
		}
	}
	return out
}

func expect[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestEverythingIsThereAfterACrash(t *testing.T) {
	b := newBook(t)
	s := web("a:1")
	c := wanted(s, 3, spec.Running)
	b.accept(with(full(7, c), s))
	b.ok(b.SetApplied(7))
	first, err := b.NextSession()
	b.ok(err)
	command := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionRestart, ContainerID: c.ID}
	b.take(command)
	b.record(state(c, spec.Up))

	again := b.afterCrash()
	expect(t, "id", again.ID(), b.ID())
	expect(t, "desired", again.desired(), b.desired())
	expect(t, "outbox", again.outbox(), b.outbox())
	expect(t, "the command is not new", again.take(command), false)
	second, err := again.NextSession()
	b.ok(err)
	third, err := again.NextSession()
	b.ok(err)
	if second <= first || third != second+1 {
		t.Errorf("sessions %d, %d after the crash, %d", first, second, third)
	}
	sum, err := again.Summary()
	b.ok(err)
	expect(t, "summary", sum, ledger.Summary{Accepted: 7, Applied: 7, Digest: wire.Digest([]wire.DesiredContainer{c}), OutboxHead: 2})
}

func TestABrokenFileIsSetAside(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"garbage":         func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) },
		"cut off short":   func(b []byte) []byte { return b[:100] },
		"cut in half":     func(b []byte) []byte { return b[:len(b)/2] },
		"one page lost":   func(b []byte) []byte { return append(b[:2*4096], bytes.Repeat([]byte{0xff}, len(b)-2*4096)...) },
		"a record broken": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"ledger_id"`), []byte(`"ledger_id!`)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(t)
			s := web("a:1")
			for rev := range int64(50) {
				b.accept(with(delta(rev, rev+1, wanted(s, 1, spec.Running)), s))
			}
			b.ok(b.Close())
			path := filepath.Join(b.dir, "ledger.db")
			text, err := os.ReadFile(path)
			b.ok(err)
			broken := damage(text)
			b.ok(os.WriteFile(path, broken, 0o600))

			fresh := b.open(b.dir)
			expect(t, "containers of a new ledger", len(fresh.desired().Containers), 0)
			if fresh.ID() == b.ID() {
				t.Error("the new ledger has the id of the broken one")
			}
			kept, err := os.ReadFile(path + ".corrupt-20261123T120000Z")
			if err != nil || !bytes.Equal(kept, broken) {
				t.Errorf("the broken file was not kept: %v", err)
			}
			if !strings.Contains(b.log.String(), "set aside") {
				t.Error("nothing was said about it")
			}
		})
	}
}

// Wherever a file ends too early, the agent starts: with the ledger, if the
// part that is missing was not in use, or else with a new one.
func TestAFileCutOffAnywhereIsSurvived(t *testing.T) {
	b := newBook(t)
	for rev := range int64(30) {
		b.accept(delta(rev, rev+1, wanted(web("a:1"), 1, spec.Running)))
	}
	b.ok(b.Close())
	whole, err := os.ReadFile(filepath.Join(b.dir, "ledger.db"))
	b.ok(err)
	for length := 0; length < len(whole); length += 1024 {
		dir := t.TempDir()
		b.ok(os.WriteFile(filepath.Join(dir, "ledger.db"), whole[:length], 0o600))
		cut := b.open(dir)
		if n := len(cut.desired().Containers); n != 0 && n < 29 {
			t.Errorf("cut off at %d it has %d containers", length, n)
		}
		b.ok(cut.Close())
	}
}

func TestADirectoryHasOneAgentOfOneNode(t *testing.T) {
	b := newBook(t)
	options := ledger.Options{Dir: b.dir, Node: b.node, Log: slog.New(slog.DiscardHandler)}
	_, err := ledger.Open(options)
	if want := fmt.Sprintf("another lormas-agent (pid %d) uses %s", os.Getpid(), b.dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a second agent got %v, want %q", err, want)
	}
	b.ok(b.Close())
	options.Node = id.New[id.NodeID]()
	_, err = ledger.Open(options)
	if err == nil || !strings.Contains(err.Error(), "belongs to node "+b.node.String()) {
		t.Errorf("another node's agent got %v", err)
	}
	options.Node = b.node
	l, err := ledger.Open(options)
	b.ok(err) // neither refusal kept the directory
	b.ok(l.Close())
}

func TestADirectoryThatCannotBeWritten(t *testing.T) {
	_, err := ledger.Open(ledger.Options{Dir: "/proc/lormas", Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("got %v, want to hear of --data-dir", err)
	}
}

func TestAcceptOrdersRevisions(t *testing.T) {
	b := newBook(t)
	s := web("a:1")
	one, two := wanted(s, 1, spec.Running), wanted(s, 1, spec.Running)
	b.accept(full(5, one))
	for _, c := range []struct {
		name    string
		message wire.Desired
		want    error
	}{
		{"a gap", delta(6, 7, two), ledger.ErrGap},
		{"an older full list", full(4), ledger.ErrOutOfDate},
		{"an older delta", delta(3, 4, two), ledger.ErrOutOfDate},
		{"a delta from before", delta(3, 6, one), nil},
		{"the same once more", delta(5, 6, one), nil},
		{"a full list of equals", full(6, one), nil},
	} {
		if _, err := b.Accept(c.message); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		expect(t, c.name+": containers", len(b.desired().Containers), 1)
	}
}

func TestAFullListTakesAwayWhatItLeavesOut(t *testing.T) {
	b := newBook(t)
	s := web("a:1")
	stays, goes, stray := wanted(s, 1, spec.Running), wanted(s, 2, spec.Running), wanted(s, 4, spec.Absent)
	b.accept(full(1, stays, goes))
	message := full(2, stays)
	message.Removed = []wire.ContainerRef{{ID: stray.ID, Epoch: 4}, {ID: stays.ID, Epoch: 1}}
	b.accept(message)
	goes.Power = spec.Absent
	want := map[id.ContainerID]wire.DesiredContainer{
		stays.ID: stays, goes.ID: goes, stray.ID: {ID: stray.ID, Epoch: 4, Power: spec.Absent},
	}
	expect(t, "the set", b.desired().Containers, want)
	sum, err := b.Summary()
	b.ok(err)
	expect(t, "digest without what should be absent", sum.Digest, wire.Digest([]wire.DesiredContainer{stays}))
}

func TestAnOldEpochNeverComesBack(t *testing.T) {
	b := newBook(t)
	s := web("a:1")
	c := wanted(s, 3, spec.Running)
	b.accept(full(1, c))
	gone := c
	gone.Power = spec.Absent
	b.accept(delta(1, 2, gone))
	b.record(state(c, spec.Removed))
	expect(t, "containers after the removal", len(b.desired().Containers), 0)

	b = b.afterCrash()
	old := c
	old.Epoch = 2
	stale, err := b.Accept(full(3, old))
	b.ok(err)
	expect(t, "refused", stale, []id.ContainerID{c.ID})
	expect(t, "containers after the refusal", len(b.desired().Containers), 0)

	*b.now = b.now.Add(31 * 24 * time.Hour)
	b.ok(b.Tidy(nil))
	stale, err = b.Accept(full(4, old))
	b.ok(err)
	expect(t, "refused after 30 days", len(stale), 0)
}

func TestARemovalDoesNotForgetWhatWasGivenBack(t *testing.T) {
	b := newBook(t)
	for rev, power := range []spec.Power{spec.Running, spec.Absent} {
		c := wanted(web("a:1"), 1, spec.Running)
		back := c
		back.Epoch, back.Power = 3, power
		b.accept(full(int64(rev+1), back))
		b.record(state(c, spec.Removed))
		expect(t, "back as "+string(power), b.desired().Containers[c.ID], back)
	}
}

func TestAppliedIsNeverAheadOrBackwards(t *testing.T) {
	b := newBook(t)
	b.accept(full(5))
	for _, step := range []struct{ set, want int64 }{{9, 5}, {3, 5}} {
		b.ok(b.SetApplied(step.set))
		expect(t, fmt.Sprintf("applied after setting %d", step.set), b.desired().Applied, step.want)
	}
}

func TestSpecsAreKeptWhileSomethingNeedsThem(t *testing.T) {
	b := newBook(t)
	old, current, other := web("a:1"), web("a:2"), web("a:3")
	c := wanted(current, 1, spec.Running)
	b.accept(with(full(1, c, wanted(other, 1, spec.Running)), old))
	expect(t, "lacking", b.desired().Lacking(), sorted(current.Hash(), other.Hash()))
	b.ok(b.AddSpecs(map[string]spec.Container{current.Hash(): current, "a lie": other}))
	expect(t, "lacking after a pull", len(b.desired().Lacking()), 0)

	b.ok(b.Tidy([]string{old.Hash()}))
	expect(t, "specs while the old one is in use", len(b.desired().Specs), 3)
	b.ok(b.Tidy(nil))
	expect(t, "specs when it is not known what is in use", len(b.desired().Specs), 3)
	b.ok(b.Tidy([]string{}))
	if _, kept := b.desired().Specs[old.Hash()]; kept {
		t.Error("a spec that nothing needs was kept")
	}
}

func sorted(a, b string) []string {
	if a < b {
		return []string{a, b}
	}
	return []string{b, a}
}
