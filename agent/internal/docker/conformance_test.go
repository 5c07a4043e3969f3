package docker

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func TestDockerIsAnEngine(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T) runtimetest.Harness {
		root := mountRoot(t)
		e := engineAt(t, testEngine.Socket(), root)
		return runtimetest.Harness{
			Engine:       e,
			Neighbour:    engineAt(t, testEngine.Socket()),
			Image:        actorImage,
			Shell:        shellImage,
			MissingImage: "127.0.0.1:1/lormas/missing:1", // a registry that refuses
			MountRoot:    root,
			TakePort:     takePort,
			Limits: func(t *testing.T, c id.ContainerID) runtimetest.Limits {
				return limitsSet(t, e, c)
			},
		}
	})
}

// takePort has a program listen on a port of the engine's network.
func takePort(t *testing.T, port int) {
	t.Helper()
	listener := testEngine.Command(context.Background(), "busybox", "nc", "-l", "-p", strconv.Itoa(port))
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Process.Kill() // it may have ended by itself
		_ = listener.Wait()
	})
	listens := regexp.MustCompile(fmt.Sprintf(`(?m)^.*:%04X [0-9A-F:]+ 0A `, port)) // 0A is LISTEN
	deadline := time.Now().Add(10 * time.Second)
	for {
		sockets, err := testEngine.Command(t.Context(), "cat", "/proc/net/tcp", "/proc/net/tcp6").Output()
		if err != nil {
			t.Fatal(err)
		}
		if listens.Match(sockets) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens on port %d", port)
		}
	}
}

// limitsSet reads the limits back from the engine.
func limitsSet(t *testing.T, e *Engine, c id.ContainerID) runtimetest.Limits {
	t.Helper()
	host := inspect(t, e, c).HostConfig
	if host.MemorySwap != host.Memory {
		t.Errorf("memory and swap are %d, want no swap beside the memory of %d", host.MemorySwap, host.Memory)
	}
	return runtimetest.Limits{
		CPU:    spec.CPU(host.CPUQuota * 1000 / host.CPUPeriod),
		Memory: spec.Bytes(host.Memory),
		Pids:   *host.PidsLimit,
	}
}

func inspect(t *testing.T, e *Engine, c id.ContainerID) container.InspectResponse {
	t.Helper()
	f, err := e.one(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	details, err := e.api.ContainerInspect(t.Context(), f.DockerID)
	if err != nil {
		t.Fatal(err)
	}
	return details
}
