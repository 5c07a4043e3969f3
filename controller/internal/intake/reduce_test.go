package intake

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

var (
	container = id.New[id.ContainerID]()
	command   = id.New[id.CommandID]()
)

func stateEvent(seq uint64, epoch, generation int64, phase spec.Phase) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventContainerState, Container: &wire.ContainerStatus{
		ID: container, Epoch: epoch, Generation: generation, Phase: phase,
	}}
}

func receiptEvent(seq uint64, r wire.Receipt) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventCommandReceipt, CommandID: command, Receipt: r}
}

func progressEvent(percent int, step string) wire.Event {
	return wire.Event{Type: wire.EventCommandProgress, CommandID: command, Progress: &wire.Progress{Percent: percent, Step: step}}
}

func resultEvent(seq uint64, status, message string) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventCommandResult, CommandID: command, Status: status, Result: &wire.Result{Message: message}}
}

func TestReduce(t *testing.T) {
	status := func(epoch, generation int64, phase spec.Phase) []wire.ContainerStatus {
		return []wire.ContainerStatus{*stateEvent(0, epoch, generation, phase).Container}
	}
	note := func(r wire.Receipt, message string) []store.ReceiptNote {
		return []store.ReceiptNote{{Command: command, Receipt: r, Message: message}}
	}
	for name, c := range map[string]struct {
		items  []wire.Event
		last   uint64
		want   store.Report
		faults int
	}{
		"nothing":           {},
		"the latest state":  {items: []wire.Event{stateEvent(1, 1, 1, spec.Starting), stateEvent(2, 1, 1, spec.Up)}, want: store.Report{Head: 2, States: status(1, 1, spec.Up)}},
		"an older epoch":    {items: []wire.Event{stateEvent(1, 2, 1, spec.Up), stateEvent(2, 1, 5, spec.Down)}, want: store.Report{Head: 2, States: status(2, 1, spec.Up)}},
		"an older spec":     {items: []wire.Event{stateEvent(1, 1, 2, spec.Up), stateEvent(2, 1, 1, spec.Down)}, want: store.Report{Head: 2, States: status(1, 2, spec.Up)}},
		"taken in before":   {items: []wire.Event{stateEvent(3, 1, 1, spec.Up), stateEvent(4, 1, 1, spec.Down)}, last: 4, want: store.Report{}},
		"partly":            {items: []wire.Event{stateEvent(4, 1, 1, spec.Up), stateEvent(5, 1, 1, spec.Down)}, last: 4, want: store.Report{Head: 5, States: status(1, 1, spec.Down)}},
		"a receipt":         {items: []wire.Event{receiptEvent(1, wire.Delivered), resultEvent(2, "success", "")}, want: store.Report{Head: 2, Receipts: note(wire.Applied, "")}},
		"a final word":      {items: []wire.Event{resultEvent(1, "error", "why"), receiptEvent(2, wire.Delivered)}, want: store.Report{Head: 2, Receipts: note(wire.FailedR, "why")}},
		"progress":          {items: []wire.Event{progressEvent(10, "a"), progressEvent(500, "b")}, last: 9, want: store.Report{Progress: []store.ProgressNote{{Command: command, Percent: 100, Step: "b"}}}},
		"a later version":   {items: []wire.Event{{Seq: 3, Type: "news"}}, want: store.Report{Head: 3}},
		"no container":      {items: []wire.Event{{Seq: 3, Type: wire.EventContainerState}}, want: store.Report{Head: 3}, faults: 1},
		"no such phase":     {items: []wire.Event{stateEvent(3, 1, 1, "dancing")}, want: store.Report{Head: 3}, faults: 1},
		"not for an agent":  {items: []wire.Event{receiptEvent(3, wire.Queued)}, want: store.Report{Head: 3}, faults: 1},
		"no command":        {items: []wire.Event{{Seq: 3, Type: wire.EventCommandReceipt, Receipt: wire.Applied}}, want: store.Report{Head: 3}, faults: 1},
		"no progress":       {items: []wire.Event{{Type: wire.EventCommandProgress, CommandID: command}}, faults: 1},
		"beyond all bounds": {items: []wire.Event{stateEvent(1<<63, 1, 1, spec.Up)}, faults: 1},
	} {
		got, faults := reduce(c.items, c.last)
		if d := cmp.Diff(c.want, got); d != "" || faults != c.faults {
			t.Errorf("%s: %d faults\n%s", name, faults, d)
		}
	}
}

func TestClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, size := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text")), rapid.IntRange(0, 20).Draw(t, "size")
		got := clean(in, size)
		if len(got) > size || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("%q became %q", in, got)
		}
	})
}
