package bench

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/deploy/e2e"
)

// engine is Docker by itself, told at once what to run: nobody who has to find
// out first that a node is lost can be faster.
const engine = "docker alone, told at once"

const (
	engineLabel = "lormas.bench=engine"
	engineHands = 4 // requests at a time; more do not make two cores faster
)

// Engine measures what containers take that nobody has to miss first.
func (p Plan) Engine(ctx context.Context, lab *e2e.Lab) ([]Result, error) {
	if !p.wants(engine) {
		return nil, nil
	}
	var results []Result
	node := lab.Nodes[2]
	for _, replicas := range p.Replicas {
		r := Result{Setting: engine, Fault: "none", Replicas: replicas}
		for range p.Rounds {
			figure, err := p.tell(ctx, node, replicas)
			if err != nil {
				return append(results, r), fmt.Errorf("%s: %w", engine, err)
			}
			r.Figures = append(r.Figures, figure)
			p.say(r, figure)
		}
		results = append(results, r)
	}
	return results, nil
}

// tell creates and starts containers, and removes them when all have started.
func (p Plan) tell(ctx context.Context, node *e2e.Node, replicas int) (Figure, error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	starts, err := watch(ctx, node, engineLabel)
	if err != nil {
		return Figure{}, err
	}
	begun := time.Now()
	ids := make([]string, replicas)
	if err := each(ctx, ids, func(ctx context.Context, id *string) (err error) {
		*id, err = run(ctx, node)
		return err
	}); err != nil {
		return Figure{}, err
	}
	figure, err := await(ctx, starts, begun, replicas)
	if err != nil {
		return figure, err
	}
	return figure, each(ctx, ids, func(ctx context.Context, id *string) error {
		return node.Ask(ctx, http.MethodDelete, "/containers/"+*id+"?force=true", nil, nil)
	})
}

func each(ctx context.Context, ids []string, do func(context.Context, *string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(engineHands)
	for i := range ids {
		group.Go(func() error { return do(ctx, &ids[i]) })
	}
	return group.Wait()
}

// run is docker run, with the limits that the others' replicas have.
func run(ctx context.Context, node *e2e.Node) (id string, err error) {
	in := map[string]any{
		"Image": e2e.DemoImage, "Labels": map[string]string{"lormas.bench": "engine"},
		"HostConfig": map[string]any{"NanoCpus": cores * 1_000_000_000, "Memory": memory},
	}
	var made struct{ ID string }
	if err := node.Ask(ctx, http.MethodPost, "/containers/create", in, &made); err != nil {
		return "", err
	}
	return made.ID, node.Ask(ctx, http.MethodPost, "/containers/"+made.ID+"/start", nil, nil)
}
