package broker

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
	"github.com/mochi-mqtt/server/v2/packets"
)

const (
	benchPublishers = 200
	benchWindow     = 32 // messages of one publisher on their way
)

// BenchmarkFanIn sends b.N messages from 200 publishers to the one who wants
// them all: here the Handler, in mosquitto's case a subscriber on the
// network, which is how a controller would have to listen to it.
func BenchmarkFanIn(b *testing.B) {
	for _, qos := range []byte{0, 1} {
		b.Run(fmt.Sprintf("QoS%d", qos), func(b *testing.B) {
			ours := fanInOurs(b, qos)
			theirs := fanInMosquitto(b, qos)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours, "lormas_msgs/s")
			b.ReportMetric(theirs, "mosquitto_msgs/s")
			b.ReportMetric(ours/theirs, "ratio")
		})
	}
}

// counter is a Handler that only counts.
type counter struct {
	recorder
	n atomic.Int64
}

func (c *counter) Message(id.NodeID, uint64, wire.Topic, []byte) { c.n.Add(1) }

func fanInOurs(b *testing.B, qos byte) (perSecond float64) {
	b.Helper()
	auth, handler := newDoorkeeper(), &counter{}
	br, err := New(Options{Authorizer: auth, Handler: handler, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = br.Close(context.Background()) }()
	addr, err := br.ListenTCP("bench", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	f := newFleet(b, addr.String(), auth)
	defer f.close()
	return f.run(b, qos, handler.n.Load)
}

func fanInMosquitto(b *testing.B, qos byte) (perSecond float64) {
	b.Helper()
	addr, stop := startMosquitto(b)
	defer stop()
	all := dialBench(b, addr, "subscriber", "")
	defer all.Close()
	if _, err := all.Write(benchSubscribe(b, qos)); err != nil {
		b.Fatal(err)
	}
	var got atomic.Int64
	done := make(chan struct{})
	go func() { defer close(done); countPublishes(all, qos, &got) }()
	defer func() { _ = all.Close(); <-done }()
	f := newFleet(b, addr, newDoorkeeper())
	defer f.close()
	return f.run(b, qos, got.Load)
}

// startMosquitto runs the real thing without its limits, which would drop.
func startMosquitto(b *testing.B) (addr string, stop func()) {
	b.Helper()
	nl, err := net.Listen("tcp", "127.0.0.1:0") // finds a free port
	if err != nil {
		b.Fatal(err)
	}
	port := nl.Addr().(*net.TCPAddr).Port
	_ = nl.Close()
	file := filepath.Join(b.TempDir(), "mosquitto.conf")
	config := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\n"+
		"max_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_type none\nuser root\n", port)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(mosquitto(b, "mosquitto"), "-c", file)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	addr = fmt.Sprintf("127.0.0.1:%d", port)
	for deadline := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	return addr, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
}

// fleet is 200 publishers, each with its packet ready made.
type fleet struct {
	conns  []net.Conn
	topics []string
}

func newFleet(b *testing.B, addr string, auth *doorkeeper) *fleet {
	b.Helper()
	f := &fleet{}
	for range benchPublishers {
		n := newNode()
		f.conns = append(f.conns, dialBench(b, addr, AgentClientID(n), auth.admit(Identity{Node: n})))
		f.topics = append(f.topics, wire.OfNode(wire.NodeSync, n).String())
	}
	return f
}

func (f *fleet) close() {
	for _, c := range f.conns {
		_ = c.Close()
	}
}

// run sends b.N messages in all and waits until they have arrived.
func (f *fleet) run(b *testing.B, qos byte, arrived func() int64) (perSecond float64) {
	b.Helper()
	each := max(b.N/benchPublishers, 1)
	total := int64(each * benchPublishers)
	start := time.Now()
	var sending sync.WaitGroup
	for i, c := range f.conns {
		sending.Go(func() { sendBench(b, c, f.topics[i], qos, each) })
	}
	sending.Wait()
	for deadline := time.Now().Add(time.Minute); arrived() < total; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d messages arrived", arrived(), total)
		}
	}
	return float64(total) / time.Since(start).Seconds()
}

// sendBench sends in windows; with QoS 1 a window is acknowledged before the
// next one goes.
func sendBench(b *testing.B, c net.Conn, topic string, qos byte, messages int) {
	acks := make([]byte, 4*benchWindow) // a PUBACK has 4 bytes
	var window []byte
	for i := range benchWindow {
		window = append(window, benchPublish(topic, qos, uint16(i+1))...)
	}
	size := len(window) / benchWindow
	for sent := 0; sent < messages; {
		n := min(benchWindow, messages-sent)
		if _, err := c.Write(window[:n*size]); err != nil {
			b.Error(err)
			return
		}
		if qos == 1 {
			if _, err := io.ReadFull(c, acks[:4*n]); err != nil {
				b.Error(err)
				return
			}
		}
		sent += n
	}
}

// benchPublish is a PUBLISH of about the size of a heartbeat.
func benchPublish(topic string, qos byte, packetID uint16) []byte {
	body := binary.BigEndian.AppendUint16(nil, uint16(len(topic)))
	body = append(body, topic...)
	if qos > 0 {
		body = binary.BigEndian.AppendUint16(body, packetID)
	}
	body = append(body, make([]byte, 300)...)
	head := []byte{packets.Publish<<4 | qos<<1, byte(len(body))&0x7f | 0x80, byte(len(body) >> 7)}
	return append(head, body...)
}

func benchSubscribe(b *testing.B, qos byte) []byte {
	b.Helper()
	return append([]byte{packets.Subscribe<<4 | 2, 8, 0, 1, 0, 3}, append([]byte("+/#"), qos)...)
}

// countPublishes reads as fast as it can, and acknowledges QoS 1.
func countPublishes(c net.Conn, qos byte, got *atomic.Int64) {
	r := bufio.NewReaderSize(c, 1<<16)
	for {
		kind, err := r.ReadByte()
		if err != nil {
			return
		}
		length, err := binary.ReadUvarint(r)
		if err != nil {
			return
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if kind>>4 != packets.Publish {
			continue
		}
		got.Add(1)
		if qos == 1 {
			topic := binary.BigEndian.Uint16(body)
			if _, err := c.Write([]byte{packets.Puback << 4, 2, body[2+topic], body[3+topic]}); err != nil {
				return
			}
		}
	}
}

// dialBench connects and waits for CONNACK.
func dialBench(b *testing.B, addr, clientID, password string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 0}, mqttString(clientID)...)
	body = append(append(body, mqttString("token")...), mqttString(password)...)
	length := binary.AppendUvarint(nil, uint64(len(body)))
	if _, err := c.Write(append(append([]byte{packets.Connect << 4}, length...), body...)); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		b.Fatal(err)
	}
	return c
}

func mqttString(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

// BenchmarkDecision is what the access rules cost per delivery and per
// publication.
func BenchmarkDecision(b *testing.B) {
	n, c := newNode(), id.New[id.ContainerID]()
	agent, person := Identity{Node: n}, Identity{User: id.New[id.UserID]()}
	health, beat, stats := wire.OfNode(wire.NodeHealth, n).String(), heartbeatOf(n).String(), wire.OfContainerOn(wire.ContainerStats, n, c).String()
	for name, decide := range map[string]func() bool{
		"person/health":   func() bool { return mayReceive(person, health, allReading) },
		"person/stats":    func() bool { return mayReceive(person, stats, allReading) },
		"agent/heartbeat": func() bool { return publishes(agent, beat) },
		"agent/stats":     func() bool { return publishes(agent, stats) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !decide() {
					b.Fatal("denied")
				}
			}
		})
	}
}
