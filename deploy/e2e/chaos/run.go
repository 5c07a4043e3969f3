package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/deploy/e2e"
	"github.com/lormas/lormas/deploy/witness"
)

// Plan is how long it storms, and how.
type Plan struct {
	Duration time.Duration
	Seed     int64
	Log      io.Writer // told what happens, as it does
}

// Each sort of container is made so often.
const ofEach = 4

// window of the profile that the lab's cluster has to live by.
const (
	Profile = "lan"
	window  = 5 * time.Second
)

// restTimeout is how long the fleet may take to come to rest: twice the window
// and a minute, and what the machine needs to start everything.
const restTimeout = 2*window + 2*time.Minute

// storm is a run under way.
type storm struct {
	Plan
	lab *e2e.Lab

	mu       sync.Mutex
	happened []Happened
	policies map[string]string
	home     map[string]string
}

// Run lets it storm over a lab and reports. An error means that the run itself
// failed; violations are in the report.
func Run(ctx context.Context, lab *e2e.Lab, plan Plan) (Report, error) {
	s := &storm{Plan: plan, lab: lab, policies: map[string]string{}, home: map[string]string{}}
	if err := s.populate(ctx); err != nil {
		return Report{}, fmt.Errorf("populate: %w", err)
	}
	if err := s.blow(ctx); err != nil {
		return Report{}, err
	}
	s.say("calm")
	if err := lab.Mend(ctx); err != nil {
		return Report{}, fmt.Errorf("put everything in order: %w", err)
	}
	restless := s.rest(ctx)
	c, err := s.evidence(ctx)
	if err != nil {
		return Report{}, errors.Join(restless, err)
	}
	r := Sum(plan.Seed, c)
	if restless != nil && len(r.Violations) == 0 {
		r.Violations = append(r.Violations, Violation{"I2", restless.Error()})
	}
	return r, ctx.Err()
}

func (s *storm) say(format string, args ...any) {
	fmt.Fprintf(s.Log, "%s %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

// populate makes containers of every sort, wherever they fit.
func (s *storm) populate(ctx context.Context) error {
	egg, err := s.lab.NewEgg(ctx, "chaos", e2e.WitnessImage, nil)
	if err != nil {
		return err
	}
	for i := range ofEach {
		for sort, more := range map[string]map[string]any{
			"exclusive": {"type": "ha", "ha_policy": "exclusive"},
			"available": {"type": "ha", "ha_policy": "available"},
			"standard":  {"type": "standard"},
		} {
			more["volumes"] = s.lab.WitnessVolumes()
			made, err := s.lab.NewContainer(ctx, fmt.Sprintf("%s-%d", sort, i+1), egg, nil, more)
			if err != nil {
				return err
			}
			if s.policies[made.ID] = sort; sort == "standard" {
				s.policies[made.ID], s.home[made.ID] = "", made.NodeID
			}
		}
	}
	return s.rest(ctx)
}

// blow carries out the schedule.
func (s *storm) blow(ctx context.Context) error {
	begun := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, injury := range Schedule(s.Seed, s.Duration, len(s.lab.Nodes)) {
		group.Go(func() error {
			if err := until(ctx, begun.Add(injury.At)); err != nil {
				return err
			}
			return s.suffer(ctx, injury)
		})
	}
	return group.Wait()
}

func until(ctx context.Context, at time.Time) error {
	select {
	case <-time.After(time.Until(at)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// suffer is one injury from beginning to end.
func (s *storm) suffer(ctx context.Context, injury Injury) error {
	f, place := faults[injury.Fault], "the controller's side"
	var node *e2e.Node
	h := Happened{Fault: injury.Fault}
	if injury.Node >= 0 {
		node = s.lab.Nodes[injury.Node]
		h.Node, place = node.ID, node.Name
	}
	s.say("%s: %s, for %s", place, injury.Fault, injury.For.Round(time.Millisecond))
	h.From, _ = witness.Now()
	if err := f.hit(ctx, s.lab, node); err != nil {
		return fmt.Errorf("%s: %s: %w", place, injury.Fault, err)
	}
	if err := until(ctx, time.Now().Add(injury.For)); err != nil {
		return err
	}
	if err := f.mend(ctx, s.lab, node); err != nil {
		return fmt.Errorf("%s: end of %s: %w", place, injury.Fault, err)
	}
	h.To, _ = witness.Now()
	s.mu.Lock()
	s.happened = append(s.happened, h)
	s.mu.Unlock()
	if node != nil {
		_ = node.Uncordon(ctx) // it is not blamed for what we did to it, if the API is there to be told so
	}
	return nil
}

// rest waits until every container runs and none moves.
func (s *storm) rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	return e2e.Await(ctx, "the fleet to come to rest", func(ctx context.Context) (bool, string, error) {
		list, err := containers(ctx, s.lab)
		if err != nil || len(list) != len(s.policies) {
			return false, fmt.Sprintf("%d containers", len(list)), err
		}
		for _, c := range list {
			runs, err := s.lab.Runs(c.ID)
			if err != nil || c.Phase != "running" || c.MigrationStatus == "migrating" {
				return false, fmt.Sprintf("%+v", c), err
			}
			if copies, err := living(runs); err != nil || len(copies) != 1 || copies[0].Epoch != c.Epoch {
				return false, fmt.Sprintf("%s of epoch %d, and there run %+v", c.Name, c.Epoch, copies), err
			}
		}
		return true, "", nil
	})
}

// living are the copies that c2 takes for alive: by a shorter silence the fleet
// would be called at rest while the judge still counts a copy just ended.
func living(runs []witness.Run) ([]witness.Run, error) {
	now, err := witness.Now()
	return slices.DeleteFunc(runs, func(run witness.Run) bool { return !alive(run, now) }), err
}

func containers(ctx context.Context, lab *e2e.Lab) ([]e2e.Container, error) {
	var out struct{ Items []e2e.Container }
	err := lab.API.Call(ctx, http.MethodGet, "/containers?limit=200", nil, &out)
	return out.Items, err
}

// evidence gathers what is to be judged.
func (s *storm) evidence(ctx context.Context) (Case, error) {
	c := Case{Injuries: s.happened, Policies: s.policies, Home: s.home, Final: map[string]e2e.Container{}, Window: window}
	list, err := containers(ctx, s.lab)
	if err != nil {
		return c, err
	}
	wall := time.Now()
	if c.Now, err = witness.Now(); err != nil {
		return c, err
	}
	for _, one := range list {
		c.Final[one.ID] = one
		if err := s.movesOf(ctx, one.ID, wall, &c); err != nil {
			return c, err
		}
	}
	c.Runs, err = witness.Runs(s.lab.Shared())
	return c, err
}

func (s *storm) movesOf(ctx context.Context, container string, wall time.Time, c *Case) error {
	past, err := s.lab.History(ctx, container)
	if err != nil {
		return err
	}
	for _, m := range past {
		begun := m.Timestamp.Add(-millis(m.DurationMS))
		c.Moves = append(c.Moves, Move{Migration: m, Begun: c.Now - wall.Sub(begun)})
	}
	m, open, err := s.lab.Open(ctx, container)
	if open {
		c.Open = append(c.Open, m)
	}
	return err
}
