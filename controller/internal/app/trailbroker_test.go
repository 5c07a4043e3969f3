package app_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
)

// link connects until the end of the test, whatever comes of it.
func (c *controller) link(username, password, filter string) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	o := mqttlink.Options{
		Servers: []string{"mqtt://" + c.MQTTAddr()}, ClientID: username, Username: username,
		Credentials: func() string { return password }, Subscribe: []mqttlink.Subscription{{Filter: filter}},
		OnUp: func(*mqttlink.Session) {}, OnDown: func(error) {}, OnMessage: func(mqttlink.Message) {},
	}
	go func() { done <- mqttlink.Run(ctx, o) }()
	c.t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (c *controller) trail(f store.AuditFilter) []fleet.AuditEntry {
	c.t.Helper()
	list, _, err := c.db.Audit(c.t.Context(), f)
	if err != nil {
		c.t.Fatal(err)
	}
	return list
}

// Who comes to the broker, what he is denied there and who is refused is in
// the audit trail.
func TestTheBrokerIsAudited(t *testing.T) {
	t.Parallel()
	c := newController(t)
	c.link("me", c.login(), "$SYS/#")
	eventually(t, "the connection and the denial are in the trail", func() bool {
		ok := c.trail(store.AuditFilter{Verb: "mqtt.*", Outcome: fleet.OutcomeOK, Page: store.Page{Q: "admin@"}, Address: "127.0.0.1"})
		denied := c.trail(store.AuditFilter{Verb: "mqtt.*", Outcome: fleet.OutcomeDenied, TargetKind: "topic", Page: store.Page{Q: "$SYS"}})
		return len(ok) > 0 && len(denied) > 0 && denied[0].ActorID == ok[0].ActorID
	})
	node, token := c.enrol("edge")
	if _, err := c.Actions().RotateCredential(t.Context(), system, node, ""); err != nil {
		t.Fatal(err)
	}
	c.link(node.String(), token, "lormas/v1/nodes/"+node.String()+"/commands")
	eventually(t, "the old credential is in the trail", func() bool {
		list := c.trail(store.AuditFilter{Verb: "mqtt.connect", Outcome: fleet.OutcomeDenied, Target: uuid.UUID(node)})
		return len(list) == 1 && list[0].ActorKind == fleet.ActorAnonymous && list[0].Reason != ""
	})
	stranger := id.New[id.NodeID]().String()
	c.link(stranger, "guess", "lormas/v1/#")
	eventually(t, "the stranger is in the trail", func() bool {
		return len(c.trail(store.AuditFilter{Verb: "mqtt.connect", Outcome: fleet.OutcomeDenied, Target: uuid.MustParse(stranger)})) == 1
	})
}
