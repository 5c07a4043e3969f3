package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lormas/lormas/deploy/e2e"
)

// What a replica may use, the same for both. What Docker does inside a new
// container before its program runs counts against it, so a tenth of a core
// would make starts wait.
const (
	cores  = 1
	memory = 32 << 20
)

// Plan is how much is measured.
type Plan struct {
	Rounds   int
	Replicas []int
	Only     string    // settings that begin so, such as "lormas lan"; empty: all
	Log      io.Writer // told what was measured, as it goes
}

// Result is what one setting gave, by one fault and number of replicas.
type Result struct {
	Setting  string
	Fault    string
	Replicas int
	Figures  []Figure
}

// fleet is what is measured: something that runs replicas on nodes.
type fleet interface {
	label() string // of its containers
	deploy(ctx context.Context, replicas int, on, notOn *e2e.Node) error
	remove(ctx context.Context, on, notOn *e2e.Node) error
	ready(ctx context.Context, node *e2e.Node) error // the node may be given replicas
}

// measure takes nodes away, round after round, for each number of replicas and
// each fault.
func (p Plan) measure(ctx context.Context, setting string, f fleet, a, b *e2e.Node, faults ...Fault) ([]Result, error) {
	var results []Result
	for _, replicas := range p.Replicas {
		for _, node := range []*e2e.Node{a, b} {
			if err := f.ready(ctx, node); err != nil {
				return results, err
			}
		}
		victim, refuge := a, b
		if err := f.deploy(ctx, replicas, victim, refuge); err != nil {
			return results, fmt.Errorf("%s: deploy %d: %w", setting, replicas, err)
		}
		for _, fault := range faults {
			r := Result{Setting: setting, Fault: fault.Name, Replicas: replicas}
			for range p.Rounds {
				figure, err := p.round(ctx, f, victim, refuge, fault, replicas)
				if err != nil {
					return append(results, r), fmt.Errorf("%s, %s of %s: %w", setting, fault.Name, victim.Name, err)
				}
				r.Figures = append(r.Figures, figure)
				p.say(r, figure)
				victim, refuge = refuge, victim
			}
			results = append(results, r)
		}
		if err := f.remove(ctx, victim, refuge); err != nil {
			return results, fmt.Errorf("%s: remove: %w", setting, err)
		}
	}
	return results, nil
}

// say tells of one round.
func (p Plan) say(r Result, f Figure) {
	fmt.Fprintf(p.Log, "%-34s %-4s %2d replicas: first %6.2f s, last %6.2f s, %d old copies\n",
		r.Setting, r.Fault, r.Replicas, f.First.Seconds(), f.Last.Seconds(), f.Old)
}

// round measures once and puts everything in order again, with the replicas on
// the refuge.
func (p Plan) round(ctx context.Context, f fleet, victim, refuge *e2e.Node, fault Fault, replicas int) (Figure, error) {
	figure, err := round(ctx, victim, refuge, fault, f.label(), replicas)
	if err := errors.Join(err, fault.Mend(ctx, victim)); err != nil {
		return figure, err
	}
	if err := f.ready(ctx, victim); err != nil {
		return figure, err
	}
	return figure, settled(ctx, f.label(), replicas, refuge, victim)
}

// Swarm measures Docker Swarm as it comes, with heartbeats as fast as it takes
// them, and with those and no delay before a restart.
func (p Plan) Swarm(ctx context.Context, lab *e2e.Lab) ([]Result, error) {
	if !p.wants("swarm") {
		return nil, nil
	}
	s := &swarm{nodes: lab.Nodes}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	var results []Result
	for _, setting := range []struct {
		name             string
		heartbeat, delay time.Duration
	}{
		{"swarm default", 5 * time.Second, 5 * time.Second},
		{"swarm 1 s heartbeats", time.Second, 5 * time.Second},
		{"swarm 1 s heartbeats, no delay", time.Second, 0},
	} {
		if !p.wants(setting.name) {
			continue
		}
		if err := s.configure(ctx, setting.heartbeat, setting.delay); err != nil {
			return results, fmt.Errorf("%s: %w", setting.name, err)
		}
		more, err := p.measure(ctx, setting.name, s, lab.Nodes[1], lab.Nodes[2], Kill(), Cut())
		results = append(results, more...)
		if err != nil {
			return results, err
		}
	}
	return results, s.stop(ctx)
}

// wants reports whether a setting is to be measured, or one of a family.
func (p Plan) wants(setting string) bool {
	return p.Only == "" || strings.HasPrefix(setting, p.Only) || strings.HasPrefix(p.Only, setting)
}

// Run measures everything, on a lab of three nodes in a cluster.
func (p Plan) Run(ctx context.Context, lab *e2e.Lab, cluster *e2e.Cluster) ([]Result, error) {
	var results []Result
	for _, part := range []func() ([]Result, error){
		func() ([]Result, error) { return p.Engine(ctx, lab) },
		func() ([]Result, error) { return p.Swarm(ctx, lab) },
		func() ([]Result, error) { return p.Lormas(ctx, lab, cluster) },
	} {
		more, err := part()
		results = append(results, more...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}
