package broker

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// connectPacket is a CONNECT as bytes; edit may spoil it.
func connectPacket(t *testing.T, clientID, password string, edit ...func(*packets.Packet)) []byte {
	t.Helper()
	pk := packets.Packet{
		FixedHeader:     packets.FixedHeader{Type: packets.Connect},
		ProtocolVersion: 4,
		Connect: packets.ConnectParams{
			ProtocolName: []byte("MQTT"), Clean: true, Keepalive: 60, ClientIdentifier: clientID,
			UsernameFlag: true, Username: []byte("token"), PasswordFlag: true, Password: []byte(password),
		},
	}
	for _, e := range edit {
		e(&pk)
	}
	return encoded(t, pk.ConnectEncode)
}

func publishPacket(t *testing.T, topic string, payload []byte) []byte {
	t.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish}, ProtocolVersion: 4, TopicName: topic, Payload: payload}
	return encoded(t, pk.PublishEncode)
}

func version4(*packets.Packet) {} // what all packets are unless edited

func subscribePacket(t *testing.T, edit func(*packets.Packet), filters ...string) []byte {
	t.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}, ProtocolVersion: 4, PacketID: 1}
	edit(&pk)
	pk.Properties = packets.Properties{} // those were for CONNECT
	for _, f := range filters {
		pk.Filters = append(pk.Filters, packets.Subscription{Filter: f, Qos: 1})
	}
	return encoded(t, pk.SubscribeEncode)
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := encode(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// write puts bytes on the wire; the far end may have hung up.
func write(c net.Conn, p []byte) {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	_, _ = c.Write(p)
}

// readConnack reads the answer to a CONNECT of MQTT 3.1.1 and returns its code.
func readConnack(t *testing.T, c net.Conn) byte {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	answer := make([]byte, 4)
	if _, err := io.ReadFull(c, answer); err != nil {
		t.Fatalf("no CONNACK: %v", err)
	}
	if answer[0] != packets.Connack<<4 {
		t.Fatalf("% x is no CONNACK", answer)
	}
	return answer[3]
}
