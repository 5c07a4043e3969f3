package failover

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// View is an open migration, and all that its next step depends on.
type View struct {
	Migration fleet.Migration
	Container fleet.Container
	Holder    Node // the node that the container is assigned to: the source, until the switch
	Source    Node // Migration.From
	Target    Node // Migration.To; zero without one

	Receipt wire.Receipt // of Migration.StopCommand
	Message string       // that came with it
	// FencedAt is when every lease began to be refused that could renew the
	// container on its holder, by the controller's monotonic clock; zero where
	// that is not known.
	FencedAt time.Time
	Hurry    bool // the drain that it belongs to is late: as with force
}

// Node is a node as a migration sees it.
type Node struct {
	ID      id.NodeID
	Name    string
	Cluster *id.ClusterID
	Arch    string
	State   fleet.NodeState
	Barred  bool          // it cannot be given anything: deleted, or without Docker
	Flapped bool          // it is in quarantine: given nothing but by force
	Held    string        // lost, but nothing may be concluded from that at present: why
	Window  time.Duration // silence after which it is lost
	Runs    bool          // it has come back and still ran the copy that it had
}

func (n Node) lost() bool { return n.State == fleet.NodeUnhealthy }

// usable reports whether a node that was chosen is still good for a start.
// Whom force has sent into quarantine stays good there: placement would choose
// it again.
func (v View) usable(n Node) bool {
	forced := v.Migration.Force && v.Migration.Kind == fleet.KindManual
	return n.State == fleet.NodeHealthy && !n.Barred && (!n.Flapped || forced)
}

// called is a node's name for people.
func (n Node) called() string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID.String()
}

func (v View) exclusive() bool { return v.Migration.Policy == fleet.Exclusive }

func (v View) standard() bool { return v.Migration.Policy == "" }

func (v View) forced() bool { return v.Migration.Force || v.Hurry }

// switched reports whether the container has changed its place at least once.
func (v View) switched() bool { return v.Migration.ToEpoch != 0 }

// atHome reports whether the container is assigned to where it came from.
func (v View) atHome() bool { return v.Container.NodeID == v.Migration.From }

// gone reports whether there is nothing left to be moved.
func (v View) gone() bool { return v.Container.DeletedAt != nil || v.Container.Power == spec.Absent }

// planned reports whether somebody wanted the move, and not a loss: only
// then is there a way back.
func planned(k fleet.MigrationKind) bool { return k != fleet.KindFailover }

// seen is what the holder has said of the container under its present epoch.
func (v View) seen() (wire.ContainerStatus, bool) {
	o := v.Container.Observed
	if o == nil || o.Epoch != v.Container.Epoch {
		return wire.ContainerStatus{}, false
	}
	return *o, true
}

// runs reports whether the holder was last seen to run the container under
// its present epoch.
func (v View) runs() bool {
	o, ok := v.seen()
	return ok && o.Phase == spec.Up
}

// Proof is why a container may be taken from its holder.
type Proof string

// The proofs. An exclusive one needs one of the first three.
const (
	NoProof   Proof = ""
	Confirmed Proof = "confirmed" // the holder says that it has stopped
	Silent    Proof = "silent"    // the holder is lost, and is to be seized before anything is committed
	Fenced    Proof = "fenced"    // no lease was renewed for the holder's whole window
	Unneeded  Proof = "unneeded"  // two copies may be there for a while
)

// proof finds out whether the container may be taken from its holder now, or
// why it may not.
func (v View) proof(now time.Time) (Proof, string) {
	m, h := v.Migration, v.Holder
	evicted := m.StopRev != 0
	switch {
	case evicted && v.Receipt == wire.Applied:
		return Confirmed, ""
	case h.lost() && v.standard() && !v.forced():
		return NoProof, "node " + h.called() + " is lost, and a standard container is taken from it only with force"
	case h.lost() && h.Held != "":
		return NoProof, "held: " + h.Held
	case h.lost():
		return Silent, ""
	case !v.exclusive() && (v.forced() || m.Overlap || (!v.standard() && !v.atHome())):
		return Unneeded, ""
	case evicted && m.State != fleet.MigrationStopping && !v.FencedAt.IsZero() && !now.Before(v.FencedAt.Add(h.Window)):
		return Fenced, ""
	}
	return NoProof, ""
}
