package app_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// stormNodes all come back at once. FAILOVER §9.1 speaks of 10,000 nodes, of
// which a process that is controller and agents at the same time is no
// measure; what must hold is the same: each is answered, and none is given up
// over it.
const stormNodes = 200

func TestI12AStormOfReconnectsGivesUpNobody(t *testing.T) {
	c := newController(t)
	nodes, agents := make([]id.NodeID, stormNodes), make([]*agent, stormNodes)
	for i := range agents {
		node, token := c.enrol(fmt.Sprintf("n%d", i))
		nodes[i], agents[i] = node, newAgent(t, node, token)
	}
	storm(c, agents)
	for _, a := range agents {
		a.cut()
	}
	took := storm(c, agents)
	t.Logf("%d nodes: from the connection to the answer p50 %s, p99 %s", stormNodes, took[len(took)/2], took[len(took)*99/100])
	for _, node := range nodes {
		c.awaitState(node, fleet.NodeHealthy)
	}
	if strings.Contains(c.log.String(), "to=unhealthy") {
		t.Error("a node was given up in the storm")
	}
}

// storm connects all at once and returns how long each took from then until
// its hello was answered, in order.
func storm(c *controller, agents []*agent) []time.Duration {
	took := make([]time.Duration, len(agents))
	var group sync.WaitGroup
	began := time.Now()
	for i, a := range agents {
		group.Go(func() {
			a.connect("mqtt://" + c.MQTTAddr()).greet()
			took[i] = time.Since(began)
			a.heartbeat(0)
		})
	}
	group.Wait()
	slices.Sort(took)
	return took
}
