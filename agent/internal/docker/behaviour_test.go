package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s has not come", what)
		}
	}
}

// script is a container that runs a shell script.
func script(text string) runtime.Instance {
	return runtime.Instance{
		ID: id.New[id.ContainerID](), Epoch: 5, Generation: 1,
		Spec: spec.Container{
			Name: "script", Image: shellImage, Command: []string{"sh", "-c", text},
			Resources: spec.Resources{CPU: 500, Memory: 32 * spec.MiB},
		},
	}
}

func start(t *testing.T, e *Engine, in runtime.Instance) {
	t.Helper()
	t.Cleanup(func() {
		if err := e.Remove(context.Background(), in.ID); err != nil {
			t.Error(err)
		}
	})
	if err := e.Create(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
}

// output runs a script to its end and returns what it printed.
func output(t *testing.T, e *Engine, in runtime.Instance) string {
	t.Helper()
	start(t, e, in)
	var text strings.Builder
	err := e.Logs(t.Context(), in.ID, runtime.LogOptions{Tail: -1, Follow: true}, func(data []byte) error {
		text.Write(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestWhatAContainerIsAllowed(t *testing.T) {
	in := script(`
		cat /proc/self/status
		touch /file && echo wrote the root
		touch /tmp/file && echo wrote /tmp
		printf '#!/bin/sh\necho ran from /tmp\n' >/tmp/run && busybox chmod +x /tmp/run && /tmp/run
		echo epoch $LORMAS_EPOCH on $(busybox hostname) as $(id -u)`)
	in.Spec.ReadOnly, in.Spec.User = true, "1234"
	got := output(t, engineAt(t, testEngine.Socket()), in)
	for _, want := range []string{
		"NoNewPrivs:\t1",
		"CapBnd:\t00000000000000e1", // chown, kill, setgid, setuid: no more
		"wrote /tmp", "ran from /tmp", "epoch 5 on script as 1234",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "wrote the root") {
		t.Error("the root could be written to")
	}
}

func TestAPublishedLowPortIsServed(t *testing.T) {
	in := script(`mkdir -p /tmp/www && echo hello >/tmp/www/index.html && exec httpd -f -p 80 -h /tmp/www`)
	in.Spec.Ports = []spec.Port{{IP: "127.0.0.1", Host: 8099, Container: 80, Protocol: "tcp"}}
	start(t, engineAt(t, testEngine.Socket()), in)
	until(t, "an answer on the published port", func() bool {
		out, err := testEngine.Command(t.Context(), "busybox", "wget", "-q", "-O-", "http://127.0.0.1:8099/").Output()
		return err == nil && string(out) == "hello\n"
	})
}

func TestLogsAreRotatedAndNothingRestartsByItself(t *testing.T) {
	e, in := engineAt(t, testEngine.Socket()), script("exit 1")
	start(t, e, in)
	host := inspect(t, e, in.ID).HostConfig
	if host.LogConfig.Type != "json-file" || host.LogConfig.Config["max-size"] != "5m" || host.LogConfig.Config["max-file"] != "2" {
		t.Errorf("log configuration %+v", host.LogConfig)
	}
	if host.RestartPolicy.Name != container.RestartPolicyDisabled {
		t.Errorf("restart policy %+v", host.RestartPolicy)
	}
}

func TestNamedVolumesOutliveTheContainer(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	in := script(`test -f /saves/game && cat /saves/game || echo first >/saves/game`)
	in.Spec.Volumes = []spec.Volume{{Host: "saves", Container: "/saves"}}
	if got := output(t, e, in); got != "" {
		t.Fatalf("the first one found %q", got)
	}
	if err := e.Remove(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	in.Generation++
	if got := output(t, e, in); got != "first\n" {
		t.Errorf("the second one found %q", got)
	}
}

func TestAnAllowedDirectoryIsShared(t *testing.T) {
	root := mountRoot(t)
	in := script(`echo from inside >/data/file; touch /fixed/file || echo refused`)
	in.Spec.Volumes = []spec.Volume{
		{Host: root + "/app", Container: "/data"}, {Host: root + "/app", Container: "/fixed", ReadOnly: true},
	}
	if got := output(t, engineAt(t, testEngine.Socket(), root), in); !strings.Contains(got, "refused") {
		t.Errorf("the read-only volume could be written to: %q", got)
	}
	text, err := os.ReadFile(root + "/app/file")
	if err != nil || string(text) != "from inside\n" {
		t.Errorf("the node has %q, %v", text, err)
	}
}

func TestAFailedCreateLeavesNothing(t *testing.T) {
	e, in := engineAt(t, testEngine.Socket()), script("true")
	in.Spec.Volumes = []spec.Volume{{Host: "saves", Container: "/saves"}}
	name := e.owner.dockerName(in)
	squatter, err := e.api.ContainerCreate(t.Context(), &container.Config{Image: shellImage}, nil, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = e.api.ContainerRemove(context.Background(), squatter.ID, container.RemoveOptions{Force: true})
	})
	if err := e.Create(t.Context(), in, nil); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v, want an error that names %s", err, name)
	}
	if left, err := filepath.Glob(e.mounts.volumes + "/*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := e.api.ContainerInspect(t.Context(), squatter.ID); err != nil {
		t.Errorf("somebody else's container was touched: %v", err)
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	e, in := engineAt(t, testEngine.Socket()), script("")
	in.Spec.Command = []string{"/no/such/program"}
	t.Cleanup(func() { _ = e.Remove(context.Background(), in.ID) })
	if err := e.Create(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	err := e.Start(t.Context(), in.ID)
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Fatalf("got %v, want an error that names the program", err)
	}
	for _, kind := range []runtime.Kind{runtime.ErrPort, runtime.ErrNotFound, runtime.ErrUnavailable, runtime.ErrImage} {
		if errors.Is(err, kind) {
			t.Errorf("it is of kind %q", kind)
		}
	}
}

func TestStatsOfABusyContainer(t *testing.T) {
	e, in := engineAt(t, testEngine.Socket()), script("while :; do :; done")
	start(t, e, in)
	var before, now runtime.Usage
	until(t, "some use of the processor", func() bool {
		var err error
		if now, err = e.Stats(t.Context(), in.ID); err != nil {
			t.Fatal(err)
		}
		if before.At.IsZero() {
			before = now
		}
		return now.CPU > before.CPU+200*time.Millisecond
	})
	if got := now.Stats(before); got.CPUCores <= 0 || got.MemoryLimit != int64(32*spec.MiB) {
		t.Errorf("got %+v", got)
	}
}

func TestTheNoteOfAnUpdateGoesWithTheContainer(t *testing.T) {
	e, in := engineAt(t, testEngine.Socket()), script("sleep 1000")
	start(t, e, in)
	if err := e.Update(t.Context(), in.ID, in); err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(e.notes.dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestInfo(t *testing.T) {
	got, err := engineAt(t, testEngine.Socket()).Info(t.Context())
	if err != nil || got.Version == "" || got.Arch == "" || got.CPUs < 1 || got.Memory < spec.GiB {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOthersContainersAreInvisible(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	labels := e.owner.labels(script("true"))
	labels[labelContainer] = "not an id"
	made, err := e.api.ContainerCreate(t.Context(), &container.Config{Image: shellImage, Labels: labels}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = e.api.ContainerRemove(context.Background(), made.ID, container.RemoveOptions{Force: true})
	})
	list, err := e.List(t.Context())
	if err != nil || slices.ContainsFunc(list, func(f runtime.Found) bool { return f.DockerID == made.ID }) {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestACallerWithoutPatienceIsNotAnOutage(t *testing.T) {
	e, in := engineAt(t, testEngine.Socket()), script(`trap '' TERM; while :; do sleep 1; done`)
	start(t, e, in)
	for name, how := range map[string]spec.Stop{"image's signal": {}, "own signal": {Signal: "SIGTERM"}} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := e.Stop(ctx, in.ID, how)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, runtime.ErrUnavailable) {
			t.Errorf("%s: %v, want only the deadline", name, err)
		}
	}
}
