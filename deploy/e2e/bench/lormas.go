package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lormas/lormas/deploy/e2e"
)

// lormas is the lab's own installation: the first node is cordoned, as it is
// for Swarm.
type lormas struct {
	lab     *e2e.Lab
	cluster *e2e.Cluster
	egg     string
	policy  string
	made    []string // containers
}

const lormasLabel = "lormas.container"

// The rooms that Lormas is measured in, the shortest window first: a longer
// one counts at once, a shorter one only when the longer has passed.
var rooms = []struct {
	name, profile, window, policy string
}{
	{"lormas 1.5 s, available", "custom", "1.5s", "available"},
	{"lormas lan, exclusive", "lan", "", "exclusive"},
	{"lormas fast, exclusive", "fast", "", "exclusive"},
	{"lormas standard, exclusive", "standard", "", "exclusive"},
}

// unlearn is how long a shorter window waits for the longest of all, and until
// the controller has read of it.
const unlearn = 35 * time.Second

// Lormas measures every profile, and moves that are planned.
func (p Plan) Lormas(ctx context.Context, lab *e2e.Lab, cluster *e2e.Cluster) ([]Result, error) {
	l := &lormas{lab: lab, cluster: cluster, policy: "exclusive"}
	var err error
	if l.egg, err = lab.NewEgg(ctx, "bench", e2e.DemoImage, nil); err != nil {
		return nil, err
	}
	if err := lab.Nodes[0].Cordon(ctx); err != nil {
		return nil, err
	}
	var results []Result
	wait := unlearn // before the first
	for _, room := range rooms {
		if !p.wants(room.name) {
			continue
		}
		if err := lab.SetProfile(ctx, cluster, room.profile, room.window); err != nil {
			return results, fmt.Errorf("%s: %w", room.name, err)
		}
		if err := sleep(ctx, wait); err != nil {
			return results, err
		}
		l.policy, wait = room.policy, 0
		more, err := p.measure(ctx, room.name, l, lab.Nodes[1], lab.Nodes[2], Kill(), Cut())
		results = append(results, more...)
		if err != nil {
			return results, err
		}
	}
	if !p.wants(planned) {
		return results, nil
	}
	more, err := p.measure(ctx, planned, l, lab.Nodes[1], lab.Nodes[2], l.move())
	return append(results, more...), err
}

const planned = "lormas, planned migration"

// move asks for everything to be moved: no fault at all.
func (l *lormas) move() Fault {
	return Fault{
		Name: "none",
		Hit: func(ctx context.Context, _ *e2e.Node) error {
			for _, c := range l.made {
				if _, err := l.lab.Migrate(ctx, c, nil); err != nil {
					return err
				}
			}
			return nil
		},
		Mend: func(context.Context, *e2e.Node) error { return nil },
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *lormas) label() string { return lormasLabel }

// deploy makes containers that are all on one node.
func (l *lormas) deploy(ctx context.Context, replicas int, on, notOn *e2e.Node) error {
	l.made = nil
	for i := range replicas {
		made, err := l.lab.NewContainer(ctx, fmt.Sprintf("bench-%d", i+1), l.egg, on, map[string]any{
			"type": "ha", "ha_policy": l.policy,
			"resources": map[string]any{"cpu": cores, "memory": fmt.Sprintf("%dm", memory>>20), "disk": "16m"},
		})
		if err != nil {
			return err
		}
		l.made = append(l.made, made.ID)
	}
	return errors.Join(settled(ctx, lormasLabel, replicas, on, notOn), l.quiet(ctx))
}

// remove deletes them.
func (l *lormas) remove(ctx context.Context, on, notOn *e2e.Node) error {
	for _, c := range l.made {
		if err := l.lab.API.Call(ctx, http.MethodDelete, "/containers/"+c, nil, nil); err != nil {
			return err
		}
	}
	return settled(ctx, lormasLabel, 0, on, notOn)
}

// ready waits until a node may be given containers; that it was lost so often
// is forgiven.
func (l *lormas) ready(ctx context.Context, node *e2e.Node) error {
	return errors.Join(l.lab.AwaitNode(ctx, node, "healthy"), node.Uncordon(ctx), l.quiet(ctx))
}

// quiet waits until nothing is moving.
func (l *lormas) quiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	return e2e.Await(ctx, "all migrations to be over", func(ctx context.Context) (bool, string, error) {
		var out struct{ Items []e2e.Container }
		err := l.lab.API.Call(ctx, http.MethodGet, "/containers?limit=200", nil, &out)
		for _, c := range out.Items {
			if c.MigrationStatus == "migrating" || c.Phase != "running" {
				return false, fmt.Sprintf("%+v", c), err
			}
		}
		return err == nil, "", err
	})
}
