package guardtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/agent/internal/guard/guardtest"
	"github.com/lormas/lormas/shared/lease"
)

func TestTheFakeIsAGuard(t *testing.T) {
	guardtest.Suite(t, func(t *testing.T, test func(*testing.T, guardtest.Harness)) {
		synctest.Test(t, func(t *testing.T) {
			clock := func() time.Duration { return time.Duration(time.Now().UnixNano()) }
			alive := map[lease.Copy]bool{} // all of it in turns: a deed is done while the test waits
			f := guardtest.New(clock, func(c lease.Copy, d lease.Deed) {
				if d == lease.Kill {
					delete(alive, c)
				}
			})
			defer f.Off()
			f.Runs = func(c lease.Copy) bool { return alive[c] }
			test(t, guardtest.Harness{
				Guard: f, Now: clock,
				Run:   func(c lease.Copy) guard.Init { alive[c] = true; return guard.Init{Pid: 1} },
				Alive: func(c lease.Copy) bool { return alive[c] },
				Until: func(what string, holds func() bool) {
					for range 1000 {
						if holds() {
							return
						}
						time.Sleep(10 * time.Millisecond)
						synctest.Wait()
					}
					t.Fatalf("%s did not come", what)
				},
			})
		})
	})
}
