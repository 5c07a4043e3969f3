package loops

import (
	"context"
	"log/slog"
	"time"

	"github.com/lormas/lormas/controller/internal/liveness"
)

const (
	probeEvery  = 5 * time.Second
	probeWithin = 4 * time.Second
	probeTries  = 2 // in a row, before it counts
)

// SelfProbe is a controller that listens to itself: when the door through
// which agents come does not answer, their silence says nothing about them.
type SelfProbe struct {
	Nodes *liveness.Registry
	Ask   func(context.Context) error // as an agent does; nil: there is no door to ask
	Log   *slog.Logger

	failed int
}

// Run asks until ctx ends.
func (p *SelfProbe) Run(ctx context.Context) error {
	if p.Ask == nil {
		return nil
	}
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			p.probe(ctx)
		}
	}
}

// probe asks once. The first good answer ends the hold.
func (p *SelfProbe) probe(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	err := p.Ask(within)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		p.failed = 0
		p.Nodes.ProbeFailed("")
	default:
		p.failed++
		p.Log.Warn("the controller's own door for agents does not answer", "error", err, "times", p.failed)
		if p.failed >= probeTries {
			p.Nodes.ProbeFailed("the controller's own door for agents does not answer, so that nobody can be heard: " + err.Error())
		}
	}
}
