package loop_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/shared/loop"
)

func TestRunsAtOnceOnTicksAndOnWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		wake, runs, reports := loop.NewWake(), 0, 0
		done := make(chan error)
		go func() {
			done <- loop.Run(ctx, time.Minute, wake, func(context.Context) error {
				runs++
				return errors.New("work went wrong")
			}, func(error) { reports++ })
		}()
		synctest.Wait()
		expect(t, "after the start", runs, 1)
		wake.Up()
		synctest.Wait()
		expect(t, "after a wake", runs, 2)
		time.Sleep(2*time.Minute + time.Second)
		synctest.Wait()
		expect(t, "after two ticks", runs, 4)
		expect(t, "errors reported", reports, 4)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("a loop that was told to stop returned %v", err)
		}
	})
}

func TestWakesCollapse(t *testing.T) {
	wake := loop.NewWake()
	for range 10 {
		wake.Up()
	}
	expect(t, "pending wakes", len(wake.C()), 1)
}

func expect(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		if err := loop.Pause(ctx, time.Minute); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("it waited %s: %v", time.Since(begun), err)
		}
		time.AfterFunc(time.Second, cancel)
		if err := loop.Pause(ctx, time.Minute); !errors.Is(err, context.Canceled) || time.Since(begun) != time.Minute+time.Second {
			t.Errorf("with the end of the context it waited until %s: %v", time.Since(begun), err)
		}
	})
}
