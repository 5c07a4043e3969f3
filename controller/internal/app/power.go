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
// authority for a while, and lets nobody in until it has it again. It can
// grant and decide nothing, and whoever stays here is not heard by the
// controller that reigns, which would give them up.
func (m *Main) hangUp(ctx context.Context) error {
	last := m.now()
	return loop.Run(ctx, powerEvery, loop.NewWake(), func(context.Context) error {
		now := m.now()
		if _, ok := m.authority(now); ok {
			last = now
		}
		powerless := now.Sub(last) > powerlessFor
		if was := m.powerless.Swap(powerless); was != powerless {
			m.log.Warn("agents are let in only while this controller has authority", "let_in", !powerless)
		}
		if powerless {
			m.broker.KickAgents(errPowerless)
			if m.uplink != nil {
				m.uplink.HangUp(errPowerless)
			}
		}
		return nil
	}, func(error) {})
}

// closed reports whether nobody is let in: this controller stands by, or may
// do nothing.
func (m *Main) closed() bool { return m.standby() || m.powerless.Load() }
