package link

import (
	"errors"
	"time"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// command takes in one command of this session.
func (s *syncer) command(c wire.Command) {
	switch {
	case c.Action.Unrecorded():
		s.streamed(c)
	case !c.Action.Transient():
		if _, taken := s.take(c); taken {
			s.Reconciler.Wake()
		}
	default:
		s.transient(c)
	}
}

// streamed starts or renews a stream, unless the command was long on its way.
func (s *syncer) streamed(c wire.Command) {
	if left, known := s.clock.until(c.Deadline, s.Elapsed()); known && c.Deadline != 0 && left <= 0 {
		return
	}
	s.streams.open(c)
}

// transient hands a command over that must not be carried out late. Before
// the first lease of a session nobody knows how late it is.
func (s *syncer) transient(c wire.Command) {
	left, known := s.clock.until(c.Deadline, s.Elapsed())
	if !known {
		s.waiting = append(s.waiting, c)
		return
	}
	fresh, taken := s.take(c)
	switch {
	case !taken || !fresh:
	case c.Deadline == 0:
		s.refuse(c, wire.FailedR, "the command came without a deadline, and without one it is not carried out")
	case left <= 0:
		s.refuse(c, wire.Expired, "it reached the node after its deadline: ask again")
	default:
		s.Reconciler.Ask(reconcile.Ask{
			Command: c.ID, Action: c.Action, Container: c.ContainerID, Epoch: c.Epoch, Rev: c.Rev,
			Before: time.Now().Add(left), Input: c.Input,
		})
	}
}

// carryOn takes the commands that waited for the controller's clock.
func (s *syncer) carryOn() {
	waiting := s.waiting
	s.waiting = nil
	for _, c := range waiting {
		s.transient(c)
	}
}

// take writes a command down. It reports whether it is new, and whether it
// could be taken at all.
func (s *syncer) take(c wire.Command) (fresh, taken bool) {
	if c.ID.IsZero() {
		s.Log.Warn("a command came without an id: dropped", "action", c.Action)
		return false, false
	}
	fresh, err := s.Ledger.Take(c)
	switch {
	case errors.Is(err, ledger.ErrFull):
		s.Log.Warn("command not taken", "command", c.ID, "error", err)
	case err != nil:
		s.Log.Error("command not taken", "command", c.ID, "error", err)
	}
	return fresh, err == nil
}

func (s *syncer) refuse(c wire.Command, receipt wire.Receipt, why string) {
	if err := s.Ledger.Finish(c.ID, receipt, wire.Result{Message: why}); err != nil {
		s.Log.Error("the outcome of a command is lost", "command", c.ID, "error", err)
	}
}

// progress is how far the making of a container is.
type progress struct {
	container id.ContainerID
	wire.Progress
}

// Progress tells people, if anybody can hear it, how far the making of a
// container is. It never blocks.
func (l *Link) Progress(c id.ContainerID, p wire.Progress) {
	select {
	case l.progress <- progress{c, p}:
	default:
	}
}

// progressEvery is how often people hear of one container.
const progressEvery = 500 * time.Millisecond

// report is the loop that tells progress. It is news that is not kept.
func (c *conn) report() {
	last := map[id.ContainerID]time.Time{}
	for {
		select {
		case <-c.ctx.Done():
			return
		case p := <-c.progress:
			if time.Since(last[p.container]) < progressEvery {
				continue
			}
			clear(last)
			last[p.container] = time.Now()
			c.tellProgress(p)
		}
	}
}

func (c *conn) tellProgress(p progress) {
	open, err := c.Ledger.Open()
	if err != nil {
		return // the loops that need the ledger say so
	}
	var items []wire.Event
	for _, o := range open {
		if o.ContainerID == p.container && !o.Action.Transient() {
			items = append(items, wire.Event{
				Type: wire.EventCommandProgress, At: time.Now().UTC(), CommandID: o.ID, Progress: &p.Progress,
			})
		}
	}
	if len(items) == 0 {
		return
	}
	err = c.publish(wire.OfNode(wire.NodeEvents, c.Node), wire.Events{
		Header: wire.Head(wire.TypeEvents), Session: c.session, LedgerID: c.Ledger.ID(), Items: items,
	})
	if err != nil {
		c.Log.Debug("progress not told", "error", err)
	}
}
