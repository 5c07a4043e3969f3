package presence_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/lormas/lormas/controller/internal/presence"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

const patience = time.Minute

// world is a presence that runs on a Redis of its own.
type world struct {
	*presence.Presence
	server *testkit.RedisServer
	client redis.UniversalClient
	clock  *clock
}

// clock is the controller's; it stands still unless moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{server: testkit.Redis(t), clock: &clock{now: time.Now()}}
	var err error
	if w.client, err = presence.Open(w.server.URL); err != nil {
		t.Fatal(err)
	}
	w.Presence = presence.New(presence.Options{
		Redis: w.client, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := w.client.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within %s: %s", patience, what)
		}
	}
}

func heartbeat(rev int64) wire.Heartbeat {
	return wire.Heartbeat{AppliedRev: rev, DockerOK: true, Telemetry: &wire.Telemetry{CPUUsed: 0.5, Containers: 2}}
}

func (w *world) ttl(t *testing.T, n id.NodeID) time.Duration {
	t.Helper()
	d, err := w.client.PTTL(t.Context(), "lormas:node:"+n.String()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (w *world) written(t *testing.T, n id.NodeID) bool { return w.ttl(t, n) > 0 }

func (w *world) view(t *testing.T, n id.NodeID) (presence.View, bool) {
	t.Helper()
	views, err := w.Nodes(t.Context(), []id.NodeID{n, id.New[id.NodeID]()})
	if err != nil {
		t.Fatal(err)
	}
	if len(views) > 1 {
		t.Errorf("a node that nobody heard has a view: %v", views)
	}
	v, ok := views[n]
	return v, ok
}

func TestHeartbeatsBecomeViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	node := id.New[id.NodeID]()
	w.Note(node, heartbeat(7))
	short := heartbeat(8)
	short.Telemetry = nil // is sent once a minute only
	w.Note(node, short)
	eventually(t, "the key is in Redis", func() bool { return w.written(t, node) })
	if ttl := w.ttl(t, node); ttl > presence.TTL {
		t.Errorf("the key lives for %s", ttl)
	}
	got, _ := w.view(t, node)
	want := presence.View{LastHeartbeat: w.clock.Now().Round(0), AppliedRev: 8, DockerOK: true, Telemetry: heartbeat(0).Telemetry}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAKeyReallyExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	node := id.New[id.NodeID]()
	w.Note(node, heartbeat(1))
	w.clock.pass(presence.TTL - 2*time.Second) // it was heard so long ago when it is written
	eventually(t, "the key is in Redis", func() bool { return w.written(t, node) })
	eventually(t, "the key is gone", func() bool { return w.ttl(t, node) < 0 }) // 0 is its last millisecond
	w.clock.pass(2 * time.Second)                                               // for memory, which answers when Redis is slow
	if _, ok := w.view(t, node); ok {
		t.Error("an expired node has a view")
	}
}

func TestRedisIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	node := id.New[id.NodeID]()
	w.Note(node, heartbeat(1))
	eventually(t, "the key is in Redis", func() bool { return w.written(t, node) })
	w.server.Kill()
	w.Note(node, heartbeat(2))
	if v, ok := w.view(t, node); !ok || v.AppliedRev != 2 {
		t.Errorf("without Redis the view is %+v, %t", v, ok)
	}
	w.clock.pass(presence.TTL)
	if _, ok := w.view(t, node); ok {
		t.Error("memory does not forget")
	}
	w.Note(node, heartbeat(3))
	w.server.Start()
	eventually(t, "the new Redis has the key", func() bool { return w.written(t, node) })
}

func TestRedisHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	node := id.New[id.NodeID]()
	w.Note(node, heartbeat(1))
	eventually(t, "the key is in Redis", func() bool { return w.written(t, node) })
	w.server.Stop()
	defer w.server.Continue()
	for range 100 { // each waits for Redis only while nobody knows that it hangs
		if _, ok := w.view(t, node); !ok {
			t.Fatal("no view while Redis hangs")
		}
	}
}

func TestRedisIsFlushed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nodes := []id.NodeID{id.New[id.NodeID](), id.New[id.NodeID]()}
	for _, n := range nodes {
		w.Note(n, heartbeat(1))
		eventually(t, "the key is in Redis", func() bool { return w.written(t, n) })
	}
	if err := w.client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes { // without another heartbeat
		eventually(t, "the key is in Redis again", func() bool { return w.written(t, n) })
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	node := id.New[id.NodeID]()
	w.server.Kill()
	w.Note(node, heartbeat(1))
	w.Forget(node)
	if _, ok := w.view(t, node); ok {
		t.Error("a deleted node has a view")
	}
}
