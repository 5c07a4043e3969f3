package runtimetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
)

func TestFakeIsAnEngine(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T) runtimetest.Harness {
		fake := runtimetest.NewFake()
		fake.FailPull("lormas-test/missing:1", true)
		return runtimetest.Harness{
			Engine:       fake,
			Neighbour:    fake.Neighbour(),
			Image:        "lormas-test/actor:1",
			Shell:        "lormas-test/shell:1",
			MissingImage: "lormas-test/missing:1",
			MountRoot:    runtimetest.FakeMounts,
			TakePort:     func(_ *testing.T, port int) { fake.TakePort(port, true) },
			Limits: func(t *testing.T, c id.ContainerID) runtimetest.Limits {
				s := fake.Instances()[c].Spec
				if s.Pids == 0 {
					s.Pids = 512
				}
				return runtimetest.Limits{CPU: s.Resources.CPU, Memory: s.Resources.Memory, Pids: s.Pids}
			},
		}
	})
}

func TestAFakeThatIsDownSaysSoAndRelistsAfterwards(t *testing.T) {
	fake := runtimetest.NewFake()
	changes := make(chan runtime.Change, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- fake.Watch(ctx, func(c runtime.Change) { changes <- c }) }()
	for range 2 {
		if c := <-changes; c.Kind != runtime.Relist {
			t.Fatalf("got %+v, want a relist", c)
		}
		fake.SetDown(true)
		if err := fake.Ping(t.Context()); !errors.Is(err, runtime.ErrUnavailable) {
			t.Fatalf("ping of an engine that is down: %v", err)
		}
		fake.SetDown(false)
	}
	cancel()
	<-done
}

func TestFakeHookAndCalls(t *testing.T) {
	fake, broken, c := runtimetest.NewFake(), errors.New("broken"), id.New[id.ContainerID]()
	fake.Before(func(_ context.Context, call runtimetest.Call) error {
		if call.Verb == runtimetest.VerbStart {
			return broken
		}
		return nil
	})
	in := runtime.Instance{ID: c, Epoch: 1}
	if err := fake.Create(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	if err := fake.Start(t.Context(), c); !errors.Is(err, broken) {
		t.Errorf("start: %v, want the hook's error", err)
	}
	want := []runtimetest.Call{{Verb: runtimetest.VerbCreate, ID: c}, {Verb: runtimetest.VerbStart, ID: c}}
	if got := fake.Calls(); !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}
