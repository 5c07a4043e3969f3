package runtimetest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Engine is all that an engine can do. Its users declare the part that they
// need; the suite needs everything.
type Engine interface {
	Ping(context.Context) error
	Info(context.Context) (runtime.Info, error)
	List(context.Context) ([]runtime.Found, error)
	Find(context.Context, id.ContainerID) (runtime.Found, error)
	Create(context.Context, runtime.Instance, func(wire.Progress)) error
	Start(context.Context, id.ContainerID) error
	Stop(context.Context, id.ContainerID, spec.Stop) error
	Kill(context.Context, id.ContainerID) error
	Type(context.Context, id.ContainerID, string) error
	Remove(context.Context, id.ContainerID) error
	Update(context.Context, id.ContainerID, runtime.Instance) error
	Watch(context.Context, func(runtime.Change)) error
	Logs(context.Context, id.ContainerID, runtime.LogOptions, func([]byte) error) error
	Lines(context.Context, id.ContainerID, time.Time, func(runtime.Line)) error
	Stats(context.Context, id.ContainerID) (runtime.Usage, error)

	Installed(context.Context, runtime.Instance) (number int64, done bool, err error)
	PrepareInstall(context.Context, runtime.Instance, func(wire.Progress)) (runtime.Found, error)
	StartInstall(context.Context, id.ContainerID) (runtime.Found, error)
	AwaitInstall(context.Context, runtime.Instance) error
	AbortInstall(context.Context, id.ContainerID) error
}

// Harness is an engine with what the suite needs around it.
type Harness struct {
	Engine       Engine
	Neighbour    Engine // the same engine as another node's agent sees it
	Image        string // runs an actor
	Shell        string // has a shell
	MissingImage string // cannot be pulled
	MountRoot    string // a directory that containers may mount from
	TakePort     func(t *testing.T, port int)
	Limits       func(t *testing.T, c id.ContainerID) Limits
}

// Limits are those that are really set on a container.
type Limits struct {
	CPU    spec.CPU
	Memory spec.Bytes
	Pids   int64
}

// patience bounds every wait; what is waited for comes in well under a
// second on an idle machine.
const patience = 30 * time.Second

// rig is a harness in one test.
type rig struct {
	Harness
	*testing.T
}

// instance is an actor in its first generation.
func (r rig) instance(command []string) runtime.Instance {
	in := runtime.Instance{
		ID: id.New[id.ContainerID](), Epoch: 3, Generation: 1,
		Spec: spec.Container{
			Name: "actor", Image: r.Image, Command: command,
			Resources: spec.Resources{CPU: 500, Memory: 32 * spec.MiB},
		},
	}
	return stamp(in)
}

// stamp brings the hash of an instance in line with its spec.
func stamp(in runtime.Instance) runtime.Instance {
	in.SpecHash = in.Spec.Hash()
	return in
}

func (r rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// create makes a container and removes it when the test is over.
func (r rig) create(in runtime.Instance) {
	r.Helper()
	r.Cleanup(func() {
		if err := r.Engine.Remove(context.Background(), in.ID); err != nil {
			r.Error(err)
		}
	})
	r.ok(r.Engine.Create(r.Context(), in, nil))
}

// run makes a container, starts it and waits until its actor listens.
func (r rig) run(in runtime.Instance) runtime.Found {
	r.Helper()
	r.create(in)
	r.ok(r.Engine.Start(r.Context(), in.ID))
	r.until("its greeting", func() bool {
		return strings.Contains(r.logs(in.ID, runtime.LogOptions{Tail: -1}), Greeting)
	})
	return r.see(in.ID)
}

func (r rig) logs(c id.ContainerID, opt runtime.LogOptions) string {
	r.Helper()
	var text transcript
	r.ok(r.Engine.Logs(r.Context(), c, opt, text.write))
	return text.String()
}

// all lists what e shows, by id.
func (r rig) all(e Engine) map[id.ContainerID]runtime.Found {
	r.Helper()
	list, err := e.List(r.Context())
	r.ok(err)
	out := map[id.ContainerID]runtime.Found{}
	for _, f := range list {
		if !f.Installer {
			out[f.ID] = f
		}
	}
	return out
}

func (r rig) see(c id.ContainerID) runtime.Found {
	r.Helper()
	found, ok := r.all(r.Engine)[c]
	if !ok {
		r.Fatalf("container %s is not listed", c)
	}
	return found
}

// until waits for a level: until the condition holds.
func (r rig) until(what string, holds func() bool) {
	r.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			r.Fatalf("%s has not come", what)
		}
	}
}

func (r rig) untilEnded(c id.ContainerID) runtime.Found {
	r.Helper()
	r.until("the end of the container", func() bool { return r.see(c).State == runtime.Exited })
	return r.see(c)
}

// transcript collects output, or changes, as they come from another
// goroutine.
type transcript struct {
	mu      sync.Mutex
	text    strings.Builder
	changes []runtime.Change
}

func (t *transcript) write(data []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(data)
	return nil
}

func (t *transcript) change(c runtime.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes = append(t.changes, c)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// judgement is the newest of a container's health check.
func (t *transcript) judgement(c id.ContainerID) (last string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, change := range t.changes {
		if change.ID == c && change.Kind == runtime.Judged {
			last = change.Health
		}
	}
	return last
}

// kinds are the changes of one container; those of none count as everybody's.
func (t *transcript) kinds(c id.ContainerID) []runtime.ChangeKind {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []runtime.ChangeKind
	for _, change := range t.changes {
		if change.ID == c || change.ID.IsZero() {
			out = append(out, change.Kind)
		}
	}
	return out
}

func (t *transcript) exitCodes(c id.ContainerID) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []int
	for _, change := range t.changes {
		if change.ID == c && change.Kind == runtime.Died {
			out = append(out, change.ExitCode)
		}
	}
	return out
}

// watch notes every change from now on.
func (r rig) watch(seen *transcript) {
	r.Helper()
	r.background(func(ctx context.Context) error { return r.Engine.Watch(ctx, seen.change) })
	r.until("the first list", func() bool { return len(seen.kinds(id.ContainerID{})) > 0 })
}

// background runs f until the test is over and then waits for it.
func (r rig) background(f func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f(ctx) // the context ends it, with an error
	}()
	r.Cleanup(func() {
		cancel()
		<-done
	})
}
