package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/lormas/lormas/deploy/e2e"
)

// swarm is a Docker Swarm over the lab's nodes: the first is the manager and
// runs nothing else.
type swarm struct {
	nodes   []*e2e.Node
	service string // id; "" when there is none
	delay   time.Duration
}

const (
	serviceName = "bench"
	swarmLabel  = "com.docker.swarm.service.name=" + serviceName
)

func (s *swarm) manager() *e2e.Node { return s.nodes[0] }

// start makes the swarm.
func (s *swarm) start(ctx context.Context) error {
	manager := s.manager()
	in := map[string]any{"ListenAddr": manager.IP + ":2377", "AdvertiseAddr": manager.IP}
	if err := manager.Ask(ctx, http.MethodPost, "/swarm/init", in, nil); err != nil {
		return fmt.Errorf("swarm init: %w", err)
	}
	var about struct{ JoinTokens struct{ Worker string } }
	if err := manager.Ask(ctx, http.MethodGet, "/swarm", nil, &about); err != nil {
		return err
	}
	for _, node := range s.nodes[1:] {
		in := map[string]any{
			"ListenAddr": node.IP + ":2377", "AdvertiseAddr": node.IP,
			"RemoteAddrs": []string{manager.IP + ":2377"}, "JoinToken": about.JoinTokens.Worker,
		}
		if err := node.Ask(ctx, http.MethodPost, "/swarm/join", in, nil); err != nil {
			return fmt.Errorf("swarm join: %w", err)
		}
	}
	return s.avail(ctx, manager, "drain")
}

// stop takes the swarm apart.
func (s *swarm) stop(ctx context.Context) error {
	for _, node := range s.nodes {
		if err := node.Ask(ctx, http.MethodPost, "/swarm/leave?force=true", nil, nil); err != nil {
			return fmt.Errorf("swarm leave: %w", err)
		}
	}
	return nil
}

// configure sets how often nodes talk to the manager, and how long it waits
// before it starts a task again.
func (s *swarm) configure(ctx context.Context, heartbeat, delay time.Duration) error {
	s.delay = delay
	var about struct {
		Version struct{ Index int64 }
		Spec    map[string]any
	}
	if err := s.manager().Ask(ctx, http.MethodGet, "/swarm", nil, &about); err != nil {
		return err
	}
	about.Spec["Dispatcher"] = map[string]any{"HeartbeatPeriod": int64(heartbeat)}
	path := fmt.Sprintf("/swarm/update?version=%d", about.Version.Index)
	return s.manager().Ask(ctx, http.MethodPost, path, about.Spec, nil)
}

// swarmNode is what the manager knows of a node.
type swarmNode struct {
	ID      string
	Version struct{ Index int64 }
	Spec    map[string]any
	Status  struct{ State, Addr string }
}

func (s *swarm) find(ctx context.Context, node *e2e.Node) (swarmNode, error) {
	var all []swarmNode
	if err := s.manager().Ask(ctx, http.MethodGet, "/nodes", nil, &all); err != nil {
		return swarmNode{}, err
	}
	for _, one := range all {
		if one.Status.Addr == node.IP {
			return one, nil
		}
	}
	return swarmNode{}, fmt.Errorf("the manager does not know %s", node.Name)
}

// avail says whether a node is given tasks: active, pause or drain.
func (s *swarm) avail(ctx context.Context, node *e2e.Node, availability string) error {
	known, err := s.find(ctx, node)
	if err != nil {
		return err
	}
	known.Spec["Availability"] = availability
	return s.manager().Ask(ctx, http.MethodPost, fmt.Sprintf("/nodes/%s/update?version=%d", known.ID, known.Version.Index), known.Spec, nil)
}

// ready waits until a node may be given tasks.
func (s *swarm) ready(ctx context.Context, node *e2e.Node) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	return e2e.Await(ctx, node.Name+" to be ready in the swarm", func(ctx context.Context) (bool, string, error) {
		known, err := s.find(ctx, node)
		return known.Status.State == "ready", known.Status.State, err
	})
}

// deploy starts a service whose replicas all run on one node.
func (s *swarm) deploy(ctx context.Context, replicas int, on, notOn *e2e.Node) error {
	if err := s.avail(ctx, notOn, "pause"); err != nil {
		return err
	}
	// By its id, so that no node asks a registry whether there is a newer one.
	var image struct{ ID string }
	if err := on.Ask(ctx, http.MethodGet, "/images/"+e2e.DemoImage+"/json", nil, &image); err != nil {
		return err
	}
	in := map[string]any{
		"Name": serviceName,
		"TaskTemplate": map[string]any{
			"ContainerSpec": map[string]any{"Image": image.ID},
			"RestartPolicy": map[string]any{"Condition": "any", "Delay": int64(s.delay)},
			"Resources":     map[string]any{"Limits": map[string]any{"NanoCPUs": cores * 1_000_000_000, "MemoryBytes": memory}},
		},
		"Mode": map[string]any{"Replicated": map[string]any{"Replicas": replicas}},
	}
	var made struct{ ID json.RawMessage }
	if err := s.manager().Ask(ctx, http.MethodPost, "/services/create", in, &made); err != nil {
		return fmt.Errorf("service create: %w", err)
	}
	if err := json.Unmarshal(made.ID, &s.service); err != nil {
		return err
	}
	if err := settled(ctx, swarmLabel, replicas, on, notOn); err != nil {
		return err
	}
	return s.avail(ctx, notOn, "active")
}

// remove ends the service.
func (s *swarm) remove(ctx context.Context, on, notOn *e2e.Node) error {
	if err := s.manager().Ask(ctx, http.MethodDelete, "/services/"+s.service, nil, nil); err != nil {
		return err
	}
	return settled(ctx, swarmLabel, 0, on, notOn)
}

func (s *swarm) label() string { return swarmLabel }
