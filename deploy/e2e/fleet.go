package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lormas/lormas/deploy/witness"
	"github.com/lormas/lormas/shared/localdb"
)

// What operators do with a fleet, through the API.

// FleetView is what the API says of the fleet as a whole.
type FleetView struct {
	Held         bool
	Kind, Reason string
	Since        *time.Time
	Holds        []struct{ Kind, Reason string }
}

// Fleet is whether failovers are held, and why.
func (l *Lab) Fleet(ctx context.Context) (FleetView, error) {
	var out FleetView
	err := l.API.Call(ctx, http.MethodGet, "/fleet", nil, &out)
	return out, err
}

// Migrate asks for a container to be moved; in goes into the request as it is.
func (l *Lab) Migrate(ctx context.Context, container string, in map[string]any) (Job, error) {
	if in == nil {
		in = map[string]any{}
	}
	var out Job
	err := l.API.Call(ctx, http.MethodPost, "/containers/"+container+"/migrate", in, &out)
	return out, err
}

// Open is a container's migration that is under way, if there is one.
func (l *Lab) Open(ctx context.Context, container string) (Migration, bool, error) {
	var out struct{ Items []Migration }
	err := l.API.Call(ctx, http.MethodGet, "/migrations?open=true&limit=200&containerId="+url.QueryEscape(container), nil, &out)
	for _, m := range out.Items {
		if m.ContainerID == container {
			return m, true, err
		}
	}
	return Migration{}, false, err
}

// Cordon keeps new containers away from the node.
func (n *Node) Cordon(ctx context.Context) error { return n.post(ctx, "cordon", map[string]any{}) }

// Uncordon ends that, and drops what the node is charged with for having been
// lost: the lab loses nodes more often than anybody would put up with.
func (n *Node) Uncordon(ctx context.Context) error { return n.post(ctx, "uncordon", nil) }

func (n *Node) post(ctx context.Context, verb string, in any) error {
	return n.lab.API.Call(ctx, http.MethodPost, "/nodes/"+n.ID+"/"+verb, in, nil)
}

// Drain has everything that is on the node moved away.
func (n *Node) Drain(ctx context.Context) (Job, error) {
	var out Job
	err := n.lab.API.Call(ctx, http.MethodPost, "/nodes/"+n.ID+"/drain", map[string]any{}, &out)
	return out, err
}

// FlushRedis empties Redis, as a failover to an empty replica does.
func (l *Lab) FlushRedis(ctx context.Context) error {
	at, err := url.Parse(localdb.RedisURL(l.redisDir()))
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", at.Path)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "FLUSHALL\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(answer, "+OK") {
		err = errors.New("flush Redis: " + answer)
	}
	return err
}

// Mend puts everything in order: what was frozen goes on, what was killed is
// started, links are healed, nodes are free of blame. It returns when all
// nodes are healthy.
func (l *Lab) Mend(ctx context.Context) error {
	var errs []error
	for _, part := range slices.Concat([]*Part{l.Postgres, l.Redis}, l.ownBroker(), l.Controllers()) {
		errs = append(errs, part.Resume(), part.Start(ctx))
	}
	for _, node := range l.Nodes {
		errs = append(errs, node.Docker.Resume(), node.Agent.Resume(), node.HealLink(ctx))
		node.ResumeGuard()
		if !node.Docker.Running() {
			errs = append(errs, node.Docker.Start(ctx))
		}
		errs = append(errs, node.Agent.Start(ctx))
	}
	errs = append(errs, l.AwaitController(ctx))
	for _, node := range l.Nodes {
		errs = append(errs, l.AwaitNode(ctx, node, "healthy"), node.Uncordon(ctx))
	}
	return errors.Join(errs...)
}

// Runs is what the copies of a container wrote down, in the order in which
// they began.
func (l *Lab) Runs(container string) ([]witness.Run, error) {
	all, err := witness.Runs(l.Shared())
	var own []witness.Run
	for _, run := range all {
		if run.Container == container {
			own = append(own, run)
		}
	}
	return own, err
}

// Alive reports whether the copy wrote something lately.
func Alive(run witness.Run) bool {
	now, err := witness.Now()
	return err == nil && now-run.Last < silentWitness
}

// silentWitness is how long a copy that is given little time by a busy machine
// may write nothing.
const silentWitness = 5 * witness.Every
