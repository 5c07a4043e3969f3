package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/lormas/lormas/deploy/e2e"
)

// Fault is how a node is taken away, and brought back.
type Fault struct {
	Name string
	Hit  func(context.Context, *e2e.Node) error
	Mend func(context.Context, *e2e.Node) error
}

// Kill ends every process of the node, its containers too; the machine's
// kernel goes on and closes its connections.
func Kill() Fault {
	return Fault{
		Name: "kill",
		Hit:  func(_ context.Context, n *e2e.Node) error { return n.PowerLoss() },
		Mend: func(ctx context.Context, n *e2e.Node) error { return n.PowerOn(ctx) },
	}
}

// Cut pulls the node's cable; everything on it goes on.
func Cut() Fault {
	return Fault{
		Name: "cut",
		Hit:  func(ctx context.Context, n *e2e.Node) error { return n.CutLink(ctx) },
		Mend: func(ctx context.Context, n *e2e.Node) error { return n.HealLink(ctx) },
	}
}

// Figure is the outcome of one round.
type Figure struct {
	First, Last time.Duration // from the fault until a replica, and until all, ran elsewhere
	Old         int           // copies that ran on the lost node at that moment
}

// roundTimeout is far more than the slowest of all takes.
const roundTimeout = 3 * time.Minute

// round takes the victim away and measures how long the replicas, which have
// the label, take to run on the refuge. It leaves the victim taken away.
func round(ctx context.Context, victim, refuge *e2e.Node, fault Fault, label string, replicas int) (Figure, error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	starts, err := watch(ctx, refuge, label)
	if err != nil {
		return Figure{}, err
	}
	hit := time.Now()
	if err := fault.Hit(ctx, victim); err != nil {
		return Figure{}, err
	}
	f, err := await(ctx, starts, hit, replicas)
	if err != nil {
		return f, fmt.Errorf("%s: %w", refuge.Name, err)
	}
	f.Old, err = running(ctx, victim, label)
	return f, err
}

// await takes the times of the first and the last of so many starts, from a
// moment on.
func await(ctx context.Context, starts <-chan time.Time, from time.Time, replicas int) (f Figure, err error) {
	for n := range replicas {
		select {
		case at, open := <-starts:
			if !open {
				return f, fmt.Errorf("after %d of %d starts the engine's events ended (%w)", n, replicas, context.Cause(ctx))
			}
			if n == 0 {
				f.First = at.Sub(from)
			}
			f.Last = at.Sub(from)
		case <-ctx.Done():
			return f, fmt.Errorf("%d of %d replicas started in %s", n, replicas, roundTimeout)
		}
	}
	return f, nil
}

// watch sends the time of every start of a container with a label on a node.
func watch(ctx context.Context, node *e2e.Node, label string) (<-chan time.Time, error) {
	filters, err := json.Marshal(map[string][]string{"event": {"start"}, "label": {label}})
	if err != nil {
		return nil, err
	}
	engine := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", node.Socket())
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/events?filters="+url.QueryEscape(string(filters)), nil)
	if err != nil {
		return nil, err
	}
	response, err := engine.Do(request)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", node.Name, err)
	}
	out := make(chan time.Time, 1000)
	go follow(response.Body, out)
	return out, nil
}

func follow(events io.ReadCloser, out chan<- time.Time) {
	defer close(out)
	defer events.Close()
	for lines := bufio.NewScanner(events); lines.Scan(); {
		var event struct{ TimeNano int64 }
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.TimeNano > 0 {
			out <- time.Unix(0, event.TimeNano)
		}
	}
}

// running counts the containers with a label that run on a node. On one whose
// engine is dead none does: the fault has ended them, too.
func running(ctx context.Context, node *e2e.Node, label string) (int, error) {
	if !node.Docker.Running() {
		return 0, nil
	}
	var list []struct{}
	path := "/containers/json?filters=" + url.QueryEscape(`{"label":["`+label+`"],"status":["running"]}`)
	err := node.Ask(ctx, http.MethodGet, path, nil, &list)
	return len(list), err
}

// settled waits until all replicas run on one node and none on another.
func settled(ctx context.Context, label string, replicas int, on, notOn *e2e.Node) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	what := fmt.Sprintf("%d replicas on %s and none on %s", replicas, on.Name, notOn.Name)
	return e2e.Await(ctx, what, func(ctx context.Context) (bool, string, error) {
		here, err := running(ctx, on, label)
		there, err2 := running(ctx, notOn, label)
		return here == replicas && there == 0, fmt.Sprintf("%d and %d", here, there), errors.Join(err, err2)
	})
}
