package intake

import (
	"math"
	"strings"

	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// reduce boils the items of a message down to what they come to: the newest
// state of each container, the furthest receipt of each command. Items up to
// last were taken in before. Items that make no sense are left out and
// counted; they must not keep those behind them from being acknowledged.
func reduce(items []wire.Event, last uint64) (report store.Report, faults int) {
	r := reducer{
		states:   map[id.ContainerID]int{},
		receipts: map[id.CommandID]int{},
		progress: map[id.CommandID]int{},
	}
	for _, e := range items {
		if e.Seq != 0 && e.Seq <= last {
			continue
		}
		if !r.take(e) {
			faults++
		}
	}
	return r.report, faults
}

// reducer is a report in the making, and where in it each thing is.
type reducer struct {
	report   store.Report
	states   map[id.ContainerID]int
	receipts map[id.CommandID]int
	progress map[id.CommandID]int
}

// take reports false for an item that makes no sense. One of a type that is
// not known comes from a later version, and is let pass.
func (r *reducer) take(e wire.Event) bool {
	if e.Seq > math.MaxInt64 {
		return false
	}
	r.report.Head = max(r.report.Head, e.Seq)
	switch e.Type {
	case wire.EventContainerState:
		s, ok := stateOf(e)
		return ok && put(r.states, s.ID, &r.report.States, s, func(now wire.ContainerStatus) bool { return !older(s, now) })
	case wire.EventCommandReceipt, wire.EventCommandResult:
		n, ok := receiptOf(e)
		return ok && put(r.receipts, n.Command, &r.report.Receipts, n, func(now store.ReceiptNote) bool { return !now.Receipt.Final() })
	case wire.EventCommandProgress:
		n, ok := progressOf(e)
		return ok && put(r.progress, n.Command, &r.report.Progress, n, func(store.ProgressNote) bool { return true })
	}
	return true
}

// put adds item, or puts it in the place of the one under its key where that
// gives way. It reports true, for the caller's convenience.
func put[K comparable, V any](at map[K]int, key K, list *[]V, item V, givesWay func(now V) bool) bool {
	i, seen := at[key]
	switch {
	case !seen:
		at[key] = len(*list)
		*list = append(*list, item)
	case givesWay((*list)[i]):
		(*list)[i] = item
	}
	return true
}

// older orders states by place, then by spec; later in the outbox is newer.
func older(s, than wire.ContainerStatus) bool {
	if s.Epoch != than.Epoch {
		return s.Epoch < than.Epoch
	}
	return s.Generation < than.Generation
}

func stateOf(e wire.Event) (wire.ContainerStatus, bool) {
	if e.Container == nil || e.Container.ID.IsZero() || !known(e.Container.Phase) {
		return wire.ContainerStatus{}, false
	}
	s := *e.Container
	s.Reason, s.DockerID = clean(s.Reason, 1000), clean(s.DockerID, 100)
	return s, true
}

func known(p spec.Phase) bool {
	switch p {
	case spec.Pending, spec.Pulling, spec.Installing, spec.Creating, spec.Starting, spec.Up, spec.Stopping, spec.Down,
		spec.Crashed, spec.Failed, spec.Removed:
		return true
	}
	return false
}

func receiptOf(e wire.Event) (store.ReceiptNote, bool) {
	n := store.ReceiptNote{Command: e.CommandID, Receipt: e.Receipt}
	if e.Result != nil {
		n.Message = clean(e.Result.Message, 2000)
	}
	if n.Receipt == "" && e.Status == "success" {
		n.Receipt = wire.Applied
	}
	if n.Receipt == "" && e.Status == "error" {
		n.Receipt = wire.FailedR
	}
	switch n.Receipt {
	case wire.Delivered, wire.Applied, wire.FailedR, wire.Expired, wire.Superseded:
		return n, !n.Command.IsZero()
	case wire.Queued:
	}
	return n, false
}

func progressOf(e wire.Event) (store.ProgressNote, bool) {
	if e.Progress == nil || e.CommandID.IsZero() {
		return store.ProgressNote{}, false
	}
	return store.ProgressNote{
		Command: e.CommandID,
		Percent: min(max(e.Progress.Percent, -1), 100),
		Step:    clean(e.Progress.Step, 200),
	}, true
}

// clean makes text from outside fit for the database: no zero bytes, which
// it refuses, and not more than size bytes.
func clean(s string, size int) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) > size {
		s = s[:size]
	}
	return strings.ToValidUTF8(s, "")
}
