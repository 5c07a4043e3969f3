package broker

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mochi-mqtt/server/v2/packets"
)

// TestSealedConnectionIsNotWrittenTo: after the end, fasthttp's connection
// may already be somebody else's.
func TestSealedConnectionIsNotWrittenTo(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	c := newConnection(there, ConnInfo{At: time.Now()}, DefaultLimits())
	c.seal()
	if _, err := c.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, which comes from the socket", err)
	}
}

// TestClientThatLeavesBeforeConnack: mochi then skips its own cleaning up.
func TestClientThatLeavesBeforeConnack(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	here, there := net.Pipe() // has no buffer that could take the CONNACK
	served := make(chan struct{})
	go func() { defer close(served); w.serve("pipe", there) }()
	write(here, connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n})))
	_ = here.Close()
	<-served
	if left := w.server.Clients.Len(); left != 1 {
		t.Errorf("mochi knows %d clients, not only its own", left)
	}
	if got := w.handler.heard(); len(got) != 0 {
		t.Errorf("the handler heard %q", got)
	}
	w.agent(t, n)
}

func TestPlainConnect(t *testing.T) {
	var pk, want packets.Packet
	pk.Connect.ClientIdentifier, want.Connect.ClientIdentifier = "kept", "kept"
	pk.Connect.WillFlag, want.Connect.WillFlag = true, true
	pk.Properties.SessionExpiryInterval = 3600
	pk.Properties.TopicAliasMaximum = 10
	pk.Connect.WillProperties.WillDelayInterval = 3600
	want.Connect.Clean = true
	if d := cmp.Diff(want, plainConnect(pk)); d != "" {
		t.Error(d)
	}
}

func TestPacketHead(t *testing.T) {
	for _, c := range []struct {
		name  string
		reads [][]byte
		want  bool
	}{
		{"at the limit", [][]byte{{0x10, 0x80, 0x01}}, false},
		{"one over", [][]byte{{0x10, 0x81, 0x01}}, true},
		{"in pieces", [][]byte{{0x10}, {0x81}, {0x01}}, true},
		{"a length without end", [][]byte{{0x10, 0xff, 0xff, 0xff, 0xff, 0xff}}, true},
		{"with the packet behind it", [][]byte{{0x10, 0x81, 0x01, 0x00, 0x04}}, true},
		{"zero", [][]byte{{0x10, 0x00}}, false},
		{"not yet known", [][]byte{{0x10, 0xff}}, false},
		{"only the first packet counts", [][]byte{{0x10, 0x01, 0x00}, {0x30, 0xff, 0x7f}}, false},
	} {
		h := packetHead{limit: 128}
		got := false
		for _, p := range c.reads {
			got = got || h.tooLong(p)
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
