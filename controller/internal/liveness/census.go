package liveness

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// Census is how the fleet, or a cluster, sounds at the moment. Only nodes that
// once joined count; those given up count as joined alone.
type Census struct {
	Joined  int // including those given up
	Watched int // not given up
	Silent  int // of those watched
	Talking int
}

// massSilence is the share (one in massSilence) and massNodes the number of
// nodes whose common silence is more likely the controller's own fault. Of a
// cluster, siteShare of siteWhole must be silent: it is its site then.
const (
	massSilence = 2
	massNodes   = 3
	siteShare   = 4
	siteWhole   = 5
)

// add counts one node.
func (c *Census) add(n *Node, now time.Time) {
	if !n.Joined() {
		return
	}
	c.Joined++
	if n.Lost() {
		return
	}
	c.Watched++
	if n.Silence(now) > n.Pace.Watch(now).Suspect {
		c.Silent++
	} else if !n.LastHeartbeat.IsZero() {
		c.Talking++
	}
}

// suspicious is the reason to suspect ourselves, or "". A fleet of one is
// never held: nothing of it could be moved anywhere, and people want to be
// told.
func (c Census) suspicious() string {
	switch {
	case c.Joined > 1 && c.Silent > 0 && c.Talking == 0:
		return "no node at all is heard: the fault may be on the controller's side"
	case c.Silent >= massNodes && c.Silent*massSilence >= c.Watched:
		return fmt.Sprintf("%d of %d nodes fell silent together: the fault may be on the controller's side", c.Silent, c.Watched)
	}
	return ""
}

// out reports whether a cluster as a whole fell silent while others talk.
func (c Census) out(all Census) bool {
	return c.Silent >= massNodes && c.Silent*siteWhole >= c.Watched*siteShare && all.Talking > c.Talking
}

// Sight is all that the gates see on one tick.
type Sight struct {
	Census    Census
	Sites     map[id.ClusterID]Census
	Outages   map[id.ClusterID]Outage
	Returned  bool          // a silent node was heard since the last tick
	Longest   time.Duration // window of any node
	Postgres  bool
	Authority bool          // this controller is the one that decides
	Backlog   time.Duration // age of the oldest message that was not taken in
}
