package reconcile_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/spec"
)

var configured = with(idle, func(s *spec.Container) {
	s.Files = []spec.File{{Path: "a.ini", Parser: "ini", Set: []spec.Setting{{Key: "a", Value: "1"}}}}
})

func TestFilesAreWrittenBeforeEveryStart(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ok(r.ledger.AddSpecs(bySum(configured)))
		c := entry(configured)
		r.desire(c)
		r.expectPhase("started", c.ID, spec.Up)
		r.expectCalls("the first time", c.ID, "create", "configure", "start")
		r.engine.Crash(c.ID, 1)
		r.after(time.Minute)
		r.expectPhase("after a crash", c.ID, spec.Up)
		r.expectCalls("and again", c.ID, "create", "configure", "start", "configure", "start")
	})
}

func TestAFileThatCannotBeReadStopsTheStart(t *testing.T) {
	inBubble(t, func(r *rig) {
		var mended atomic.Bool
		r.engine.Before(func(_ context.Context, call runtimetest.Call) error {
			if call.Verb == runtimetest.VerbConfig && !mended.Load() {
				return errors.New("configuration file a.ini: line 3: no")
			}
			return nil
		})
		r.ok(r.ledger.AddSpecs(bySum(configured)))
		c := entry(configured)
		r.desire(c)
		st := r.expectPhase("it cannot be read", c.ID, spec.Failed)
		if st.Reason != "configuration file a.ini: line 3: no" {
			t.Errorf("people are told %q", st.Reason)
		}
		r.expectCalls("not started", c.ID, "create", "configure")
		mended.Store(true)
		r.after(time.Minute)
		r.expectPhase("mended", c.ID, spec.Up)
	})
}
