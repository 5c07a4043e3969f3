package app

import (
	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
)

// warden is the registry as actions wants to see it.
type warden struct{ *liveness.Registry }

// Fleet implements actions.Warden.
func (w warden) Fleet() actions.FleetView {
	f := w.Registry.Fleet()
	view := actions.FleetView{
		Held: f.Held, Kind: string(f.Kind), Reason: f.Reason, Since: f.Since, Holds: make([]actions.Hold, len(f.Holds)),
		Joined: f.Joined, Talking: f.Talking, Silent: f.Silent, Lost: f.Lost, Quarantined: f.Quarantined,
		GraceUntil: f.GraceUntil, Authority: f.Authority, Open: f.Open, Term: f.Term,
	}
	for i, h := range f.Holds {
		view.Holds[i] = actions.Hold{Kind: string(h.Kind), Cluster: h.Cluster, Reason: h.Reason, Since: h.Since}
	}
	return view
}

// Outlook implements actions.Warden.
func (w warden) Outlook(node id.NodeID) (actions.Outlook, bool) {
	o, ok := w.Registry.Outlook(node)
	if !ok {
		return actions.Outlook{}, false
	}
	return actions.Outlook{
		Window: o.Window, LastSeen: o.LastSeen, GraceUntil: o.GraceUntil, Next: o.Next, At: o.At, Held: o.Held,
	}, true
}
