package broker

import (
	"maps"
	"slices"
	"sync"
	"testing"

	mqttc "github.com/eclipse/paho.mqtt.golang"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// client is a paho client with an inbox.
type client struct {
	mqttc.Client
	mu   sync.Mutex
	got  []string
	lost bool
}

// dial connects with paho; the error is that of CONNACK.
func (w *world) dial(t *testing.T, password string, edit ...func(*mqttc.ClientOptions)) (*client, error) {
	t.Helper()
	c := &client{}
	o := mqttc.NewClientOptions().AddBroker("tcp://" + w.addr).SetProtocolVersion(4).
		SetClientID("tool").SetUsername("token").SetPassword(password).
		SetAutoReconnect(false).SetConnectRetry(false).SetWriteTimeout(patience).SetConnectTimeout(patience).
		SetDefaultPublishHandler(c.receive).
		SetConnectionLostHandler(func(mqttc.Client, error) { c.mu.Lock(); defer c.mu.Unlock(); c.lost = true })
	for _, e := range edit {
		e(o)
	}
	c.Client = mqttc.NewClient(o)
	token := c.Connect()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer to CONNECT")
	}
	if token.Error() == nil {
		t.Cleanup(func() { c.Disconnect(0) })
	}
	return c, token.Error()
}

func (c *client) receive(_ mqttc.Client, m mqttc.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, m.Topic()+" "+string(m.Payload()))
}

func (c *client) inbox() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *client) wasLost() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// awaitMessage waits until the message is in the inbox.
func (c *client) awaitMessage(t *testing.T, topic wire.Topic, payload string) {
	t.Helper()
	want := topic.String() + " " + payload
	eventually(t, want, func() bool { return slices.Contains(c.inbox(), want) })
}

func (c *client) awaitLost(t *testing.T) {
	t.Helper()
	eventually(t, "the connection is cut", c.wasLost)
}

// subscribe returns the QoS granted, or 0x80.
func (c *client) subscribe(t *testing.T, filter string, qos byte) byte {
	t.Helper()
	token := c.Subscribe(filter, qos, nil).(*mqttc.SubscribeToken)
	if !token.WaitTimeout(patience) {
		t.Fatalf("no SUBACK for %q", filter)
	}
	granted := slices.Collect(maps.Values(token.Result())) // paho strips $share from the key
	if len(granted) != 1 {
		t.Fatalf("SUBACK for %q is %v", filter, granted)
	}
	return granted[0]
}

func (c *client) send(t *testing.T, topic string, qos byte, payload string) {
	t.Helper()
	if !c.Publish(topic, qos, false, payload).WaitTimeout(patience) {
		t.Fatalf("publish on %s was not acknowledged", topic)
	}
}

// agent connects the agent of a node, with a will.
func (w *world) agent(t *testing.T, n id.NodeID, edit ...func(*mqttc.ClientOptions)) *client {
	t.Helper()
	password := w.auth.admit(Identity{Node: n, Name: n.String(), CredentialID: "of-" + n.String()})
	own := func(o *mqttc.ClientOptions) {
		o.SetClientID(AgentClientID(n)).SetBinaryWill(heartbeatOf(n).String(), will(n), 1, true)
	}
	c, err := w.dial(t, password, append([]func(*mqttc.ClientOptions){own}, edit...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// person connects somebody who may read what the doorkeeper says.
func (w *world) person(t *testing.T, edit ...func(*mqttc.ClientOptions)) *client {
	t.Helper()
	user := id.New[id.UserID]()
	c, err := w.dial(t, w.auth.admit(Identity{User: user, Name: "ada@example.org", CredentialID: user.String()}), edit...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
