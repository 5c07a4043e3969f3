package app

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// idle is a trail that nobody writes down, with its clock.
func idle() (*trail, *time.Time) {
	at := time.Now()
	known := authz.Actor{Kind: fleet.ActorToken, ID: uuid.New(), Name: "jane@example.org (token ci)"}
	return newTrail(nil, func(credential string) (authz.Actor, bool) { return known, credential == "known" },
		func() time.Time { return at }, slog.New(slog.DiscardHandler)), &at
}

func tool(event broker.Event, what string) broker.Notice {
	return broker.Notice{
		ConnInfo: broker.ConnInfo{RemoteAddr: "192.0.2.7:4711"}, Event: event, Action: "subscribe", What: what,
		Who: broker.Identity{User: id.New[id.UserID](), CredentialID: "known"},
	}
}

func TestWhatTheBrokerTellsTheTrail(t *testing.T) {
	logs := wire.OfContainerOn(wire.ContainerLogs, id.New[id.NodeID](), id.New[id.ContainerID]()).String()
	node := id.New[id.NodeID]()
	stranger := broker.Notice{ConnInfo: broker.ConnInfo{RemoteAddr: "192.0.2.9:1"}, Event: broker.Refused, Err: errors.New("no"), Username: "hunter2"}
	fallen := stranger
	fallen.Username = node.String()
	agent := tool(broker.Denied, "lormas/v1/events")
	agent.Who, agent.Action = broker.Identity{Node: node, Name: node.String()}, "publish"
	for name, c := range map[string]struct {
		notice  broker.Notice
		verb    fleet.Verb
		kind    fleet.ActorKind
		outcome fleet.Outcome
		target  string
	}{
		"a tool connects":         {tool(broker.Admitted, ""), fleet.MQTTConnect, fleet.ActorToken, fleet.OutcomeOK, ""},
		"a topic":                 {tool(broker.Denied, logs), fleet.ContainerLogs, fleet.ActorToken, fleet.OutcomeDenied, logs},
		"no topic":                {tool(broker.Denied, "$SYS/#"), fleet.MQTTConnect, fleet.ActorToken, fleet.OutcomeDenied, "$SYS/#"},
		"no text":                 {tool(broker.Denied, "a\xff\x00b"), fleet.MQTTConnect, fleet.ActorToken, fleet.OutcomeDenied, "a\uFFFD\uFFFDb"},
		"a stranger":              {stranger, fleet.MQTTConnect, fleet.ActorAnonymous, fleet.OutcomeDenied, ""},
		"an agent with an old id": {fallen, fleet.MQTTConnect, fleet.ActorAnonymous, fleet.OutcomeDenied, ""},
		"an agent":                {agent, fleet.MQTTConnect, fleet.ActorNode, fleet.OutcomeDenied, "lormas/v1/events"},
	} {
		trail, _ := idle()
		trail.notice(c.notice)
		list := trail.waiting()
		if len(list) != 1 {
			t.Fatalf("%s: %d entries", name, len(list))
		}
		e := list[0]
		if e.Verb != c.verb || e.ActorKind != c.kind || e.Outcome != c.outcome || e.TargetName != c.target || e.Address == "" || strings.Contains(e.Address, ":") {
			t.Errorf("%s: %+v", name, e)
		}
		if strings.Contains(fmt.Sprint(e), "hunter2") {
			t.Errorf("%s: what may be a password is in %+v", name, e)
		}
		if name == "an agent with an old id" && e.TargetID != uuid.UUID(node) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	trail, _ := idle()
	for _, n := range []broker.Notice{
		{Event: broker.Admitted, Who: broker.Identity{Node: node}},                // all day long
		{Event: broker.Admitted, Who: broker.Identity{User: id.New[id.UserID]()}}, // the controller itself
	} {
		if trail.notice(n); len(trail.waiting()) != 0 {
			t.Errorf("%+v has an entry", n)
		}
	}
}

func TestTheTrailIsBounded(t *testing.T) {
	trail, at := idle()
	for i := range 5000 {
		trail.notice(tool(broker.Denied, fmt.Sprintf("%d/%s", i, strings.Repeat("long", 1000))))
		trail.notice(broker.Notice{ConnInfo: broker.ConnInfo{RemoteAddr: fmt.Sprintf("192.0.2.%d:1", i%250)}, Event: broker.Refused, Err: errors.New("no")})
	}
	list := trail.waiting()
	if len(list) != trailKnown+trailStrangers {
		t.Errorf("%d entries in a minute", len(list))
	}
	for _, e := range list {
		if len(e.TargetName) > 310 || !utf8.ValidString(e.TargetName) {
			t.Fatalf("a target of %d bytes", len(e.TargetName))
		}
	}
	told := map[any]bool{}
	for _, e := range trail.turn() {
		told[e.Detail["leftOut"]] = true
	}
	if !told[5000-trailKnown] || len(told) != 2 {
		t.Errorf("left out: %v", told)
	}
	if left := trail.turn(); len(left) != 0 {
		t.Errorf("a calm minute says %+v", left)
	}
	trail.notice(tool(broker.Denied, "again"))
	again := broker.Notice{ConnInfo: broker.ConnInfo{RemoteAddr: "192.0.2.0:1"}, Event: broker.Refused, Err: errors.New("no")}
	trail.notice(again)
	if n := len(trail.waiting()); n != 1 {
		t.Errorf("%d entries in the next minute, want 1: the refusal is told already", n)
	}
	*at = at.Add(sameRefusal)
	trail.turn()
	trail.notice(again)
	if n := len(trail.waiting()); n != 1 {
		t.Errorf("%d entries of a refusal that went on", n)
	}
}
