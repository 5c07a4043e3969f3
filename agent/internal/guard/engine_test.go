package guard

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/docker"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/dockerd"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
)

const image = "lormas-test/shell:1"

// crowd is a container of several processes that do not want to be found: one
// in a session of its own, one without an environment, none hears SIGTERM.
const crowd = `trap "" TERM; setsid sleep 100001 & env -i /bin/sleep 100002 & sh -c 'trap "" TERM; sleep 100003; :' & wait`

// engineRig is a node with a real engine, which tests may break.
type engineRig struct {
	*rig
	dir     string
	process *dockerd.Engine
	engine  *docker.Engine
}

func (r *engineRig) power() {
	r.Helper()
	var err error
	r.process, err = dockerd.Start(r.Context(), dockerd.Options{Dir: r.dir, NetNS: dockerd.PrivateNet, BIP: "172.31.248.1/24"})
	r.ok(err)
}

// run makes a container and starts it under a lease, as the agent does.
func (r *engineRig) run(d time.Duration) (lease.Copy, runtime.Found) {
	r.Helper()
	c := r.create(crowd)
	r.ok(r.Expect(c, term(c, d), r.toStart(c)))
	r.ok(r.engine.Start(r.Context(), c.Container))
	found, err := r.engine.Find(r.Context(), c.Container)
	r.ok(err)
	r.ok(r.Bind(c, Init{Pid: found.Pid, DockerID: found.DockerID}))
	r.until("all processes of the container", func() bool { return len(processesOf(found.DockerID)) >= 4 })
	return c, found
}

// toStart is what the agent says of a container that it has made.
func (r *engineRig) toStart(c lease.Copy) Start {
	r.Helper()
	made, err := r.engine.Find(r.Context(), c.Container)
	r.ok(err)
	return Start{Signal: int(syscall.SIGTERM), DockerID: made.DockerID}
}

func (r *engineRig) create(script string) lease.Copy {
	r.Helper()
	c := newCopy()
	r.ok(r.engine.Create(r.Context(), runtime.Instance{
		ID: c.Container, Epoch: c.Epoch, Generation: 1,
		Spec: spec.Container{
			Name: "crowd", Image: image, Command: []string{"sh", "-c", script}, HA: true, Exclusive: true,
			Resources: spec.Resources{CPU: 200, Memory: 32 * spec.MiB},
		},
	}, nil))
	return c
}

// processesOf are those of a container, by their cgroup.
func processesOf(dockerID string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && inCgroupOf(pid, dockerID) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// hangs is a lease that is long enough to break the engine under.
const hangs = 4 * time.Second

// The guard against a real engine: frozen, dead, hung in a start, rebooted.
func TestI1OnARealEngine(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "guarded")
	if err != nil {
		t.Fatal(err)
	}
	r := &engineRig{rig: lonelyRig(t), dir: dir}
	r.power()
	t.Cleanup(func() {
		if err := r.process.Close(); err != nil {
			t.Error(err)
		}
	})
	shell, err := dockerd.Busybox(image)
	r.ok(err)
	r.ok(dockerd.Load(t.Context(), r.process.Socket(), shell))
	r.engine, err = docker.New(docker.Options{Host: "unix://" + r.process.Socket(), Controller: "test", Node: r.node, DataDir: t.TempDir()})
	r.ok(err)
	t.Cleanup(func() { _ = r.engine.Close() })
	for _, test := range []struct {
		name string
		run  func(*engineRig)
	}{
		{"the engine is frozen and the agent is dead", frozenEngine},
		{"the guard was dead when the lease ended", deadGuard},
		{"a start is under way when the lease ends", startInFlight},
		{"the agent died before it named an init that hides", hidingInit},
		{"an installation is under way when the lease ends", installing},
		{"the engine is dead", deadEngine},
		{"the machine boots", rebooted},
	} {
		t.Run(test.name, func(t *testing.T) {
			outer := r.T
			r.T = t
			defer func() { r.T = outer }()
			test.run(r)
		})
	}
}

func frozenEngine(r *engineRig) {
	c, found := r.run(hangs)
	_, other := r.run(long)
	r.ok(r.process.Pause())
	r.Client.Close() // no word from the agent any more
	r.until("the death of all its processes", func() bool { return len(processesOf(found.DockerID)) == 0 })
	r.until("the guard's knowledge of it", func() bool { return r.watched(c).Dead })
	if len(processesOf(other.DockerID)) < 4 {
		r.Error("another container died with it")
	}
	r.ok(r.process.Resume())
}

func deadGuard(r *engineRig) {
	c, found := r.run(hangs)
	r.guard.Kill()
	end := Now() + hangs
	r.until("the end of the lease", func() bool { return Now() > end })
	r.boot()
	r.until("the death of all its processes", func() bool { return len(processesOf(found.DockerID)) == 0 })
	r.until("the guard's knowledge of it", func() bool { return r.watched(c).Dead })
}

func startInFlight(r *engineRig) {
	c := r.create(crowd)
	r.ok(r.Expect(c, term(c, hangs), r.toStart(c)))
	r.ok(r.process.Pause())
	started := make(chan error, 1)
	go func() { started <- r.engine.Start(context.Background(), c.Container) }()
	r.until("the end of the lease", func() bool { return r.watched(c).Fenced })
	r.ok(r.process.Resume())
	late := <-started
	found, err := r.engine.Find(r.Context(), c.Container)
	r.ok(err)
	// The init may be killed before it has become the program.
	if found.StartedAt.IsZero() && (late == nil || !strings.Contains(late.Error(), "runc create failed")) {
		r.Errorf("the engine did not start it (%v): this shows nothing", late)
	}
	r.until("the death of all its processes", func() bool { return len(processesOf(found.DockerID)) == 0 })
}

// hidingInit has thrown its environment away, and nobody told the guard which
// process it is.
func hidingInit(r *engineRig) {
	c := r.create(`trap "" TERM; exec env -i /bin/sleep 100004`)
	start := r.toStart(c)
	r.ok(r.Expect(c, term(c, hangs), start))
	r.ok(r.engine.Start(r.Context(), c.Container))
	r.until("the init to hide", func() bool {
		pids := processesOf(start.DockerID)
		if len(pids) != 1 {
			return false
		}
		_, known := saysItIsOf(pids[0], r.node)
		return !known
	})
	r.Client.Close()
	r.until("its death", func() bool { return len(processesOf(start.DockerID)) == 0 })
}

// installing is a script that writes to the volume of an exclusive container:
// it ends with the lease as the container would, also where nobody has
// announced it.
func installing(r *engineRig) {
	announced, silent := r.installer(), r.installer()
	start := func(in runtime.Instance) runtime.Found {
		found, err := r.engine.StartInstall(r.Context(), in.ID)
		r.ok(err)
		return found
	}
	made, err := r.engine.PrepareInstall(r.Context(), announced, nil)
	r.ok(err)
	c := lease.Copy{Container: announced.ID, Epoch: announced.Epoch}
	r.ok(r.Expect(c, term(c, hangs), Start{Signal: int(syscall.SIGTERM), DockerID: made.DockerID}))
	found := start(announced)
	r.ok(r.Bind(c, Init{Pid: found.Pid, DockerID: found.DockerID}))
	r.until("all processes of the installation", func() bool { return len(processesOf(found.DockerID)) >= 4 })
	r.ok(r.process.Pause())
	r.Client.Close()
	r.until("the death of all its processes", func() bool { return len(processesOf(found.DockerID)) == 0 })
	r.until("the guard's knowledge of it", func() bool { return r.watched(c).Dead })
	r.ok(r.process.Resume())
	if err := r.engine.AwaitInstall(r.Context(), announced); err == nil {
		r.Error("it counts as installed")
	}

	_, err = r.engine.PrepareInstall(r.Context(), silent, nil)
	r.ok(err)
	found = start(silent)
	r.until("the death of what nobody announced", func() bool { return len(processesOf(found.DockerID)) == 0 })
}

// installer is a container that is installed by a crowd.
func (r *engineRig) installer() runtime.Instance {
	c := newCopy()
	return runtime.Instance{
		ID: c.Container, Epoch: c.Epoch, Generation: 1,
		Spec: spec.Container{
			Name: "crowd", Image: image, HA: true, Exclusive: true, Resources: spec.Resources{CPU: 200, Memory: 32 * spec.MiB},
			Volumes: []spec.Volume{{Host: spec.HomeVolume, Container: "/data"}},
			Install: &spec.Install{Image: image, Entrypoint: "sh", Script: crowd},
		},
	}
}

func deadEngine(r *engineRig) {
	c, found := r.run(hangs)
	r.process.Kill()
	r.until("the death of all its processes", func() bool { return len(processesOf(found.DockerID)) == 0 })
	r.power()
	r.staysDown(c.Container)
}

// rebooted shows that nothing starts exclusive containers but the agent (D9).
func rebooted(r *engineRig) {
	c, found := r.run(long)
	r.ok(r.process.PowerOff())
	r.until("the last process to be gone", func() bool { return len(processesOf(found.DockerID)) == 0 }) // killed is not dead yet
	r.power()
	r.staysDown(c.Container)
}

func (r *engineRig) staysDown(c id.ContainerID) {
	r.Helper()
	found, err := r.engine.Find(r.Context(), c)
	r.ok(err)
	if found.Running || len(processesOf(found.DockerID)) > 0 {
		r.Errorf("the engine started it again: %+v", found)
	}
}
