package wire

import (
	"strings"

	"github.com/lormas/lormas/shared/id"
)

// Prefix stands before every topic; the version in it is Version.
const Prefix = "lormas/v1/"

// Kind is what a topic carries.
type Kind string

// The kinds. Each has one row in the table below.
const (
	NodeHeartbeat   Kind = "node.heartbeat"
	NodeLease       Kind = "node.lease"
	NodeDesired     Kind = "node.desired"
	NodeCommands    Kind = "node.commands"
	NodeSync        Kind = "node.sync"
	NodeEvents      Kind = "node.events"
	NodeHealth      Kind = "node.health"
	NodeUsage       Kind = "node.usage"
	ContainerLogs   Kind = "container.logs"
	ContainerStats  Kind = "container.stats"
	ContainerState  Kind = "container.state"
	ContainerEvents Kind = "container.events"
	FleetEvents     Kind = "fleet.events"
)

// Sender is who may publish on a topic.
type Sender string

// The senders. People publish nothing: they use the API.
const (
	FromAgent      Sender = "agent"
	FromController Sender = "controller"
)

// Rule is all that is fixed about a kind of topic.
type Rule struct {
	Kind     Kind
	Pattern  string // below Prefix; {node} and {container} stand for ids
	Sender   Sender
	ToAgent  bool // the agent of {node} subscribes to it
	QoS      byte
	Retained bool
}

// Rules lists every topic that exists. The broker's access rules, the
// permission table and the AsyncAPI document are made from it.
var Rules = []Rule{
	{NodeHeartbeat, "nodes/{node}/heartbeat", FromAgent, false, 0, true},
	{NodeLease, "nodes/{node}/lease", FromController, true, 0, false},
	{NodeDesired, "nodes/{node}/desired", FromController, true, 1, false},
	{NodeCommands, "nodes/{node}/commands", FromController, true, 1, false},
	{NodeSync, "nodes/{node}/sync", FromAgent, false, 1, false},
	{NodeEvents, "nodes/{node}/events", FromAgent, false, 1, false},
	{NodeHealth, "nodes/{node}/health", FromController, false, 0, true},
	{NodeUsage, "nodes/{node}/usage", FromAgent, false, 0, true},
	{ContainerLogs, "nodes/{node}/containers/{container}/logs", FromAgent, false, 0, false},
	{ContainerStats, "nodes/{node}/containers/{container}/stats", FromAgent, false, 0, false},
	{ContainerState, "containers/{container}/state", FromController, false, 0, true},
	{ContainerEvents, "containers/{container}/events", FromController, false, 0, false},
	{FleetEvents, "events", FromController, false, 0, false},
}

var rules = func() map[Kind]Rule {
	m := map[Kind]Rule{}
	for _, r := range Rules {
		m[r.Kind] = r
	}
	return m
}()

// patterns holds the levels of each rule's pattern, in the order of Rules. No
// two of them match the same name.
var patterns = func() (all [][]string) {
	for _, r := range Rules {
		all = append(all, strings.Split(r.Pattern, "/"))
	}
	return all
}()

// deepest is how many levels a pattern has at most.
const deepest = 5

// Topic is a parsed topic name. Node and Container are zero where the
// pattern has none.
type Topic struct {
	Kind      Kind
	Node      id.NodeID
	Container id.ContainerID
}

// OfNode is a topic that belongs to a node.
func OfNode(kind Kind, node id.NodeID) Topic { return Topic{Kind: kind, Node: node} }

// OfContainer is a topic that belongs to a container.
func OfContainer(kind Kind, c id.ContainerID) Topic { return Topic{Kind: kind, Container: c} }

// OfContainerOn is a topic of a container as one node sees it.
func OfContainerOn(kind Kind, node id.NodeID, c id.ContainerID) Topic {
	return Topic{Kind: kind, Node: node, Container: c}
}

// Rule is the row of the table that the topic falls under.
func (t Topic) Rule() Rule { return rules[t.Kind] }

// String is the topic's name on the wire.
func (t Topic) String() string {
	name := rules[t.Kind].Pattern
	name = strings.Replace(name, "{node}", t.Node.String(), 1)
	name = strings.Replace(name, "{container}", t.Container.String(), 1)
	return Prefix + name
}

// ParseTopic reads a topic name. It is the exact inverse of Topic.String:
// anything else, wildcards included, is no topic of ours.
func ParseTopic(name string) (Topic, bool) {
	rest, ok := strings.CutPrefix(name, Prefix)
	if !ok {
		return Topic{}, false
	}
	var room [deepest]string
	parts := room[:0]
	for more := true; more; {
		if len(parts) == deepest {
			return Topic{}, false
		}
		var part string
		part, rest, more = strings.Cut(rest, "/")
		parts = append(parts, part)
	}
	for i, levels := range patterns {
		if sameWords(levels, parts) {
			return readIDs(Rules[i].Kind, levels, parts)
		}
	}
	return Topic{}, false
}

func readIDs(kind Kind, levels, parts []string) (Topic, bool) {
	t := Topic{Kind: kind}
	var err error
	for i, level := range levels {
		switch level {
		case "{node}":
			err = t.Node.Set(parts[i])
		case "{container}":
			err = t.Container.Set(parts[i])
		}
		if err != nil {
			return Topic{}, false
		}
	}
	return t, true
}

// sameWords compares all levels but the ids, so that ids are read for one
// pattern only: this runs for every delivery.
func sameWords(levels, parts []string) bool {
	if len(levels) != len(parts) {
		return false
	}
	for i, level := range levels {
		if level[0] != '{' && level != parts[i] {
			return false
		}
	}
	return true
}
