package link_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestHelloTellsWhatTheNodeIs(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	want := wire.Hello{
		Header: wire.Head(wire.TypeHello), Session: h.Session, NodeID: r.node, Digest: wire.Digest(nil), LedgerID: r.ledger.ID(),
		AgentVersion: "test", DockerVersion: "fake", Hostname: "h", MachineID: "m", Arch: "amd64",
		Telemetry: &wire.Telemetry{CPUAllocatable: 4},
	}
	if d := cmp.Diff(want, h); d != "" {
		t.Errorf("hello (-want +got):\n%s", d)
	}
	beat := next[wire.Heartbeat](r, 1, wire.NodeHeartbeat, wire.TypeHeartbeat)
	if beat.Session != h.Session || beat.Seq != 1 || !beat.DockerOK || beat.Telemetry == nil || beat.Status != wire.Online {
		t.Errorf("the first heartbeat is %+v", beat)
	}
}

func TestFromADesiredSetToAReceipt(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := entry(idle)
	r.full(h, 7, c)
	create := r.command(h, wire.Command{Action: wire.ActionCreate, ContainerID: c.ID, Rev: 7})
	r.awaitPhase(c.ID, spec.Up)
	result := r.awaitReceipt(create, wire.Applied)
	if result.Status != "success" || result.Result.ContainerID == "" {
		t.Errorf("the result is %+v", result)
	}
	r.until("the applied revision", func() bool {
		beats := all[wire.Heartbeat](r, wire.NodeHeartbeat, wire.TypeHeartbeat)
		last := newest(beats)
		return last.AppliedRev == 7 && last.Digest == wire.Digest([]wire.DesiredContainer{c})
	})
}

func TestEventsStayUntilTheyAreAcknowledged(t *testing.T) {
	r := newRig(t)
	r.change(func() { r.noAcks = true })
	h := r.hello(1)
	c := entry(idle)
	r.full(h, 1, c)
	r.awaitPhase(c.ID, spec.Up)
	r.until("the batch once more", func() bool {
		batches := all[wire.Events](r, wire.NodeEvents, wire.TypeEvents)
		last := newest(batches)
		return len(batches) > 1 && last.Items[len(last.Items)-1].Container.Phase == spec.Up
	})
	head := r.events()[len(r.events())-1].Seq
	r.ack(h, head)
	r.until("an empty outbox", func() bool {
		left, err := r.ledger.Outbox(0, 10, 1000)
		return err == nil && len(left) == 0
	})
}

func TestResultsOfACutArriveOnceItHeals(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := entry(idle)
	r.full(h, 1, c)
	r.awaitPhase(c.ID, spec.Up)
	r.broker.Down()
	r.engine.Crash(c.ID, 9)
	r.until("the restart without a controller", func() bool { return r.calls(runtimetest.VerbStart) == 2 })
	r.broker.Up(t)
	h = r.hello(2)
	if h.AppliedRev != 1 || len(h.Present) != 1 {
		t.Errorf("hello after the cut: %+v", h)
	}
	r.nothing(h)
	r.until("the news of the cut", func() bool {
		return slices.ContainsFunc(r.events(), func(e wire.Event) bool { return e.Container != nil && e.Container.Restarts == 1 })
	})
	if n := r.calls(runtimetest.VerbCreate); n != 1 {
		t.Errorf("it was created %d times", n)
	}
}

func TestADeltaWithAGapLeadsToAnotherHello(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	r.full(h, 5)
	r.send(wire.NodeDesired, wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: h.Session, Kind: wire.DesiredDelta, FromRev: 6, Rev: 7,
	})
	if again := r.hello(2); again.AppliedRev != 5 || again.Session != h.Session {
		t.Errorf("the second hello is %+v", again)
	}
}

func TestANewerRevisionInALeaseLeadsToAnotherHello(t *testing.T) {
	r := newRig(t)
	r.nothing(r.hello(1))
	r.change(func() { r.leases.Rev = 3 })
	r.hello(2)
}

func TestAnUnansweredHelloIsSaidAgain(t *testing.T) {
	r := newRig(t)
	r.hello(2)
}

func TestWhatIsMeantForAnotherSessionIsDropped(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	old, c := h, entry(idle)
	old.Session.Session--
	r.full(old, 9, c)
	r.command(old, wire.Command{Action: wire.ActionCreate, ContainerID: c.ID, Rev: 9})
	r.full(h, 1)
	r.until("the right set", func() bool {
		sum, err := r.ledger.Summary()
		return err == nil && sum.Accepted != 0
	})
	sum, err := r.ledger.Summary()
	r.ok(err)
	open, err := r.ledger.Open()
	r.ok(err)
	if sum.Accepted != 1 || len(open) != 0 {
		t.Errorf("accepted %d with %d commands, want 1 and none", sum.Accepted, len(open))
	}
}

func TestGarbageIsSurvived(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	for _, kind := range []wire.Kind{wire.NodeDesired, wire.NodeCommands, wire.NodeLease} {
		for _, payload := range []string{"", "{", `{"v":1}`, `{"v":9,"type":"command"}`, `{"v":1,"type":"desired","kind":"dance"}`} {
			r.ok(r.server.Publish(mqttlink.Message{Topic: wire.OfNode(kind, r.node).String(), QoS: 1, Payload: []byte(payload)}))
		}
	}
	r.command(h, wire.Command{ID: id.CommandID{}, Action: "dance"})
	c := entry(idle)
	r.full(h, 1, c)
	r.awaitPhase(c.ID, spec.Up)
}

func TestMissingSpecsArePulled(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := entry(idle)
	r.send(wire.NodeDesired, wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: h.Session, Kind: wire.DesiredFull, Rev: 1, Containers: []wire.DesiredContainer{c},
	})
	pull := next[wire.Pull](r, 1, wire.NodeSync, wire.TypePull)
	if d := cmp.Diff([]string{idle.Hash()}, pull.Hashes); d != "" || pull.Session != h.Session {
		t.Errorf("pulled %v", pull)
	}
	r.awaitPhase(c.ID, spec.Pending)
	r.send(wire.NodeDesired, wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: h.Session, Kind: wire.DesiredSpecs, Specs: map[string]spec.Container{idle.Hash(): idle},
	})
	r.awaitPhase(c.ID, spec.Up)
}

func TestTransientCommands(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := entry(idle)
	r.full(h, 1, c)
	r.awaitPhase(c.ID, spec.Up)
	restart := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionRestart, ContainerID: c.ID, Epoch: 1, Deadline: inAMinute()}
	r.command(h, restart)
	r.awaitReceipt(restart.ID, wire.Applied)
	r.command(h, restart)
	late := r.command(h, wire.Command{Action: wire.ActionRestart, ContainerID: c.ID, Epoch: 1, Deadline: time.Now().Add(-time.Second).UnixMilli()})
	r.awaitReceipt(late, wire.Expired)
	endless := r.command(h, wire.Command{Action: wire.ActionRestart, ContainerID: c.ID, Epoch: 1})
	r.awaitReceipt(endless, wire.FailedR)
	if n := r.calls(runtimetest.VerbStop); n != 1 {
		t.Errorf("it was stopped %d times, want once", n)
	}
}

func TestATransientCommandWaitsForTheFirstLease(t *testing.T) {
	r := newRigWith(t, wire.Lease{})
	h := r.hello(1)
	c := entry(idle)
	r.full(h, 1, c)
	r.awaitPhase(c.ID, spec.Up)
	restart := r.command(h, wire.Command{Action: wire.ActionRestart, ContainerID: c.ID, Epoch: 1, Deadline: inAMinute()})
	start := r.command(h, wire.Command{Action: wire.ActionStart, ContainerID: c.ID, Rev: 1})
	r.awaitReceipt(start, wire.Applied) // it came later, and did not wait
	if n := r.calls(runtimetest.VerbStop); n != 0 {
		t.Error("it was restarted before anybody could know whether it was too late")
	}
	r.change(func() { r.leases = calm })
	r.awaitReceipt(restart, wire.Applied)
}

func TestThreeUnansweredHeartbeatsMakeANewSession(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	r.nothing(h)
	r.change(func() { r.leases.NextHBMS = 0 })
	r.until("a later session", func() bool {
		hellos := all[wire.Hello](r, wire.NodeSync, wire.TypeHello)
		return newest(hellos).Session.Session > h.Session.Session
	})
	r.until("the will of the old one", func() bool {
		return slices.ContainsFunc(all[wire.Heartbeat](r, wire.NodeHeartbeat, wire.TypeHeartbeat), func(b wire.Heartbeat) bool {
			return b.Status == wire.Offline && b.Session == h.Session
		})
	})
}

// A node with a short window is given up soon: it has to find its way back
// before that.
func TestPausesAreNoLongerThanAHeartbeat(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	r.nothing(h)
	r.until("the second heartbeat, which a lease has asked for", func() bool {
		return newest(all[wire.Heartbeat](r, wire.NodeHeartbeat, wire.TypeHeartbeat)).Seq > 1
	})
	r.change(func() { r.pauses = nil })
	r.broker.Down()
	r.until("five attempts", func() bool { return len(r.pauses) >= 5 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if longest := slices.Max(r.pauses[:5]); longest != time.Second {
		t.Errorf("an agent that should be heard every second would wait for up to %s: %v", longest, r.pauses)
	}
}

func TestAPlannedStopSaysGoodbye(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	r.nothing(h)
	r.stop()
	r.until("the goodbye", func() bool {
		beats := all[wire.Heartbeat](r, wire.NodeHeartbeat, wire.TypeHeartbeat)
		last := newest(beats)
		return last.Status == wire.Offline && last.Session == h.Session
	})
}

func TestProgressIsTold(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := entry(idle)
	create := r.command(h, wire.Command{Action: wire.ActionCreate, ContainerID: c.ID, Rev: 1})
	r.nothing(h)
	r.awaitReceipt(create, wire.Delivered)
	r.full(h, 1, c)
	r.until("progress", func() bool {
		return slices.ContainsFunc(r.events(), func(e wire.Event) bool { return e.CommandID == create && e.Progress != nil })
	})
}

func TestLogsAreFollowedWhileSomebodyWatches(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	talker := idle
	talker.Command = runtimetest.Say("one", "two", "three")
	c := entry(talker)
	r.send(wire.NodeDesired, wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: h.Session, Kind: wire.DesiredFull, Rev: 1,
		Containers: []wire.DesiredContainer{c}, Specs: map[string]spec.Container{talker.Hash(): talker},
	})
	r.awaitPhase(c.ID, spec.Up)
	ask := wire.Command{Action: wire.ActionLogs, ContainerID: c.ID, Stream: "followed", Tail: 2, Follow: true, TTLMS: 30_000, Deadline: inAMinute()}
	r.command(h, ask)
	r.command(h, ask) // a renewal
	r.until("the tail", func() bool { return r.said("followed") == "two\nthree\n" })
	r.command(h, ask)
	r.until("where the stream is, for who lacks what was sent last", func() bool {
		return slices.ContainsFunc(all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs), func(l wire.LogChunk) bool {
			return l.Stream == "followed" && l.Lines == 0 && l.First == 5 // after its greeting and three lines
		})
	})

	ask.Stream, ask.Tail, ask.Follow = "once", 1, false
	r.command(h, ask)
	r.until("the end of what is not followed", func() bool {
		chunks := all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs)
		last := newest(chunks)
		return r.said("once") == "three\n" && last.EOF && last.Error == ""
	})
	if got := r.said("followed"); got != "two\nthree\n" {
		t.Errorf("the renewal began a second stream: %q", got)
	}
	ask.Stream, ask.ContainerID = "nowhere", id.New[id.ContainerID]()
	r.command(h, ask)
	r.until("the end of what was never begun", func() bool {
		return slices.ContainsFunc(all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs), func(l wire.LogChunk) bool {
			return l.Stream == "nowhere" && l.EOF && l.Error == ""
		})
	})
}

// TestALogGoesOnWhereItWas cuts the node off while its container prints, starts
// the agent anew, and asks for the rest: each line comes once.
func TestALogGoesOnWhereItWas(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := entry(idle)
	r.full(h, 1, c)
	r.awaitPhase(c.ID, spec.Up)
	ask := func(h wire.Hello, stream string, after wire.LogChunk) {
		r.command(h, wire.Command{
			Action: wire.ActionLogs, ContainerID: c.ID, Stream: stream, Book: after.Book, After: after.Last(), Tail: 100,
			Follow: true, TTLMS: 30_000, Deadline: inAMinute(),
		})
	}
	// on is the last chunk of a stream that has lines.
	on := func(stream string) (last wire.LogChunk) {
		for _, l := range all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs) {
			if l.Stream == stream && l.Lines > 0 {
				last = l
			}
		}
		return last
	}
	ask(h, "s1", wire.LogChunk{})
	r.until("the first line", func() bool { return r.said("s1") == "up\n" })
	r.broker.Down()
	r.engine.Print(c.ID, "while cut off")
	r.broker.Up(t)
	h = r.hello(2)
	r.nothing(h)
	ask(h, "s2", on("s1"))
	r.until("what was said meanwhile", func() bool { return r.said("s2") == "while cut off\n" })
	seen := on("s2")
	r.stop()
	r.engine.Print(c.ID, "while no agent ran")
	r.boot()
	h = r.hello(3)
	r.nothing(h)
	ask(h, "s3", seen)
	r.engine.Print(c.ID, "last")
	r.until("the rest", func() bool { return r.said("s3") == "while no agent ran\nlast\n" })
	if last := on("s3"); last.Last() != 4 || last.Book != seen.Book {
		t.Errorf("the last chunk is %+v", last)
	}
	again := wire.Command{
		Action: wire.ActionLogs, ContainerID: c.ID, Stream: "s3", Book: seen.Book, After: 2, Seek: true, Follow: true, TTLMS: 30_000, Deadline: inAMinute(),
	}
	r.command(h, again)
	r.until("the rest once more", func() bool {
		return r.said("s3") == "while no agent ran\nlast\nwhile no agent ran\nlast\n"
	})
}

// TestAFloodIsSentAsFarAsItIsKept prints more than a book takes: what comes is
// in order, and gaps say exactly what is missing.
func TestAFloodIsSentAsFarAsItIsKept(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := id.New[id.ContainerID]()
	r.command(h, wire.Command{Action: wire.ActionLogs, ContainerID: c, Stream: "s", Follow: true, TTLMS: 60_000, Deadline: inAMinute()})
	r.until("the beginning", func() bool { return len(all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs)) == 1 })
	const lines = 200_000
	for n := range lines {
		r.books.Append(c, console.Install, strconv.Itoa(n+1)+strings.Repeat(" flood", 20))
	}
	r.until("the last line", func() bool {
		return newest(all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs)).Last() == lines
	})
	at, got := uint64(0), 0
	for _, l := range all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs)[1:] {
		if l.Gap != nil && l.Gap.From == at+1 {
			at = l.Gap.To
		}
		if l.First != at+1 || l.Lines != strings.Count(l.Data, "\n") || l.Source != "install" || !strings.HasPrefix(l.Data, strconv.FormatUint(l.First, 10)+" ") {
			t.Fatalf("after line %d comes chunk %d: lines from %d, gap %+v, %.20q", at, l.Seq, l.First, l.Gap, l.Data)
		}
		at = l.Last()
		got += l.Lines
	}
	if got < console.KeepLines || got >= lines {
		t.Errorf("%d lines of %d came", got, lines)
	}
}

// said is what a stream has carried; r.mu is held, or nobody else is there.
func (r *rig) said(stream string) string {
	var text strings.Builder
	for _, chunk := range all[wire.LogChunk](r, wire.ContainerLogs, wire.TypeLogs) {
		if chunk.Stream == stream {
			text.WriteString(chunk.Data)
		}
	}
	return text.String()
}

func TestStatsAreSentWhileSomebodyWatches(t *testing.T) {
	r := newRig(t)
	h := r.hello(1)
	c := entry(idle)
	r.full(h, 1, c)
	r.awaitPhase(c.ID, spec.Up)
	r.command(h, wire.Command{Action: wire.ActionStats, ContainerID: c.ID, TTLMS: 30_000, Deadline: inAMinute()})
	sample := next[wire.Stats](r, 2, wire.ContainerStats, wire.TypeStats)
	if sample.MemoryLimit != int64(64*spec.MiB) || sample.Pids != 1 {
		t.Errorf("the sample is %+v", sample)
	}
}

func TestUsageIsOneMessage(t *testing.T) {
	r := newRig(t)
	got := next[wire.Usage](r, 1, wire.NodeUsage, wire.TypeUsage)
	if !got.At.Equal(r.usage.At) || len(got.Containers) != wire.MaxUsage {
		t.Errorf("told of %d containers at %s", len(got.Containers), got.At)
	}
	if size := len(wire.Encode(got)); size > wire.MaxPayload {
		t.Errorf("it takes %d bytes, and %d is the limit", size, wire.MaxPayload)
	}
}
