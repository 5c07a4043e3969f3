package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

var update = flag.Bool("update", false, "write the golden payloads anew")

func parse[T any, P interface {
	*T
	UnmarshalText([]byte) error
}](s string) (out T) {
	if err := P(&out).UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return out
}

// golden holds one payload of every message type, as it is on the wire.
func golden() map[string]any {
	var (
		node      = parse[id.NodeID]("0192f0c1-0000-7000-8000-000000000001")
		container = parse[id.ContainerID]("0192f0c1-0000-7000-8000-000000000002")
		command   = parse[id.CommandID]("0192f0c1-0000-7000-8000-000000000003")
		job       = parse[id.JobID]("0192f0c1-0000-7000-8000-000000000004")
		session   = wire.Session{BootID: "b00t", Session: 7}
		at        = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		exit      = 137
		limits    = spec.Resources{CPU: 1500, Memory: 2 * spec.GiB, Disk: 10 * spec.GiB}
		telemetry = &wire.Telemetry{
			Resources: &limits, CPUAllocatable: 1.5, CPUUsed: 0.25, MemoryAllocatable: 2 << 30, MemoryUsed: 1 << 29,
			DiskAllocatable: 10 << 30, DiskUsed: 1 << 30, UptimeSeconds: 3600, Containers: 2, AgentVersion: "0.1.0",
		}
		web = spec.Container{
			Name: "web", Image: "lormas/demo:1", Env: map[string]string{"PORT": "80"}, Resources: limits,
			Ports:   []spec.Port{{Host: 8080, Container: 80, Protocol: "tcp"}},
			Volumes: []spec.Volume{{Host: "/data", Container: "/app/data"}},
		}
		entry = wire.DesiredContainer{ID: container, Epoch: 1, Generation: 2, SpecHash: web.Hash(), Power: spec.Running}
	)
	return map[string]any{
		"heartbeat": wire.Heartbeat{
			Header: wire.Head(wire.TypeHeartbeat), Session: session, NodeID: node, Status: wire.Online, Timestamp: at,
			Seq: 42, AppliedRev: 9, Digest: "d1", OutboxHead: 5, DockerOK: true, Telemetry: telemetry,
		},
		"heartbeat_short": wire.Heartbeat{
			Header: wire.Head(wire.TypeHeartbeat), Session: session, NodeID: node, Status: wire.Online, Timestamp: at,
			Seq: 43, AppliedRev: 9, Digest: "d1", OutboxHead: 5, DockerOK: true,
		},
		"will":  wire.Heartbeat{Header: wire.Head(wire.TypeHeartbeat), Session: session, NodeID: node, Status: wire.Offline, Timestamp: at},
		"lease": wire.Lease{Header: wire.Head(wire.TypeLease), Session: session, Seq: 42, Rev: 9, LeaseMS: 25000, NextHBMS: 10000, ResendMS: 2000, ControlTime: at.UnixMilli(), AckedOutbox: 5},
		"hello": wire.Hello{
			Header: wire.Head(wire.TypeHello), Session: session, NodeID: node, AppliedRev: 9, Digest: "d1", LedgerID: "l1",
			AgentVersion: "0.1.0", DockerVersion: "20.10.24", Hostname: "van-1", MachineID: "m1", Arch: "amd64",
			Present: []wire.ContainerRef{{ID: container, Epoch: 1}}, Telemetry: telemetry,
		},
		"pull":          wire.Pull{Header: wire.Head(wire.TypePull), Session: session, Hashes: []string{web.Hash()}},
		"desired_delta": wire.Desired{Header: wire.Head(wire.TypeDesired), Session: session, Kind: wire.DesiredDelta, FromRev: 8, Rev: 9, Containers: []wire.DesiredContainer{entry}, Specs: map[string]spec.Container{web.Hash(): web}},
		"desired_full":  wire.Desired{Header: wire.Head(wire.TypeDesired), Session: session, Kind: wire.DesiredFull, Rev: 9, Containers: []wire.DesiredContainer{entry}, Removed: []wire.ContainerRef{{ID: container, Epoch: 1}}, Part: 1, Parts: 1},
		"command_create": wire.Command{
			Header: wire.Head(wire.TypeCommand), Session: session, ID: command, Action: wire.ActionCreate, ContainerID: container, Epoch: 1, Generation: 2, Rev: 9,
			EggConfig: &wire.EggConfig{Image: web.Image, Ports: web.Ports, Volumes: web.Volumes}, Resources: &limits, Environment: web.Env,
		},
		"command_stdin":   wire.Command{Header: wire.Head(wire.TypeCommand), Session: session, ID: command, Action: wire.ActionStdin, ContainerID: container, Epoch: 1, Deadline: at.UnixMilli(), Input: "say hello"},
		"command_restart": wire.Command{Header: wire.Head(wire.TypeCommand), Session: session, ID: command, Action: wire.ActionRestart, ContainerID: container, Epoch: 1, Deadline: at.UnixMilli()},
		"command_logs":    wire.Command{Header: wire.Head(wire.TypeCommand), Session: session, ID: command, Action: wire.ActionLogs, ContainerID: container, Deadline: at.UnixMilli(), Stream: "s1", Book: "b1", After: 4, Tail: 100, Follow: true, TTLMS: 30000},
		"events": wire.Events{Header: wire.Head(wire.TypeEvents), Session: session, LedgerID: "l1", Items: []wire.Event{
			{Seq: 4, Type: wire.EventCommandReceipt, At: at, CommandID: command, Receipt: wire.Delivered},
			{Type: wire.EventCommandProgress, At: at, CommandID: command, Progress: &wire.Progress{Percent: 40, Step: "pulling lormas/demo:1"}},
			{Seq: 5, Type: wire.EventCommandResult, At: at, CommandID: command, Status: "error", Receipt: wire.FailedR, Result: &wire.Result{Message: "no such image"}},
			{Seq: 6, Type: wire.EventContainerState, At: at, Container: &wire.ContainerStatus{ID: container, Epoch: 1, Generation: 2, Rev: 9, Phase: spec.Crashed, Reason: "exit code 137", DockerID: "abc", ExitCode: &exit, OOM: true, Restarts: 3, StartedAt: &at}},
		}},
		"logs":            wire.LogChunk{Header: wire.Head(wire.TypeLogs), Stream: "s1", Seq: 1, Book: "b1", First: 13, Lines: 2, Source: "out", Data: "hello\nthere\n", Gap: &wire.Gap{From: 5, To: 12}},
		"stats":           wire.Stats{Header: wire.Head(wire.TypeStats), At: at, CPUCores: 0.5, MemoryBytes: 1 << 20, MemoryLimit: 1 << 30, NetRx: 1, NetTx: 2, BlockRead: 3, BlockWrite: 4, Pids: 5},
		"usage":           wire.Usage{Header: wire.Head(wire.TypeUsage), At: at, Containers: []wire.ContainerUsage{{ContainerID: container, Running: true, CPUCores: 0.5, MemoryBytes: 1 << 20, MemoryLimit: 1 << 30, NetRx: 1, NetTx: 2, BlockRead: 3, BlockWrite: 4, Pids: 5, DiskBytes: 6, DiskLimit: 7}}},
		"health":          wire.Health{Header: wire.Head(wire.TypeHealth), NodeID: node, Status: "healthy", State: "suspect", Since: at, Reason: "connection lost"},
		"container_state": wire.ContainerNews{Header: wire.Head(wire.TypeContainerState), ContainerID: container, NodeID: node, Name: "web", Power: spec.Running, Phase: spec.Up, Epoch: 1, Generation: 2, MigrationStatus: "idle"},
		"event":           wire.FleetEvent{Header: wire.Head(wire.TypeEvent), Kind: "job", At: at, JobID: job, ContainerID: container, State: "succeeded"},
	}
}

func TestGoldenPayloads(t *testing.T) {
	for name, message := range golden() {
		file := filepath.Join("testdata", name+".json")
		got := wire.Encode(message)
		if *update {
			var out bytes.Buffer
			if err := json.Indent(&out, got, "", "  "); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, append(out.Bytes(), '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, text); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.String(), string(got)); d != "" {
			t.Errorf("%s: the format on the wire changed (-was +is):\n%s", name, d)
		}
	}
}

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	want := golden()["desired_delta"].(wire.Desired)
	got, err := wire.Decode[wire.Desired](wire.Encode(want), wire.TypeDesired)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, payload := range map[string]string{
		"nothing": "", "not json": "{", "no version": `{"type":"lease"}`, "null": "null", "a list": "[]",
		"another type": `{"v":1,"type":"desired"}`, "a wrong field": `{"v":1,"type":"lease","rev":"x"}`,
		"too much": `{"v":1,"type":"lease","x":"` + strings.Repeat("x", wire.MaxPayload) + `"}`,
	} {
		if _, err := wire.Decode[wire.Lease]([]byte(payload), wire.TypeLease); err == nil {
			t.Errorf("%s was decoded", name)
		}
	}
	_, err := wire.Decode[wire.Lease]([]byte(`{"v":2,"type":"lease"}`), wire.TypeLease)
	if !errors.Is(err, wire.ErrVersion) {
		t.Errorf("version 2 gave %v", err)
	}
	if _, err := wire.Decode[wire.Lease]([]byte(`{"v":1,"type":"lease","later":1}`), wire.TypeLease); err != nil {
		t.Errorf("a field from a later version gave %v", err)
	}
}

func TestTopicsParseBack(t *testing.T) {
	for _, r := range wire.Rules {
		want := wire.Topic{Kind: r.Kind}
		if strings.Contains(r.Pattern, "{node}") {
			want.Node = id.New[id.NodeID]()
		}
		if strings.Contains(r.Pattern, "{container}") {
			want.Container = id.New[id.ContainerID]()
		}
		got, ok := wire.ParseTopic(want.String())
		if !ok || got != want {
			t.Errorf("%s: %s parsed as %+v, %t", r.Kind, want, got, ok)
		}
	}
}

func TestOtherNamesAreNoTopics(t *testing.T) {
	node := id.New[id.NodeID]().String()
	for _, name := range []string{
		"", "lormas/v1", "lormas/v1/", "lormas/v2/events", "lormas/v1/events/", "/lormas/v1/events", "lormas/v1/nodes/+/heartbeat",
		"lormas/v1/nodes/#", "lormas/v1/nodes/" + node, "lormas/v1/nodes/" + node + "/", "lormas/v1/nodes/" + node + "/heartbeat/x",
		"lormas/v1/nodes/" + strings.ToUpper(node) + "/heartbeat", "lormas/v1/nodes//heartbeat", "$SYS/broker", "lormas/v1/{node}",
		"lormas/v1/nodes/{node}/heartbeat",
	} {
		if got, ok := wire.ParseTopic(name); ok {
			t.Errorf("%q was taken for %+v", name, got)
		}
	}
}

func TestAnyTopicThatParsesIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"nodes", "containers", "heartbeat", "logs", "state", "", "+", "0192f0c1-0000-7000-8000-000000000001", "events"})
		name := wire.Prefix + strings.Join(rapid.SliceOfN(part, 0, 6).Draw(t, "parts"), "/")
		if got, ok := wire.ParseTopic(name); ok && got.String() != name {
			t.Fatalf("%q parsed as %q", name, got)
		}
	})
}

func TestDigestIsOfTheSetNotItsOrder(t *testing.T) {
	a := wire.DesiredContainer{ID: id.New[id.ContainerID](), Epoch: 1, Power: spec.Running}
	b := wire.DesiredContainer{ID: id.New[id.ContainerID](), Epoch: 1, Power: spec.Stopped}
	gone := wire.DesiredContainer{ID: id.New[id.ContainerID](), Power: spec.Absent}
	one := wire.Digest([]wire.DesiredContainer{a, b})
	if other := wire.Digest([]wire.DesiredContainer{b, gone, a}); other != one {
		t.Errorf("order or an absent container changed the digest: %s, %s", one, other)
	}
	b.Generation++
	if wire.Digest([]wire.DesiredContainer{a, b}) == one {
		t.Error("another generation did not change the digest")
	}
}
