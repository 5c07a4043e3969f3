package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// asked is what the node was asked for; it stands for the broker.
type asked struct {
	mu       sync.Mutex
	commands []wire.Command
	err      error
}

func (a *asked) Publish(_ wire.Topic, payload []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, err := wire.Decode[wire.Command](payload, wire.TypeCommand)
	a.commands = append(a.commands, c)
	return errors.Join(err, a.err)
}

func (a *asked) refuse(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *asked) take() []wire.Command {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.commands
	a.commands = nil
	return out
}

var (
	node      = id.New[id.NodeID]()
	container = id.New[id.ContainerID]()
	session   = wire.Session{BootID: "b", Session: 1}
	logs      = wire.OfContainerOn(wire.ContainerLogs, node, container)
	stats     = wire.OfContainerOn(wire.ContainerStats, node, container)
)

// bubble runs a test in which time is made of sleep, with a Watch whose node
// is there.
func bubble(t *testing.T, test func(t *testing.T, w *Watch, a *asked)) {
	synctest.Test(t, func(t *testing.T) {
		nodes := liveness.NewRegistry(liveness.Options{Profile: liveness.Standard(), Now: time.Now, Lease: func(id.NodeID, wire.Lease) {}})
		nodes.Hear(node, liveness.Connected{Conn: 1})
		nodes.Hear(node, liveness.Greeted{Conn: 1, Session: session})
		a := &asked{}
		w := New(Options{Publisher: a, Nodes: nodes, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		test(t, w, a)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(w.feeds) != 0 {
			t.Errorf("%d feeds are left", len(w.feeds))
		}
	})
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func deliverLog(t *testing.T, w *Watch, c wire.LogChunk) {
	t.Helper()
	c.Header = wire.Head(wire.TypeLogs)
	if err := w.Deliver(logs, wire.Encode(c)); err != nil {
		t.Fatal(err)
	}
}

func TestAStreamIsRenewedWhileWatched(t *testing.T) {
	bubble(t, func(t *testing.T, w *Watch, a *asked) {
		ctx, leave := context.WithCancel(t.Context())
		if _, err := w.Logs(ctx, node, container, LogOptions{Tail: 50, Follow: true}); err != nil {
			t.Fatal(err)
		}
		first := a.take()[0]
		if first.Tail != 50 || first.Session != session {
			t.Errorf("asked for %+v", first)
		}
		deliverLog(t, w, wire.LogChunk{Stream: first.Stream, Book: "b", First: 8})
		after(25 * time.Second)
		renewals := a.take()
		if len(renewals) != 2 {
			t.Fatalf("%d renewals in 25 s", len(renewals))
		}
		for _, r := range renewals {
			if r.Stream != first.Stream || r.Tail != 0 || r.After != 7 || r.Seek || r.ID == first.ID {
				t.Errorf("renewed with %+v", r)
			}
		}
		leave()
		after(time.Minute)
		if more := a.take(); len(more) != 0 {
			t.Errorf("renewed %d times with nobody there", len(more))
		}
	})
}

func TestASingleLook(t *testing.T) {
	bubble(t, func(t *testing.T, w *Watch, a *asked) {
		s, err := w.Logs(t.Context(), node, container, LogOptions{Tail: 5})
		if err != nil {
			t.Fatal(err)
		}
		deliverLog(t, w, wire.LogChunk{Stream: a.take()[0].Stream, Data: "all", EOF: true})
		if c := <-s.C(); c.Data != "all" || !c.EOF {
			t.Errorf("got %+v", c)
		}
		if _, open := <-s.C(); open || s.Err() != nil {
			t.Errorf("open %t, %v", open, s.Err())
		}
		silent, err := w.Logs(t.Context(), node, container, LogOptions{Tail: 5})
		if err != nil {
			t.Fatal(err)
		}
		after(30 * time.Second)
		if _, open := <-silent.C(); open || fleet.KindOf(silent.Err()) != fleet.Unreachable {
			t.Errorf("a node that does not answer: open %t, %v", open, silent.Err())
		}
	})
}

func TestStatsAreShared(t *testing.T) {
	bubble(t, func(t *testing.T, w *Watch, a *asked) {
		ctx, leave := context.WithCancel(t.Context())
		one, err := w.Stats(ctx, node, container)
		if err != nil {
			t.Fatal(err)
		}
		two, err := w.Stats(t.Context(), node, container)
		if err != nil {
			t.Fatal(err)
		}
		w.Watching(stats, 1)
		streams := map[string]bool{}
		for _, c := range a.take() {
			streams[c.Stream] = true
		}
		if len(streams) != 1 {
			t.Errorf("the agent was asked for %d streams", len(streams))
		}
		for n := range queue + 3 {
			payload := wire.Encode(wire.Stats{Header: wire.Head(wire.TypeStats), Pids: int64(n)})
			if err := w.Deliver(stats, payload); err != nil {
				t.Fatal(err)
			}
		}
		if s := <-one.C(); s.Pids != 3 {
			t.Errorf("the oldest sample kept is %d, want 3", s.Pids)
		}
		leave()
		after(0)
		if len(a.take()) != 0 {
			t.Error("asked again for one who leaves")
		}
		after(10 * time.Second)
		if n := len(a.take()); n != 1 {
			t.Errorf("%d renewals in 10 s for those who stay", n)
		}
		w.Watching(stats, 0)
		if s := <-two.C(); s.Pids != 3 {
			t.Errorf("the other's oldest sample is %d", s.Pids)
		}
	})
}

func TestPeopleOnMQTT(t *testing.T) {
	bubble(t, func(t *testing.T, w *Watch, a *asked) {
		w.Watching(logs, 1)
		w.Watching(logs, 2)
		if got := a.take(); len(got) != 2 || got[0].Stream != shared || !got[0].Follow {
			t.Errorf("the agent was asked %+v", got)
		}
		w.Watching(logs, 1)
		after(20 * time.Second)
		if n := len(a.take()); n != 2 {
			t.Errorf("%d renewals in 20 s", n)
		}
		w.Watching(logs, 0)
		after(time.Minute)
		if n := len(a.take()); n != 0 {
			t.Errorf("%d renewals with nobody there", n)
		}
	})
}

func TestRefusals(t *testing.T) {
	bubble(t, func(t *testing.T, w *Watch, a *asked) {
		if _, err := w.Stats(t.Context(), id.New[id.NodeID](), container); fleet.KindOf(err) != fleet.Unreachable {
			t.Errorf("a node that is not there: %v", err)
		}
		ctx, leave := context.WithCancel(t.Context())
		for range maxFeeds {
			if _, err := w.Logs(ctx, node, container, LogOptions{Follow: true}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Logs(ctx, node, container, LogOptions{}); fleet.KindOf(err) != fleet.TooMany {
			t.Errorf("one viewer too many: %v", err)
		}
		leave()
		after(0)
		a.refuse(errors.New("busy"))
		if _, err := w.Logs(t.Context(), node, container, LogOptions{}); fleet.KindOf(err) != fleet.Unavailable {
			t.Errorf("a broker that is busy: %v", err)
		}
		if _, err := w.Stats(t.Context(), node, container); fleet.KindOf(err) != fleet.Unavailable {
			t.Errorf("a broker that is busy: %v", err)
		}
		if err := w.Deliver(logs, []byte("{")); err != nil {
			t.Errorf("nobody watches, and it was read: %v", err)
		}
		w.Watching(logs, 1)
		if err := w.Deliver(logs, []byte("{")); err == nil {
			t.Error("nonsense was taken for a chunk")
		}
		w.Watching(logs, 0)
	})
}

func TestWhatANodeSaidLast(t *testing.T) {
	bubble(t, func(t *testing.T, w *Watch, a *asked) {
		if _, _, err := w.Latest(node, container); fleet.KindOf(err) != fleet.Unreachable {
			t.Errorf("before anything was said: %v", err)
		}
		at := time.Unix(5, 0).UTC()
		said := wire.Usage{Header: wire.Head(wire.TypeUsage), At: at, Containers: []wire.ContainerUsage{{ContainerID: container, Pids: 3}}}
		if err := w.Note(node, wire.Encode(said)); err != nil {
			t.Fatal(err)
		}
		if got, when, err := w.Latest(node, container); err != nil || got.Pids != 3 || !when.Equal(at) {
			t.Errorf("got %+v at %s, %v", got, when, err)
		}
		if _, _, err := w.Latest(id.New[id.NodeID](), container); err == nil {
			t.Error("another node said so, too")
		}
		said.Containers = make([]wire.ContainerUsage, wire.MaxUsage+1)
		if err := w.Note(node, wire.Encode(said)); err == nil {
			t.Error("a message with too many containers was taken")
		}
		after(usageGood + renewEvery)
		if _, _, err := w.Latest(node, container); err == nil || len(w.usage) != 0 {
			t.Errorf("old news: %v, %d remembered", err, len(w.usage))
		}
		if n := len(a.take()); n != 0 {
			t.Errorf("the node was asked %d times", n)
		}
	})
}
