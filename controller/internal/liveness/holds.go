package liveness

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// HoldKind is what holds everything, or a cluster.
type HoldKind string

// The kinds, the gravest first.
const (
	HoldOperator  HoldKind = "operator"        // a person said so
	HoldRegressed HoldKind = "state_regressed" // a node knows a later epoch than the truth
	HoldProbe     HoldKind = "self_probe"      // the controller does not hear itself
	HoldSilence   HoldKind = "silence"         // too many nodes fell silent together
	HoldSite      HoldKind = "site_outage"     // a cluster did
)

// HoldKinds lists the kinds that hold the whole fleet, the gravest first.
var HoldKinds = []HoldKind{HoldOperator, HoldRegressed, HoldProbe, HoldSilence}

// Hold is why no node is declared lost. The zero Hold is none.
type Hold struct {
	Kind    HoldKind
	Cluster id.ClusterID // of a site outage
	Reason  string       // in words for people
	Since   time.Time
}

// On reports whether there is a hold at all.
func (h Hold) On() bool { return h.Kind != "" }

// Outage is what a cluster wants done when it falls silent as a whole.
type Outage struct {
	Name   string
	Policy fleet.OutagePolicy
	After  time.Duration // with failover_after
}

// holdMax is how long a mass silence is held without progress, while somebody
// talks.
const holdMax = 120 * time.Second

// Silence is the hold of a common silence, of the fleet or of a cluster:
//
//	none ──suspicious──▶ held ──no longer suspicious──▶ none
//	 ▲                    │
//	 │ quiet again        │ time is over, or released by a person
//	 └───── let pass ◀────┘
//
// What was let pass is not held again unless more nodes fall silent.
type Silence struct {
	Hold      Hold
	Progress  time.Time // when a silent node was last heard, or the hold began
	Passed    int       // so many silent nodes are let pass
	PassUntil time.Time // at least
}

// grounds are what a silence is judged by.
type grounds struct {
	hold   Hold // as it would be; Kind "" when nothing is suspicious
	silent int
	over   func(Silence) bool // whether it was held for long enough
	settle time.Duration      // how long nodes may take to be heard again, or given up
}

func (s Silence) judge(g grounds, now time.Time) Silence {
	if !g.hold.On() {
		s.Hold = Hold{}
		if now.After(s.PassUntil) {
			s.Passed = 0
		}
		return s
	}
	if g.silent <= s.Passed {
		s.Hold = Hold{}
		return s
	}
	if !s.Hold.On() {
		s.Hold.Since, s.Progress = now, now
	}
	g.hold.Since = s.Hold.Since
	s.Hold = g.hold
	if g.over(s) {
		return s.pass(g.silent, now.Add(g.settle))
	}
	return s
}

// pass lets a silence pass: those who are silent may be given up.
func (s Silence) pass(silent int, until time.Time) Silence {
	return Silence{Passed: silent, PassUntil: until}
}

// fleetGrounds judges the fleet as a whole.
func fleetGrounds(in Sight, now time.Time) grounds {
	g := grounds{silent: in.Census.Silent, settle: in.Longest + graceMargin}
	if reason := in.Census.suspicious(); reason != "" {
		g.hold = Hold{Kind: HoldSilence, Reason: reason}
	}
	g.over = func(s Silence) bool { return in.Census.Talking > 0 && now.Sub(s.Progress) >= holdMax }
	return g
}

// siteGrounds judges one cluster by its policy.
func siteGrounds(cluster id.ClusterID, in Sight, now time.Time) grounds {
	c, o := in.Sites[cluster], in.Outages[cluster]
	g := grounds{silent: c.Silent, settle: in.Longest + graceMargin}
	if o.Policy != fleet.OutageHold && o.Policy != fleet.OutageFailoverAfter || !c.out(in.Census) {
		return g
	}
	reason := fmt.Sprintf("%d of %d nodes of cluster %s fell silent together", c.Silent, c.Watched, o.Name)
	g.over = func(Silence) bool { return false }
	if o.Policy == fleet.OutageFailoverAfter {
		reason += fmt.Sprintf(": they are given up when it lasts for %s", o.After)
		g.over = func(s Silence) bool { return now.Sub(s.Hold.Since) >= o.After }
	} else {
		reason += ": its policy is to hold until an operator releases it"
	}
	g.hold = Hold{Kind: HoldSite, Cluster: cluster, Reason: reason}
	return g
}
