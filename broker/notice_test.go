package broker

import (
	"sync"
	"testing"
)

// noticed collects what the broker tells.
type noticed struct {
	mu   sync.Mutex
	list []Notice
}

func (n *noticed) add(one Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, one)
}

func (n *noticed) count(of Event, what string) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.list {
		if one.Event == of && one.What == what {
			count++
		}
	}
	return count
}

func TestADenialIsToldOnce(t *testing.T) {
	told := &noticed{}
	w := newWorld(t, func(o *Options) { o.Notice = told.add })
	p := w.person(t)
	for range 1000 {
		p.subscribe(t, "$SYS/#", 0)
	}
	p.subscribe(t, "#", 0)
	if told.count(Admitted, "") != 1 || told.count(Denied, "$SYS/#") != 1 || told.count(Denied, "#") != 1 {
		t.Errorf("told %+v", told.list)
	}
	w.awaitMetric(t, "denied_total{action=subscribe,kind=person}", 1001)
	if _, err := w.dial(t, "wrong"); err == nil {
		t.Error("a wrong password gets in")
	}
	eventually(t, "a refusal is told", func() bool { return told.count(Refused, "") == 1 })
}
