package docker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/dockerd"
	"github.com/lormas/lormas/shared/id"
)

// engineOfItsOwn is for tests that break it.
func engineOfItsOwn(t *testing.T) (restart func() *dockerd.Engine) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "outage")
	if err != nil {
		t.Fatal(err)
	}
	return func() *dockerd.Engine {
		e, err := dockerd.Start(t.Context(), dockerd.Options{Dir: dir, NetNS: dockerd.PrivateNet, BIP: "172.31.249.1/24"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		return e
	}
}

// diary notes the changes of a Watch as they come.
type diary struct {
	mu      sync.Mutex
	changes []runtime.Change
}

func (d *diary) note(c runtime.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes = append(d.changes, c)
}

func (d *diary) count(kind runtime.ChangeKind, c id.ContainerID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(d.changes), func(x runtime.Change) bool { return x.Kind != kind || x.ID != c }))
}

func TestWatchOutlivesTheEngine(t *testing.T) {
	restart := engineOfItsOwn(t)
	first := restart()
	if err := loadImages(first.Socket()); err != nil {
		t.Fatal(err)
	}
	e, in, nobody := engineAt(t, first.Socket()), script("exit 3"), id.ContainerID{}

	var seen diary
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Watch(ctx, seen.note) }()
	until(t, "the first list", func() bool { return seen.count(runtime.Relist, nobody) == 1 })

	if err := e.Create(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	restart()
	until(t, "the list after the restart", func() bool { return seen.count(runtime.Relist, nobody) >= 2 })
	if err := e.Start(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the container", func() bool { return seen.count(runtime.Died, in.ID) == 1 })

	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("watch ended with %v", err)
	}
}

// cable is a way to the test engine that can be cut.
type cable struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

// plug returns the socket at the agent's end.
func (c *cable) plug(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.carry(near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.set(true)
		all.Wait()
	})
	return socket
}

func (c *cable) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("unix", testEngine.Socket())
	if err != nil {
		return
	}
	defer far.Close()
	c.mu.Lock()
	c.conns = append(c.conns, near, far)
	cut := c.cut
	c.mu.Unlock()
	if cut {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
	both.Go(func() { _, _ = io.Copy(near, far); _ = near.Close() })
	both.Wait()
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut = cut; cut {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		c.conns = nil
	}
}

func TestWatchTellsWhatItMissed(t *testing.T) {
	var way cable
	e := engineAt(t, way.plug(t))
	direct := &Engine{api: engineAt(t, testEngine.Socket()).api, owner: e.owner, mounts: e.mounts, notes: e.notes}

	var seen diary
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Watch(ctx, seen.note) }()
	until(t, "the first list", func() bool { return seen.count(runtime.Relist, id.ContainerID{}) == 1 })

	way.set(true)
	in := script("exit 3")
	start(t, direct, in)
	until(t, "the end of the container", func() bool {
		f, err := direct.one(t.Context(), in.ID)
		return err == nil && f.State == runtime.Exited
	})
	way.set(false)
	until(t, "the news of it", func() bool { return seen.count(runtime.Died, in.ID) == 1 })
	if again := seen.count(runtime.Relist, id.ContainerID{}); again < 2 {
		t.Errorf("%d lists, want one more after the cut", again)
	}
	cancel()
	<-done
}

func TestAShortageIsRememberedForTheRunItEnded(t *testing.T) {
	now := time.Unix(1000, 0)
	s := shortages{at: map[string]time.Time{}}
	s.note(runtime.Change{DockerID: "a", At: now})
	for name, c := range map[string]struct {
		found runtime.Found
		want  bool
	}{
		"the run that it ended": {runtime.Found{DockerID: "a", StartedAt: now.Add(-time.Second)}, true},
		"a run after it":        {runtime.Found{DockerID: "a", StartedAt: now.Add(time.Second)}, false},
		"one that lives on":     {runtime.Found{DockerID: "a", StartedAt: now.Add(-time.Second), Running: true}, false},
		"another container":     {runtime.Found{DockerID: "b"}, false},
		"the engine knows":      {runtime.Found{DockerID: "b", OOM: true}, true},
	} {
		if got := s.apply(c.found).OOM; got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	s.forget(runtime.Change{DockerID: "a"})
	if len(s.at) != 0 {
		t.Errorf("kept: %v", s.at)
	}
}

func TestAnEngineThatDoesNotAnswerIsUnavailable(t *testing.T) {
	broken := engineOfItsOwn(t)()
	e := engineAt(t, broken.Socket())
	in := script("true")
	verbs := map[string]func(context.Context) error{
		"ping":   e.Ping,
		"list":   func(ctx context.Context) error { _, err := e.List(ctx); return err },
		"create": func(ctx context.Context) error { return e.Create(ctx, in, nil) },
		"start":  func(ctx context.Context) error { return e.Start(ctx, in.ID) },
		"remove": func(ctx context.Context) error { return e.Remove(ctx, in.ID) },
	}
	check := func(t *testing.T) {
		for name, verb := range verbs {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			err := verb(ctx)
			cancel()
			if !errors.Is(err, runtime.ErrUnavailable) || !strings.Contains(err.Error(), broken.Socket()) {
				t.Errorf("%s: %v, want an error of kind %q that names the socket", name, err, runtime.ErrUnavailable)
			}
		}
	}
	if err := e.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := broken.Pause(); err != nil {
		t.Fatal(err)
	}
	t.Run("frozen", check)
	if err := broken.Resume(); err != nil {
		t.Fatal(err)
	}
	broken.Kill()
	t.Run("killed", check)
}
