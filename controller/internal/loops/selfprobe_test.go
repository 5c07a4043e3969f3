package loops_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/loops"
)

// A door that does not answer twice holds the fleet, and the first answer ends
// that: one failure may be anything.
func TestADoorThatDoesNotAnswerHoldsTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := liveness.NewRegistry(liveness.Options{Profile: liveness.Standard(), Now: time.Now})
		asked := 0
		answers := []error{nil, errors.New("refused"), nil, errors.New("refused"), errors.New("refused"), nil}
		ctx, cancel := context.WithCancel(t.Context())
		probe := &loops.SelfProbe{Nodes: nodes, Log: slog.New(slog.DiscardHandler), Ask: func(context.Context) error {
			asked++
			return answers[asked-1]
		}}
		go func() { _ = probe.Run(ctx) }()
		for i, held := range []bool{false, false, false, false, true, false} {
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if got := nodes.Held() != ""; got != held {
				t.Errorf("after answer %d (%v) held is %t", i+1, answers[i], got)
			}
		}
		cancel()
	})
}
