package broker

import (
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

func noReading(Identity, wire.Topic) bool  { return false }
func allReading(Identity, wire.Topic) bool { return true }

// TestEveryTopicHasARule holds the decisions against wire.Rules, written the
// other way round: a new topic must find its place here.
func TestEveryTopicHasARule(t *testing.T) {
	node, other, c := newNode(), newNode(), id.New[id.ContainerID]()
	agent, person := Identity{Node: node}, Identity{User: id.New[id.UserID]()}
	agentSends := map[wire.Kind]bool{
		wire.NodeHeartbeat: true, wire.NodeSync: true, wire.NodeEvents: true, wire.ContainerLogs: true, wire.ContainerStats: true, wire.NodeUsage: true,
	}
	agentGets := map[wire.Kind]bool{wire.NodeLease: true, wire.NodeDesired: true, wire.NodeCommands: true}
	for _, r := range wire.Rules {
		own := wire.OfContainerOn(r.Kind, node, c).String()
		foreign := wire.OfContainerOn(r.Kind, other, c).String()
		for _, check := range []struct {
			what      string
			got, want bool
		}{
			{"agent publishes", publishes(agent, own), agentSends[r.Kind]},
			{"agent publishes as another", publishes(agent, foreign), false},
			{"agent receives", mayReceive(agent, own, allReading), agentGets[r.Kind]},
			{"agent receives for another", mayReceive(agent, foreign, allReading), false},
			{"person publishes", publishes(person, own), false},
			{"person reads with permission", mayReceive(person, own, allReading), true},
			{"person reads without", mayReceive(person, own, noReading), false},
		} {
			if check.got != check.want {
				t.Errorf("%s: %s: %v, want %v", r.Kind, check.what, check.got, check.want)
			}
		}
	}
}

// TestPeopleHaveNoNodeOfTheirOwn: their Node is zero, and so can a topic's be.
func TestPeopleHaveNoNodeOfTheirOwn(t *testing.T) {
	if publishes(Identity{User: id.New[id.UserID]()}, heartbeatOf(id.NodeID{}).String()) {
		t.Error("a person publishes as the node without an id")
	}
}

func publishes(who Identity, name string) bool {
	_, ok := mayPublish(who, name)
	return ok
}

func TestFiltersThatPeopleMaySubscribeTo(t *testing.T) {
	node := newNode().String()
	person := Identity{User: id.New[id.UserID]()}
	for _, c := range []struct {
		filter string
		want   bool
	}{
		{"lormas/v1/#", true},
		{"lormas/v1/+", true}, // matches events
		{"lormas/v1/nodes/+/health", true},
		{"lormas/v1/nodes/" + node + "/#", true},
		{"lormas/v1/containers/+/+", true},
		{"lormas/v1/+/" + node + "/+", true},
		{"#", false},
		{"+/v1/#", false},
		{"lormas/#", false},
		{"lormas/+/#", false},
		{"lormas/+/events", false},
		{"lormas/v2/#", false},
		{"lormas/v1/nodes/+/weather", false}, // no such topic
		{"lormas/v1/+/+/+/+/+/+/+", false},   // none so deep
		{"lormas/v1/nodes/+/health#", false},
		{"lormas/v1/#/health", false},
		{"/lormas/v1/#", false},
		{"Lormas/v1/#", false},
		{"$SYS/#", false},
		{"$SYS/broker/clients/connected", false},
		{"$share/g/lormas/v1/#", false},
		{"$SHARE/g/lormas/v1/nodes/+/health", false},
		{"$Share/lormas/v1/#", false},
		{"", false},
	} {
		if got := mayReceive(person, c.filter, allReading); got != c.want {
			t.Errorf("person subscribes to %q: %v, want %v", c.filter, got, c.want)
		}
	}
}

func TestAgentsSubscribeToExactNamesOnly(t *testing.T) {
	node := newNode()
	agent := Identity{Node: node}
	own := wire.Prefix + "nodes/" + node.String()
	for _, f := range []string{
		own + "/#", own + "/+", "lormas/v1/nodes/+/commands", "lormas/v1/#", "#",
		"$share/g/" + own + "/commands", "$SHARE/g/" + own + "/commands",
		own + "/commands/", strings.ToUpper(own) + "/commands", own,
	} {
		if mayReceive(agent, f, allReading) {
			t.Errorf("agent subscribes to %q", f)
		}
	}
}

func TestADecisionAllocatesNothing(t *testing.T) {
	topic := wire.OfContainerOn(wire.ContainerStats, newNode(), id.New[id.ContainerID]()).String()
	person := Identity{User: id.New[id.UserID]()}
	if n := testing.AllocsPerRun(100, func() { mayReceive(person, topic, allReading) }); n != 0 {
		t.Errorf("a delivery allocates %v times", n)
	}
}
