package httpapi

import (
	"context"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// nodeHealthBody is the health of one node, what it is judged by, and what
// comes next.
type nodeHealthBody struct {
	NodeID id.NodeID `json:"nodeId" format:"uuid"`
	Name   string    `json:"name"`
	LifeBody
	Quarantined bool             `json:"quarantined" doc:"it came and went too often, and is given nothing for a while"`
	Profile     profileBody      `json:"profile"`
	Outlook     *outlookBody     `json:"outlook,omitempty" doc:"missing where this controller has not heard of it"`
	Transitions []transitionBody `json:"transitions" doc:"its last 50 steps, newest first"`
}

// profileBody is the set of numbers that a node lives by.
type profileBody struct {
	Name      string `json:"name" enum:"standard,fast,lan,metered,custom"`
	Heartbeat string `json:"heartbeat" example:"10s" doc:"between two heartbeats"`
	Suspect   string `json:"suspect" example:"15s" doc:"silence after which it is given nothing new"`
	Window    string `json:"window" example:"30s" doc:"silence after which it may be declared lost"`
	Lease     string `json:"lease" example:"25s" doc:"after its last acknowledged heartbeat, exclusive containers have ended there"`
	Exclusive string `json:"exclusive" example:"yes" doc:"yes, or the arithmetic that speaks against exclusive containers"`
}

func showProfile(p lease.Profile) profileBody {
	body := profileBody{
		Name: p.Name, Heartbeat: p.Heartbeat.String(), Suspect: p.Suspect.String(), Window: p.Window.String(), Lease: p.Lease.String(), Exclusive: "yes",
	}
	if err := p.Exclusive(); err != nil {
		body.Exclusive = "no: " + err.Error()
	}
	return body
}

// outlookBody is what becomes of a node if nothing is heard of it.
type outlookBody struct {
	Window      string          `json:"window" example:"30s" doc:"as it counts now: longer after it flapped, or while older leases may run"`
	SilentSince time.Time       `json:"silentSince" doc:"silence is counted from here: its last heartbeat, or the start of a window"`
	GraceUntil  *time.Time      `json:"graceUntil,omitempty" doc:"it is not declared lost before"`
	Next        fleet.NodeState `json:"next,omitempty" enum:"suspect,unhealthy" doc:"missing: it stays what it is"`
	NextAt      *time.Time      `json:"nextAt,omitempty" doc:"if nothing is heard until then"`
	Held        string          `json:"held,omitempty" doc:"why it is not declared lost even then, and the way out"`
}

func showOutlook(o *actions.Outlook) *outlookBody {
	if o == nil {
		return nil
	}
	return &outlookBody{
		Window: o.Window.String(), SilentSince: o.LastSeen, GraceUntil: moment(o.GraceUntil), Next: o.Next, NextAt: moment(o.At), Held: o.Held,
	}
}

// transitionBody is a step of a node from one state to another.
type transitionBody struct {
	At     time.Time       `json:"at"`
	From   fleet.NodeState `json:"from"`
	To     fleet.NodeState `json:"to"`
	Reason string          `json:"reason"`
}

func showTransition(t store.Transition) transitionBody {
	return transitionBody{At: t.At, From: t.From, To: t.To, Reason: t.Reason}
}

type nodeHealthOutput struct{ Body nodeHealthBody }

func (s *Server) nodeHealth(ctx context.Context, actor authz.Actor, in *NodeInput) (*nodeHealthOutput, error) {
	r, err := s.Actions.NodeHealth(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	seen, err := s.Presence.Nodes(ctx, []id.NodeID{in.ID})
	return &nodeHealthOutput{Body: nodeHealthBody{
		NodeID: r.Node.ID, Name: r.Node.Name, LifeBody: showLife(r.Node, seen), Quarantined: r.Node.Health.Quarantined,
		Profile: showProfile(r.Profile), Outlook: showOutlook(r.Outlook), Transitions: pageOf(r.Transitions, "", showTransition).Items,
	}}, err
}
