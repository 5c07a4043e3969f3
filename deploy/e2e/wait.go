package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Probe looks at the world once: is it as wanted, and what is it like? What
// it is like goes into the message when the wait fails. An error counts as
// "not yet": parts may be down while we wait.
type Probe func(context.Context) (done bool, state string, err error)

// probeEvery is how often Await looks.
const probeEvery = 50 * time.Millisecond

// Await waits for a level, not for an edge: until a probe says yes, or ctx
// ends. It then says what was waited for and what was seen last.
func Await(ctx context.Context, what string, probe Probe) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var last string
	for {
		done, state, err := probe(ctx)
		if done && err == nil {
			return nil
		}
		if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			last = fmt.Sprintf("%s (error: %v)", state, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waited for %s in vain (%w); seen last: %s", what, context.Cause(ctx), last)
		}
	}
}

// readyTimeout is how long a controller may take to answer.
const readyTimeout = 30 * time.Second

// AwaitController waits until a controller says that it is ready, and turns to
// it.
func (l *Lab) AwaitController(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return Await(ctx, "a controller to be ready", func(ctx context.Context) (bool, string, error) {
		var errs []error
		for _, controller := range l.Controllers() {
			err := l.Ready(ctx, controller)
			if err == nil {
				l.API.turnTo(l.apiAddress(controller))
				return true, "", nil
			}
			errs = append(errs, err)
		}
		return false, "", errors.Join(errs...)
	})
}

// Ready asks a controller whether it works: one that stands by does not.
func (l *Lab) Ready(ctx context.Context, controller *Part) error {
	if !controller.Running() {
		return fmt.Errorf("%s does not run", controller.Name)
	}
	outside := client{base: "http://" + l.apiAddress(controller), http: l.API.http}
	return outside.call(ctx, http.MethodGet, "/readyz", nil, nil)
}

// nodeTimeout is enough for every transition of a node: silence counts as
// lost after 30 s.
const nodeTimeout = 60 * time.Second

// AwaitNode waits until people are told that the node is in state: healthy,
// suspect, unhealthy or returning.
func (l *Lab) AwaitNode(ctx context.Context, node *Node, state string) error {
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	return Await(ctx, node.Name+" to be "+state, func(ctx context.Context) (bool, string, error) {
		seen, err := l.NodeState(ctx, node)
		return seen == state, seen, err
	})
}

// awaitGuard waits until it is known that the node has a guard: before, it is
// given nothing exclusive.
func (l *Lab) awaitGuard(ctx context.Context, node *Node) error {
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	return Await(ctx, "the guard of "+node.Name, func(ctx context.Context) (bool, string, error) {
		var seen struct{ Live struct{ GuardOK bool } }
		err := l.API.Call(ctx, http.MethodGet, "/nodes/"+node.ID, nil, &seen)
		return seen.Live.GuardOK, "no guard", err
	})
}

// NodeState is what GET /health says of a node; "" when it says nothing.
func (l *Lab) NodeState(ctx context.Context, node *Node) (string, error) {
	var health struct {
		Nodes []struct{ NodeID, State string }
	}
	if err := l.API.Call(ctx, http.MethodGet, "/health", nil, &health); err != nil {
		return "", err
	}
	for _, seen := range health.Nodes {
		if seen.NodeID == node.ID {
			return seen.State, nil
		}
	}
	return "", nil
}
