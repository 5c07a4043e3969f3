package app

import (
	"context"
	"errors"
	"time"

	"github.com/lormas/lormas/shared/loop"
)

const (
	powerEvery = 500 * time.Millisecond
	// powerlessFor is how long a controller may be without authority before it
	// hangs up: the next round often brings it back.
	powerlessFor = 5 * time.Second
)

var errPowerless = errors.New("this controller has no authority at present: another one may reign")

// hangUp ends the connections of agents when this controller has had no
// authority for a while. It can grant and decide nothing, and whoever stays
// here is not heard by the controller that reigns, which would give them up.
func (m *Main) hangUp(ctx context.Context) error {
	was := false
	return loop.Run(ctx, powerEvery, loop.NewWake(), func(context.Context) error {
		now := m.now()
		if _, ok := m.authority(now); ok {
			m.powerful.Store(&now)
		}
		powerless := m.powerless(now)
		if was != powerless {
			m.log.Warn("agents are let in only while this controller has authority", "let_in", !powerless)
		}
		was = powerless
		if powerless {
			m.broker.KickAgents(errPowerless)
			if m.uplink != nil {
				m.uplink.HangUp(errPowerless)
			}
		}
		return nil
	}, func(error) {})
}

// powerless reports whether this controller has had no authority for a while.
// It is worked out whenever somebody asks: a controller that was frozen wakes
// up with agents at the door who would lose the time until the next round.
func (m *Main) powerless(now time.Time) bool {
	if _, ok := m.authority(now); ok {
		return false
	}
	last := m.powerful.Load()
	return last != nil && now.Sub(*last) > powerlessFor
}

// closed reports whether nobody is let in: this controller stands by, or may
// do nothing.
func (m *Main) closed() bool { return m.standby() || m.powerless(m.now()) }
