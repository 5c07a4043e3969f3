package dispatch

import (
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

const (
	maxDelta  = 1000      // changed containers; more are sent as the full list
	maxInline = 50        // containers whose specs travel with the list; of more, the agent pulls what it lacks
	maxPart   = 400 << 10 // bytes of a message, below wire.MaxPayload
)

// situation is what both ends have, at the moment of a hello.
type situation struct {
	hello     wire.Hello
	all       store.Desired
	changes   store.Desired
	misplaced []wire.ContainerRef
}

// answer is what the agent is to be told.
type answer struct {
	kind       string
	fromRev    int64
	rev        int64
	containers []wire.DesiredContainer
	removed    []wire.ContainerRef
}

// decide finds the least that brings the agent up to date. Revisions alone
// are not believed: the digest tells when a record was lost at either end.
func (s situation) decide() answer {
	a := answer{rev: s.all.Rev, removed: s.misplaced}
	inSync := s.hello.AppliedRev == s.all.Rev && s.hello.Digest == wire.Digest(s.all.Containers)
	switch {
	case inSync && len(s.misplaced) == 0:
		a.kind = wire.DesiredNothing
	case s.hello.AppliedRev > 0 && s.hello.AppliedRev < s.all.Rev && s.changes.Complete && len(s.misplaced) == 0:
		a.kind, a.fromRev, a.containers = wire.DesiredDelta, s.hello.AppliedRev, s.changes.Containers
	default:
		a.kind, a.containers = wire.DesiredFull, s.all.Containers
	}
	return a
}

// wanted are the hashes of the specs that go along with an answer.
func (a answer) wanted() []string {
	if len(a.containers) > maxInline {
		return nil
	}
	var hashes []string
	for _, c := range a.containers {
		if c.Power != spec.Absent {
			hashes = append(hashes, c.SpecHash)
		}
	}
	return hashes
}

// messages puts an answer into as many messages as it takes. Only a full
// list has parts; a delta that is too large goes without specs.
func (a answer) messages(session wire.Session, specs map[string]spec.Container) []wire.Desired {
	whole := wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: session, Kind: a.kind, FromRev: a.fromRev, Rev: a.rev,
		Containers: a.containers, Specs: specs,
	}
	if a.kind != wire.DesiredFull {
		if len(specs) > 0 && len(wire.Encode(whole)) > maxPart {
			whole.Specs = nil
		}
		return []wire.Desired{whole}
	}
	whole.Containers, whole.Specs = nil, nil
	parts := []wire.Desired{whole}
	size := 0
	for _, c := range a.containers {
		text := len(wire.Encode(c))
		s, inline := specs[c.SpecHash]
		if inline {
			text += len(wire.Encode(s)) + len(c.SpecHash) + 4
		}
		if size+text > maxPart && size > 0 {
			parts, size = append(parts, whole), 0
		}
		last := &parts[len(parts)-1]
		last.Containers = append(last.Containers, c)
		if inline {
			last.Specs = with(last.Specs, c.SpecHash, s)
		}
		size += text
	}
	parts[0].Removed = a.removed
	for i := range parts {
		parts[i].Part, parts[i].Parts = i+1, len(parts)
	}
	return parts
}

// specMessages answers a pull, in as many messages as it takes.
func specMessages(session wire.Session, specs map[string]spec.Container) []wire.Desired {
	empty := wire.Desired{Header: wire.Head(wire.TypeDesired), Session: session, Kind: wire.DesiredSpecs}
	var out []wire.Desired
	size := 0
	for hash, s := range specs {
		text := len(wire.Encode(s)) + len(hash) + 4
		if len(out) == 0 || size+text > maxPart {
			out, size = append(out, empty), 0
		}
		last := &out[len(out)-1]
		last.Specs = with(last.Specs, hash, s)
		size += text
	}
	return out
}

func with(specs map[string]spec.Container, hash string, s spec.Container) map[string]spec.Container {
	if specs == nil {
		specs = map[string]spec.Container{}
	}
	specs[hash] = s
	return specs
}

// commandPayload is a command as it goes to the agent of a session. What is
// made is told for those who watch, and left out where it is too much.
func commandPayload(session wire.Session, c store.OpenCommand) []byte {
	payload := wire.Encode(commandMessage(session, c))
	if len(payload) > maxPart {
		c.Spec = nil
		payload = wire.Encode(commandMessage(session, c))
	}
	return payload
}

func commandMessage(session wire.Session, c store.OpenCommand) wire.Command {
	m := wire.Command{
		Header: wire.Head(wire.TypeCommand), Session: session, ID: c.ID, Action: c.Action,
		Epoch: c.Epoch, Generation: c.Generation, Rev: c.Rev, Input: c.Input,
	}
	if c.ContainerID != nil {
		m.ContainerID = *c.ContainerID
	}
	if c.Deadline != nil {
		m.Deadline = c.Deadline.UnixMilli()
	}
	if c.Spec != nil {
		m.EggConfig = &wire.EggConfig{Image: c.Spec.Image, Ports: c.Spec.Ports, Volumes: c.Spec.Volumes}
		m.Resources, m.Environment = &c.Spec.Resources, c.Spec.PublicEnv()
	}
	return m
}
