package sim

import (
	"slices"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// ledger is what an agent has on disk. It follows agent/internal/ledger,
// whose rules it restates, as that room is not ours to import.
type ledger struct {
	id       string
	session  uint64
	accepted int64
	applied  int64
	desired  map[id.ContainerID]wire.DesiredContainer
	epochs   map[id.ContainerID]int64
	ran      map[id.ContainerID]int // the boot in which it last ran
	commands []*heldCommand
	outbox   []wire.Event
	seq      uint64
	told     map[id.ContainerID]wire.ContainerStatus
}

type heldCommand struct {
	wire.Command
	over bool
}

func newLedger(name string) ledger {
	return ledger{
		id: name, desired: map[id.ContainerID]wire.DesiredContainer{}, epochs: map[id.ContainerID]int64{},
		ran: map[id.ContainerID]int{}, told: map[id.ContainerID]wire.ContainerStatus{},
	}
}

// accept writes a desired set down. It reports false where one in between was
// missed, so that hello is due.
func (l *ledger) accept(d wire.Desired, cast []*container, r Rules) bool {
	switch {
	case d.Rev < l.accepted && !r.NoRevOrder:
		return true // older: dropped
	case d.Kind == wire.DesiredDelta && d.FromRev > l.accepted && !r.NoRevOrder:
		return false
	}
	set := d.Containers
	if d.Kind == wire.DesiredFull {
		set = l.withTakeAways(d, cast)
	}
	for _, c := range set {
		if c.Epoch < l.epochs[c.ID] && !r.NoEpochCheck {
			continue
		}
		l.epochs[c.ID] = c.Epoch
		l.desired[c.ID] = c
	}
	l.accepted = d.Rev
	return true
}

func (l *ledger) withTakeAways(d wire.Desired, cast []*container) []wire.DesiredContainer {
	listed := map[id.ContainerID]bool{}
	for _, c := range d.Containers {
		listed[c.ID] = true
	}
	set := slices.Clone(d.Containers)
	for _, who := range cast {
		if c, ours := l.desired[who.id]; ours && !listed[c.ID] {
			listed[c.ID] = true
			c.Power = spec.Absent
			set = append(set, c)
		}
	}
	for _, ref := range d.Removed {
		if !listed[ref.ID] {
			listed[ref.ID] = true
			set = append(set, wire.DesiredContainer{ID: ref.ID, Epoch: ref.Epoch, Power: spec.Absent})
		}
	}
	return set
}

// digest is that of the desired set.
func (l *ledger) digest(cast []*container) string {
	var set []wire.DesiredContainer
	for _, c := range cast {
		if d, ok := l.desired[c.id]; ok {
			set = append(set, d)
		}
	}
	return wire.Digest(set)
}

// take remembers a command; one that is known is not taken twice.
func (l *ledger) take(c wire.Command) {
	for _, known := range l.commands {
		if known.ID == c.ID {
			return
		}
	}
	l.commands = append(l.commands, &heldCommand{Command: c})
	l.append(wire.Event{Type: wire.EventCommandReceipt, CommandID: c.ID, Receipt: wire.Delivered})
}

// settle ends the commands for a container up to a revision.
func (l *ledger) settle(c id.ContainerID, upTo int64, receipt wire.Receipt) {
	for _, k := range l.commands {
		if k.ContainerID == c && !k.over && k.Rev <= upTo {
			k.over = true
			l.append(wire.Event{Type: wire.EventCommandResult, CommandID: k.ID, Receipt: receipt})
		}
	}
}

// awaited reports whether a command waits for the outcome of a revision.
func (l *ledger) awaited(c id.ContainerID, rev int64) bool {
	return slices.ContainsFunc(l.commands, func(k *heldCommand) bool { return k.ContainerID == c && !k.over && k.Rev <= rev })
}

// observe puts a container's state into the outbox where it is news.
func (l *ledger) observe(s wire.ContainerStatus) {
	if l.told[s.ID] == s {
		return
	}
	l.told[s.ID] = s
	l.append(wire.Event{Type: wire.EventContainerState, Container: &s})
	if s.Phase == spec.Removed {
		delete(l.desired, s.ID)
		delete(l.told, s.ID)
	}
}

func (l *ledger) append(e wire.Event) {
	l.seq++
	e.Seq = l.seq
	l.outbox = append(l.outbox, e)
}

// acked forgets what the controller has written down.
func (l *ledger) acked(seq uint64) {
	for len(l.outbox) > 0 && l.outbox[0].Seq <= seq {
		l.outbox = l.outbox[1:]
	}
}
