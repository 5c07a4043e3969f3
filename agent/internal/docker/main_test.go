package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/dockerd"
	"github.com/lormas/lormas/shared/id"
)

// actorImage runs runtimetest's actor, shellImage whatever it is told.
const (
	actorImage = "lormas-test/actor:1"
	shellImage = "lormas-test/shell:1"
)

// testEngine is the engine that the tests of this package share.
var testEngine *dockerd.Engine

func TestMain(m *testing.M) {
	code, err := withEngine(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withEngine(run func() int) (int, error) {
	var err error
	if testEngine, err = dockerd.Temp(context.Background()); err != nil {
		return 1, fmt.Errorf("start an engine for the tests: %w", err)
	}
	code := 1
	if err = loadImages(testEngine.Socket()); err == nil {
		code = run()
	}
	return code, errors.Join(err, testEngine.Close(), goleak.Find())
}

func loadImages(socket string) error {
	shell, err := dockerd.Busybox(shellImage)
	if err != nil {
		return err
	}
	actor, err := dockerd.Busybox(actorImage)
	if err != nil {
		return err
	}
	actor.Files["bin/act"] = dockerd.File{Mode: 0o755, Data: []byte(runtimetest.ActorScript)}
	actor.Config.Entrypoint, actor.Config.Cmd = []string{"/bin/act"}, nil
	ctx := context.Background()
	return errors.Join(dockerd.Load(ctx, socket, shell), dockerd.Load(ctx, socket, actor))
}

// mountRoot is where the containers of a test may mount from.
func mountRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lormas-mounts")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// engineAt is one node's view of the engine at a socket.
func engineAt(t *testing.T, socket string, allowed ...string) *Engine {
	t.Helper()
	e, err := New(Options{
		Host: "unix://" + socket, Controller: "test", Node: id.New[id.NodeID](),
		DataDir: t.TempDir(), AllowedMounts: allowed,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}
