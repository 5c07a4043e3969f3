package runtimetest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// FakeMounts is the directory that containers of a fake may mount from.
const FakeMounts = "/srv"

// Fake is an engine in memory. It starts no goroutine and its waits end with
// time.After, so it works under testing/synctest. Besides what every engine
// does it does what a test tells it to: see control.go.
type Fake struct {
	machine   *machine
	namespace string
}

// machine is what several fakes on one machine share.
type machine struct {
	mu         sync.Mutex
	changed    chan struct{} // closed and replaced with every change
	containers map[key]*fakeContainer
	installers map[key]*fakeContainer
	marks      map[key]int64   // which installation a container's volume has had
	missing    map[string]bool // images that cannot be pulled
	pulled     map[string]bool
	taken      map[int]bool // ports held by other processes
	down       bool
	outages    int
	before     func(context.Context, Call) error
	calls      []Call
	events     []event
	made       int
}

type key struct {
	namespace string
	id        id.ContainerID
}

type event struct {
	namespace string
	change    runtime.Change
}

type fakeContainer struct {
	runtime.Found
	instance runtime.Instance // as it is now
	command  []string         // as it was made
	output   []string
	printed  []time.Time // when, line by line
}

// NewFake makes an engine with no containers. It can pull every image.
func NewFake() *Fake {
	return &Fake{namespace: "0", machine: &machine{
		changed:    make(chan struct{}),
		containers: map[key]*fakeContainer{},
		installers: map[key]*fakeContainer{},
		marks:      map[key]int64{},
		missing:    map[string]bool{},
		pulled:     map[string]bool{},
		taken:      map[int]bool{},
	}}
}

// Neighbour is the same engine seen by another node's agent.
func (f *Fake) Neighbour() *Fake {
	return &Fake{machine: f.machine, namespace: f.namespace + "'"}
}

// begin opens a call: the test's hook runs unlocked, and then the machine is
// locked unless begin returns an error.
func (f *Fake) begin(ctx context.Context, verb Verb, c id.ContainerID) error {
	m := f.machine
	call := Call{Verb: verb, ID: c}
	m.mu.Lock()
	m.calls = append(m.calls, call)
	before := m.before
	m.mu.Unlock()
	if before != nil {
		if err := before(ctx, call); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	if m.down {
		m.mu.Unlock()
		return runtime.ErrUnavailable.Errorf("the fake engine is down")
	}
	return nil
}

// find is called with the machine locked.
func (f *Fake) find(c id.ContainerID) (*fakeContainer, error) {
	found := f.machine.containers[key{f.namespace, c}]
	if found == nil {
		return nil, runtime.Missing(c)
	}
	return found, nil
}

// open is begin for a verb on a container that has to be there.
func (f *Fake) open(ctx context.Context, verb Verb, c id.ContainerID) (*fakeContainer, error) {
	if err := f.begin(ctx, verb, c); err != nil {
		return nil, err
	}
	found, err := f.find(c)
	if err != nil {
		f.machine.mu.Unlock()
	}
	return found, err
}

// Ping asks whether the engine answers.
func (f *Fake) Ping(ctx context.Context) error {
	if err := f.begin(ctx, VerbPing, id.ContainerID{}); err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	return nil
}

// Info says what the fake would be.
func (f *Fake) Info(ctx context.Context) (runtime.Info, error) {
	if err := f.begin(ctx, VerbInfo, id.ContainerID{}); err != nil {
		return runtime.Info{}, err
	}
	defer f.machine.mu.Unlock()
	return runtime.Info{Version: "fake", Arch: "x86_64", CPUs: 4, Memory: 8 * spec.GiB}, nil
}

// List finds the containers of this namespace.
func (f *Fake) List(ctx context.Context) ([]runtime.Found, error) {
	if err := f.begin(ctx, VerbList, id.ContainerID{}); err != nil {
		return nil, err
	}
	defer f.machine.mu.Unlock()
	var list []runtime.Found
	for _, all := range []map[key]*fakeContainer{f.machine.containers, f.machine.installers} {
		for at, c := range all {
			if at.namespace == f.namespace {
				list = append(list, c.Found)
			}
		}
	}
	slices.SortFunc(list, func(a, b runtime.Found) int { return strings.Compare(a.DockerID, b.DockerID) })
	return list, nil
}

// Find finds one container that has to be there.
func (f *Fake) Find(ctx context.Context, c id.ContainerID) (runtime.Found, error) {
	found, err := f.open(ctx, VerbFind, c)
	if err != nil {
		return runtime.Found{}, err
	}
	defer f.machine.mu.Unlock()
	return found.Found, nil
}

// Create makes a container.
func (f *Fake) Create(ctx context.Context, in runtime.Instance, report func(wire.Progress)) error {
	if err := f.begin(ctx, VerbCreate, in.ID); err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	m := f.machine
	old, err := f.find(in.ID)
	if err == nil && old.Found.MadeOf(in) {
		return nil
	}
	if m.missing[in.Spec.Image] {
		return runtime.ErrImage.Errorf("image %s cannot be pulled: the fake registry does not have it", in.Spec.Image)
	}
	for _, v := range in.Spec.Volumes {
		if filepath.IsAbs(v.Host) && !strings.HasPrefix(v.Host+"/", FakeMounts+"/") {
			return runtime.ErrMount.Errorf("volume %s may not be mounted: start the agent with --allow-mount %s", v.Host, v.Host)
		}
	}
	if !m.pulled[in.Spec.Image] && report != nil {
		report(wire.Progress{Percent: 100, Step: "pulling image"})
	}
	m.pulled[in.Spec.Image] = true
	if old != nil {
		f.destroy(old)
	}
	m.made++
	m.containers[key{f.namespace, in.ID}] = &fakeContainer{
		instance: in, command: slices.Clone(in.Spec.Command),
		Found: runtime.Found{
			ID: in.ID, DockerID: fmt.Sprintf("%064x", m.made), State: runtime.Created,
			Epoch: in.Epoch, Generation: in.Generation, SpecHash: in.SpecHash, Exclusive: in.Spec.Exclusive,
			Install: in.Install,
		},
	}
	m.wake()
	return nil
}

// Configure does nothing: the fake has no files.
func (f *Fake) Configure(ctx context.Context, in runtime.Instance) error {
	if err := f.begin(ctx, VerbConfig, in.ID); err != nil {
		return err
	}
	f.machine.mu.Unlock()
	return nil
}

// Start starts a container and lets its actor act.
func (f *Fake) Start(ctx context.Context, c id.ContainerID) error {
	found, err := f.open(ctx, VerbStart, c)
	if err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	if found.Running {
		return nil
	}
	for _, p := range found.instance.Spec.Ports {
		if f.machine.portTaken(p) {
			return runtime.ErrPort.Errorf("port %d of this node is in use by another process", p.Host)
		}
	}
	found.State, found.Running, found.OOM, found.ExitCode = runtime.Running, true, false, 0
	found.StartedAt = time.Now()
	f.machine.made++
	found.Pid = f.machine.made
	f.tell(runtime.Change{Kind: runtime.Started, ID: c, DockerID: found.DockerID})
	f.examine(found)
	f.act(found)
	return nil
}

func (m *machine) portTaken(p spec.Port) bool {
	if m.taken[p.Host] {
		return true
	}
	for _, other := range m.containers {
		if other.Running && slices.ContainsFunc(other.instance.Spec.Ports, func(o spec.Port) bool {
			return o.Host == p.Host && o.Protocol == p.Protocol
		}) {
			return true
		}
	}
	return false
}

// Kill ends a container at once.
func (f *Fake) Kill(ctx context.Context, c id.ContainerID) error {
	if err := f.begin(ctx, VerbKill, c); err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	found, err := f.find(c)
	if i := f.machine.installers[key{f.namespace, c}]; i != nil {
		f.endInstall(i, exitKilled)
		return nil
	}
	if err != nil {
		return err
	}
	f.end(found, exitKilled)
	return nil
}

// Type says a line to the actor.
func (f *Fake) Type(ctx context.Context, c id.ContainerID, line string) error {
	found, err := f.open(ctx, VerbType, c)
	if err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	if !found.Running {
		return runtime.ErrNotRunning.Errorf("the container does not run")
	}
	f.typed(found, line)
	return nil
}

// Remove removes a container.
func (f *Fake) Remove(ctx context.Context, c id.ContainerID) error {
	if err := f.begin(ctx, VerbRemove, c); err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	delete(f.machine.installers, key{f.namespace, c})
	if found, err := f.find(c); err == nil {
		f.destroy(found)
	}
	return nil
}

// Update gives a container other limits.
func (f *Fake) Update(ctx context.Context, c id.ContainerID, in runtime.Instance) error {
	found, err := f.open(ctx, VerbUpdate, c)
	if err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	found.instance = in
	found.Epoch, found.Generation, found.SpecHash = in.Epoch, in.Generation, in.SpecHash
	f.machine.wake()
	return nil
}

// Stats reads the meters of a container, which shows no use of anything.
func (f *Fake) Stats(ctx context.Context, c id.ContainerID) (runtime.Usage, error) {
	found, err := f.open(ctx, VerbStats, c)
	if err != nil {
		return runtime.Usage{}, err
	}
	defer f.machine.mu.Unlock()
	if !found.Running {
		return runtime.Usage{}, nil
	}
	return runtime.Usage{
		At: time.Now(), Pids: 1, Memory: int64(spec.MiB), MemoryLimit: int64(found.instance.Spec.Resources.Memory),
	}, nil
}

// destroy is called with the machine locked.
func (f *Fake) destroy(c *fakeContainer) {
	f.end(c, exitKilled)
	delete(f.machine.containers, key{f.namespace, c.ID})
	f.tell(runtime.Change{Kind: runtime.Destroyed, ID: c.ID, DockerID: c.DockerID})
}

// end is called with the machine locked; on one that does not run it does
// nothing.
func (f *Fake) end(c *fakeContainer, code int) {
	if !c.Running {
		return
	}
	c.State, c.Running, c.ExitCode, c.FinishedAt, c.Health = runtime.Exited, false, code, time.Now(), ""
	f.tell(runtime.Change{Kind: runtime.Died, ID: c.ID, DockerID: c.DockerID, ExitCode: code})
}

// examine carries out a health check that was made by Check; the machine is
// locked.
func (f *Fake) examine(c *fakeContainer) {
	check := c.instance.Spec.Health
	if check == nil {
		return
	}
	if c.Health = "unhealthy"; check.Test[len(check.Test)-1] == "0" {
		c.Health = "healthy"
	}
	f.tell(runtime.Change{Kind: runtime.Judged, ID: c.ID, DockerID: c.DockerID, Health: c.Health})
}

// tell is called with the machine locked.
func (f *Fake) tell(change runtime.Change) {
	change.At = time.Now()
	f.machine.events = append(f.machine.events, event{f.namespace, change})
	f.machine.wake()
}

// wake lets everybody who waits look again; called with the machine locked.
func (m *machine) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// Instances is what the containers are made of, for tests to look at.
func (f *Fake) Instances() map[id.ContainerID]runtime.Instance {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	out := map[id.ContainerID]runtime.Instance{}
	for at, c := range f.machine.containers {
		if at.namespace == f.namespace {
			out[at.id] = c.instance
		}
	}
	return out
}
