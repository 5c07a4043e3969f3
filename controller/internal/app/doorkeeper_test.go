package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// reader is a doorkeeper that let somebody in who was given so many of 10,000
// containers, and a delivery that is his.
func reader(bindings int) (*doorkeeper, broker.Identity, wire.Topic) {
	p := &places{containers: map[id.ContainerID]authz.Target{}, nodes: map[id.NodeID]authz.Target{}}
	d := &doorkeeper{places: p, now: time.Now, actors: map[string]admitted{}}
	actor := authz.Actor{Kind: fleet.ActorUser}
	who := broker.Identity{User: id.New[id.UserID](), CredentialID: id.New[id.SessionID]().String()}
	var topic wire.Topic
	for i := range 10_000 {
		at := authz.Target{Container: id.New[id.ContainerID](), Node: id.New[id.NodeID]()}
		p.containers[at.Container] = at
		if i < bindings {
			topic = wire.OfContainerOn(wire.ContainerStats, at.Node, at.Container)
			actor.Grants = append(actor.Grants, authz.Grant{Permission: "container.stats", Scope: authz.OfContainer, ScopeID: [16]byte(at.Container)})
		}
	}
	d.remember(who.CredentialID, admitted{actor: actor, powers: actor.Powers()})
	return d, who, topic
}

func TestADeliveryAllocatesNothing(t *testing.T) {
	d, who, topic := reader(100)
	if n := testing.AllocsPerRun(100, func() {
		if !d.CanRead(who, topic) {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("a delivery allocates %v times", n)
	}
}

func BenchmarkDelivery(b *testing.B) {
	for _, bindings := range []int{1, 5000} {
		d, who, topic := reader(bindings)
		b.Run(fmt.Sprintf("bindings=%d", bindings), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.CanRead(who, topic)
			}
		})
	}
}
