package chaos

import (
	"context"
	"errors"

	"github.com/lormas/lormas/deploy/e2e"
)

// fault is what can happen, and its end.
type fault struct {
	hit, mend func(context.Context, *e2e.Lab, *e2e.Node) error
	silent    bool // the node is not heard meanwhile
	deadly    bool // containers die of it
}

// The names, in a fixed order: a seed picks by number.
var (
	nodeFaults = []string{
		"link cut", "link cut one way", "agent killed", "agent frozen", "guard killed", "agent and guard killed",
		"engine frozen", "engine killed", "power lost", "moved", "moved by force",
	}
	centreFaults = []string{"controller killed", "controller frozen", "Redis flushed", "Redis killed", "Postgres stopped"}
)

var faults = map[string]fault{
	"link cut": {
		hit:    func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.CutLink(ctx) },
		mend:   func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.HealLink(ctx) },
		silent: true,
	},
	"link cut one way": {
		hit:    func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.CutOneWay(ctx) },
		mend:   func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.HealLink(ctx) },
		silent: true,
	},
	"agent killed": {
		hit:    func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Agent.Kill() },
		mend:   func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Agent.Start(ctx) },
		silent: true,
	},
	"agent frozen": {
		hit:    func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Agent.Pause() },
		mend:   func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Agent.Resume() },
		silent: true,
	},
	"guard killed": {
		hit:  func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.KillGuard() },
		mend: nothing,
	},
	"agent and guard killed": {
		hit: func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error {
			return errors.Join(n.CutLink(ctx), n.Agent.Kill(), n.KillGuard(), n.Agent.Start(ctx))
		},
		mend:   func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.HealLink(ctx) },
		silent: true,
	},
	"engine frozen": {
		hit:  func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Docker.Pause() },
		mend: func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Docker.Resume() },
	},
	"engine killed": {
		hit:    func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Docker.Kill() },
		mend:   func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.Docker.Start(ctx) },
		deadly: true,
	},
	"power lost": {
		hit:    func(_ context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.PowerLoss() },
		mend:   func(ctx context.Context, _ *e2e.Lab, n *e2e.Node) error { return n.PowerOn(ctx) },
		silent: true, deadly: true,
	},
	"moved":          {hit: move(false), mend: nothing},
	"moved by force": {hit: move(true), mend: nothing},
	"controller killed": {
		hit:  func(_ context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Controller.Kill() },
		mend: func(ctx context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Controller.Start(ctx) },
	},
	"controller frozen": {
		hit:  func(_ context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Controller.Pause() },
		mend: func(_ context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Controller.Resume() },
	},
	"Redis flushed": {
		hit:  func(ctx context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.FlushRedis(ctx) },
		mend: nothing,
	},
	"Redis killed": {
		hit:  func(_ context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Redis.Kill() },
		mend: func(ctx context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Redis.Start(ctx) },
	},
	"Postgres stopped": {
		hit:  func(ctx context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Postgres.Stop(ctx) },
		mend: func(ctx context.Context, l *e2e.Lab, _ *e2e.Node) error { return l.Postgres.Start(ctx) },
	},
}

func nothing(context.Context, *e2e.Lab, *e2e.Node) error { return nil }

// move asks for everything on a node to be moved: what is refused is refused.
func move(force bool) func(context.Context, *e2e.Lab, *e2e.Node) error {
	return func(ctx context.Context, l *e2e.Lab, n *e2e.Node) error {
		list, err := containers(ctx, l)
		if err != nil {
			return nil // the API is away: part of the weather
		}
		for _, c := range list {
			if c.NodeID == n.ID && c.Type == "ha" {
				_, _ = l.Migrate(ctx, c.ID, map[string]any{"force": force})
			}
		}
		return nil
	}
}
