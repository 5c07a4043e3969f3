package permit_test

import (
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// After a boot an available container waits for the controller's word on what
// is wanted: an answer alone may be about a set that has moved on.
func TestTouchIsAWordOnWhatIsWanted(t *testing.T) {
	c := lease.Copy{Container: id.New[id.ContainerID](), Epoch: 1}
	set := func(rev int64) ledger.Desired { return ledger.Desired{Rev: rev} }
	for name, test := range map[string]struct {
		hear func(*permit.Desk)
		want bool
	}{
		"nothing":                          {func(*permit.Desk) {}, false},
		"the ledger again":                 {func(d *permit.Desk) { d.Claim(set(7)) }, false},
		"an answer about a later set":      {func(d *permit.Desk) { d.Acked(lease.Ack{Rev: 8}) }, false},
		"an answer about the same set":     {func(d *permit.Desk) { d.Acked(lease.Ack{Rev: 7}) }, true},
		"a later set":                      {func(d *permit.Desk) { d.Claim(set(8)) }, true},
		"an answer, then the set it means": {func(d *permit.Desk) { d.Acked(lease.Ack{Rev: 8}); d.Claim(set(8)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			met := 0
			d := permit.New(permit.Options{OfflineDelay: time.Hour, Met: func() { met++ }})
			d.Claim(set(7))
			test.hear(d)
			if got := d.Start(c, true, false).InTouch; got != test.want || (met == 1) != test.want {
				t.Errorf("in touch: %v, told %d times; want %v", got, met, test.want)
			}
		})
	}
}
