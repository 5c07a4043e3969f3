package link

import (
	"context"
	"errors"
	"time"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

const (
	helloPatience = 3 * time.Second        // with the first look at the engine, before hello
	helloAgain    = 5 * time.Second        // without an answer
	helloSpacing  = time.Second            // between hellos, whatever happens
	behindGrace   = 2 * time.Second        // a delta may be on its way already
	pullAgain     = 5 * time.Second        // while specs are lacking
	infoPatience  = 500 * time.Millisecond // for the engine's version
	maxPull       = 500                    // hashes in one message
)

// syncer is the state of the sync loop, which alone uses it.
type syncer struct {
	*conn
	accepted    int64     // the revision in the ledger
	helloAt     time.Time // when hello is due; zero: not
	lastHello   time.Time
	behindSince time.Time
	pullAt      time.Time // when specs are to be asked for again; zero: none lack
	parts       map[int]wire.Desired
	waiting     []wire.Command // until the controller's clock is known
}

// sync is the loop that brings the ledger up to date.
func (c *conn) sync() {
	s := &syncer{conn: c}
	c.awaitLook(helloPatience)
	looked, timed := c.Reconciler.FirstLook(), c.timed
	if c.looked() {
		looked = nil
	}
	s.refresh()
	s.hello()
	for {
		timer := time.NewTimer(s.wait(time.Now()))
		select {
		case <-c.ctx.Done():
			timer.Stop()
			return
		case l := <-c.letters:
			s.open(l)
		case <-c.behind.C():
			s.noteBehind()
		case <-looked: // only now is it known which containers are strays
			looked = nil
			s.wantHello(0)
		case <-timed:
			timed = nil
			s.carryOn()
		case <-timer.C:
		}
		timer.Stop()
		s.tick(time.Now())
	}
}

// wait is how long until something is due.
func (s *syncer) wait(now time.Time) time.Duration {
	least := time.Hour
	for _, at := range []time.Time{s.helloAt, s.pullAt} {
		if !at.IsZero() {
			least = min(least, at.Sub(now))
		}
	}
	if !s.behindSince.IsZero() {
		least = min(least, s.behindSince.Add(behindGrace).Sub(now))
	}
	return max(0, least)
}

// tick does what is due.
func (s *syncer) tick(now time.Time) {
	if !s.behindSince.IsZero() && now.Sub(s.behindSince) >= behindGrace {
		s.behindSince = time.Time{}
		s.wantHello(0)
	}
	if !s.helloAt.IsZero() && !now.Before(s.helloAt) {
		s.hello()
	}
	if !s.pullAt.IsZero() && !now.Before(s.pullAt) {
		s.pull()
	}
}

// wantHello has hello said after d, or a little later if it was just said.
func (s *syncer) wantHello(d time.Duration) {
	at := time.Now().Add(d)
	if spaced := s.lastHello.Add(helloSpacing); at.Before(spaced) {
		at = spaced
	}
	if s.helloAt.IsZero() || at.Before(s.helloAt) {
		s.helloAt = at
	}
}

// hello tells what the node is and has; the answer brings it up to date.
func (s *syncer) hello() {
	s.parts = nil
	s.lastHello = time.Now()
	s.helloAt = s.lastHello.Add(helloAgain)
	sum, err := s.Ledger.Summary()
	if err != nil {
		s.Log.Error("the ledger cannot be read; hello waits", "error", err)
		return
	}
	view := s.Reconciler.View()
	err = s.conn.publish(wire.OfNode(wire.NodeSync, s.Node), wire.Hello{
		Header: wire.Head(wire.TypeHello), Session: s.session, NodeID: s.Node,
		AppliedRev: sum.Applied, Digest: sum.Digest, LedgerID: s.Ledger.ID(),
		AgentVersion: s.Version, DockerVersion: s.engineVersion(), Hostname: s.Machine.Hostname,
		MachineID: s.Machine.MachineID, Arch: s.Machine.Arch, HostBootID: s.Machine.BootID, Present: view.Present, Telemetry: s.telemetry(),
	})
	if err != nil {
		s.Log.Debug("hello not sent", "error", err)
	}
}

func (s *syncer) engineVersion() string {
	if !s.Reconciler.View().EngineOK {
		return ""
	}
	ctx, cancel := context.WithTimeout(s.ctx, infoPatience)
	defer cancel()
	info, err := s.Engine.Info(ctx)
	if err != nil {
		return "" // it is told with the next hello
	}
	return info.Version
}

// noteBehind is called when a lease spoke of a newer revision.
func (s *syncer) noteBehind() {
	if s.newest.Load() > s.accepted && s.behindSince.IsZero() {
		s.behindSince = time.Now()
	}
}

// refresh reads how far the ledger is and what it lacks.
func (s *syncer) refresh() {
	d, err := s.Ledger.Desired()
	if err != nil {
		s.Log.Error("the ledger cannot be read", "error", err)
		return
	}
	s.accepted = d.Rev
	s.Permits.Claim(d)
	if s.newest.Load() <= s.accepted {
		s.behindSince = time.Time{}
	}
	s.pullAt = time.Time{}
	if len(d.Lacking()) > 0 {
		s.pullAt = time.Now()
	}
}

// pull asks for the specs that are lacking.
func (s *syncer) pull() {
	d, err := s.Ledger.Desired()
	if err != nil {
		s.Log.Error("the ledger cannot be read", "error", err)
		return
	}
	hashes := d.Lacking()
	if len(hashes) == 0 {
		s.pullAt = time.Time{}
		return
	}
	s.pullAt = time.Now().Add(pullAgain)
	err = s.conn.publish(wire.OfNode(wire.NodeSync, s.Node), wire.Pull{
		Header: wire.Head(wire.TypePull), Session: s.session, Hashes: hashes[:min(len(hashes), maxPull)],
	})
	if err != nil {
		s.Log.Debug("pull not sent", "error", err)
	}
}

// open reads a message that changes something.
func (s *syncer) open(l letter) {
	if l.kind == wire.NodeCommands {
		command, err := wire.Decode[wire.Command](l.payload, wire.TypeCommand)
		switch {
		case err != nil:
			s.Log.Warn("a command cannot be read", "error", err)
		case command.Session == s.session:
			s.command(command)
		}
		return
	}
	d, err := wire.Decode[wire.Desired](l.payload, wire.TypeDesired)
	switch {
	case err != nil:
		s.Log.Warn("a desired set cannot be read", "error", err)
	case d.Session == s.session:
		s.desired(d)
	}
}

func (s *syncer) desired(d wire.Desired) {
	switch d.Kind {
	case wire.DesiredNothing:
		s.answered()
	case wire.DesiredSpecs:
		s.specs(d.Specs)
	case wire.DesiredDelta:
		s.accept(d)
	case wire.DesiredFull:
		if whole, complete := s.collect(d); complete {
			s.accept(whole)
		}
	default:
		s.Log.Warn("a desired set of a kind that this agent does not know: update it", "kind", d.Kind)
	}
}

// answered is called when hello has led to something.
func (s *syncer) answered() {
	if !s.isSynced() {
		close(s.synced)
	}
	s.helloAt = time.Time{}
	s.refresh()
}

// collect puts the parts of a full list together. Those of another revision
// belong to an answer that was overtaken.
func (s *syncer) collect(d wire.Desired) (wire.Desired, bool) {
	if d.Parts <= 1 {
		return d, true
	}
	if d.Part < 1 || d.Part > d.Parts {
		return d, false
	}
	for _, other := range s.parts {
		if other.Rev != d.Rev || other.Parts != d.Parts {
			s.parts = nil
			break
		}
	}
	if s.parts == nil {
		s.parts = map[int]wire.Desired{}
	}
	s.parts[d.Part] = d
	if len(s.parts) < d.Parts {
		return d, false
	}
	whole := d
	whole.Containers, whole.Removed, whole.Specs = nil, nil, map[string]spec.Container{}
	for _, part := range s.parts {
		whole.Containers = append(whole.Containers, part.Containers...)
		whole.Removed = append(whole.Removed, part.Removed...)
		for hash, container := range part.Specs {
			whole.Specs[hash] = container
		}
	}
	s.parts = nil
	return whole, true
}

func (s *syncer) accept(d wire.Desired) {
	stale, err := s.Ledger.Accept(d)
	switch {
	case errors.Is(err, ledger.ErrGap):
		s.wantHello(0)
		return
	case errors.Is(err, ledger.ErrOutOfDate) && d.Kind == wire.DesiredFull:
		s.Log.Error("the controller has an older revision than this node: it was restored from a backup; nothing is changed here",
			"its_rev", d.Rev, "our_rev", s.accepted)
		s.answered()
		return
	case errors.Is(err, ledger.ErrOutOfDate):
		return
	case err != nil:
		s.Log.Error("the desired set was not accepted; it is asked for again", "error", err)
		s.wantHello(helloAgain)
		return
	}
	for _, c := range stale {
		s.Log.Error("the controller wants a container at an older epoch than this node has seen: left out", "container", c)
	}
	s.Log.Info("desired set accepted", "kind", d.Kind, "rev", d.Rev, "containers", len(d.Containers))
	s.answered()
	s.Reconciler.Wake()
	s.beat.Up() // its answer is the first that renews what this set claims
}

// specs takes in what was pulled.
func (s *syncer) specs(specs map[string]spec.Container) {
	for hash, container := range specs {
		if container.Hash() != hash {
			s.Log.Error("the spec of a container has parts that this agent does not know: update it", "name", container.Name)
		}
	}
	if err := s.Ledger.AddSpecs(specs); err != nil {
		s.Log.Error("specs were not kept; they are asked for again", "error", err)
		return
	}
	if d, err := s.Ledger.Desired(); err == nil {
		s.Permits.Claim(d)
		if len(d.Lacking()) == 0 {
			s.pullAt = time.Time{}
		}
	}
	s.Reconciler.Wake()
	s.beat.Up()
}
