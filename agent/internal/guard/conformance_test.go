package guard_test

import (
	"testing"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/agent/internal/guard/guardtest"
	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/lease"
)

func TestTheGuardIsAGuard(t *testing.T) {
	guardtest.Suite(t, func(t *testing.T, test func(*testing.T, guardtest.Harness)) {
		r := guard.NewRig(t)
		ran := map[lease.Copy]*child.Process{}
		test(t, guardtest.Harness{
			Guard: r.Client, Now: guard.Now, Until: r.Until,
			Run: func(c lease.Copy) guard.Init {
				ran[c] = r.Container(c)
				return guard.Init{Pid: ran[c].Pid()}
			},
			Alive: func(c lease.Copy) bool { return !guard.Ended(ran[c]) },
		})
	})
}
