package live

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Publisher is the broker as far as news need it. Neither method blocks.
type Publisher interface {
	Publish(t wire.Topic, payload []byte) error
	ClearRetained(t wire.Topic) error
}

// Live publishes news.
type Live struct {
	publisher Publisher
	now       func() time.Time
	log       *slog.Logger
}

// New makes a Live.
func New(p Publisher, now func() time.Time, log *slog.Logger) *Live {
	return &Live{publisher: p, now: now, log: log}
}

// The values of FleetEvent.Kind.
const (
	KindNodeHealth    = "node.health"
	KindNodeDuplicate = "node.duplicate"
	KindHold          = "fleet.hold"
	KindRelease       = "fleet.release"
	KindJob           = "job"
)

// Tell publishes what a transaction changed.
func (l *Live) Tell(news store.News) {
	for _, c := range news.Containers {
		l.Container(c)
	}
	for _, j := range news.Jobs {
		l.Job(j)
	}
}

// Container publishes how a container is. That one was deleted is said once,
// to whoever looks at it, and forgotten.
func (l *Live) Container(c fleet.Container) {
	topic, news := wire.OfContainer(wire.ContainerState, c.ID), containerNews(c)
	if c.DeletedAt == nil {
		l.publish(topic, news)
		return
	}
	news.Phase = spec.Removed
	l.publish(topic, news)
	l.check(l.publisher.ClearRetained(topic))
}

func containerNews(c fleet.Container) wire.ContainerNews {
	news := wire.ContainerNews{
		Header: wire.Head(wire.TypeContainerState), ContainerID: c.ID, NodeID: c.NodeID, Name: c.Name,
		Power: c.Power, Phase: c.Phase(), Epoch: c.Epoch, Generation: c.Generation,
		MigrationStatus: string(c.MigrationStatus),
	}
	if c.Observed != nil && c.Observed.Epoch == c.Epoch {
		news.Reason = c.Observed.Reason
	}
	return news
}

// Job publishes how far a job has come.
func (l *Live) Job(j fleet.Job) {
	e := wire.FleetEvent{Kind: KindJob, JobID: j.ID, State: string(j.State), Message: j.Error}
	if j.NodeID != nil {
		e.NodeID = *j.NodeID
	}
	if j.ContainerID != nil {
		e.ContainerID = *j.ContainerID
	}
	if e.Message == "" {
		e.Message = j.Step
	}
	l.Event(e)
}

// Health is how a node is.
type Health struct {
	Node   id.NodeID
	State  fleet.NodeState
	Since  time.Time
	Reason string
}

// Node publishes how a node is, retained.
func (l *Live) Node(h Health) {
	l.publish(wire.OfNode(wire.NodeHealth, h.Node), wire.Health{
		Header: wire.Head(wire.TypeHealth), NodeID: h.Node, Status: h.State.Status(), State: string(h.State),
		Since: h.Since.UTC(), Reason: h.Reason,
	})
}

// NodeGone forgets a node that was deleted.
func (l *Live) NodeGone(node id.NodeID) {
	l.check(l.publisher.ClearRetained(wire.OfNode(wire.NodeHealth, node)))
	l.check(l.publisher.ClearRetained(wire.OfNode(wire.NodeHeartbeat, node)))
	l.check(l.publisher.ClearRetained(wire.OfNode(wire.NodeUsage, node)))
}

// Event publishes an entry of the fleet's feed.
func (l *Live) Event(e wire.FleetEvent) {
	e.Header, e.At = wire.Head(wire.TypeEvent), l.now().UTC()
	l.publish(wire.Topic{Kind: wire.FleetEvents}, e)
}

func (l *Live) publish(t wire.Topic, message any) {
	l.check(l.publisher.Publish(t, wire.Encode(message)))
}

// check logs at debug only: the broker counts what it drops.
func (l *Live) check(err error) {
	if err != nil {
		l.log.Debug("news dropped", "error", err)
	}
}

// burst is how many states are published at once at the start, and pause the
// time between: the broker's queues are bounded.
const (
	burst = 200
	pause = 20 * time.Millisecond
)

// Republish publishes the state of all containers and nodes once, as a new
// broker retains nothing.
func (l *Live) Republish(ctx context.Context, s *store.Store) error {
	nodes, err := s.NodeMemories(ctx)
	if err != nil {
		return fmt.Errorf("republish nodes: %w", err)
	}
	for i, n := range nodes {
		l.Node(Health{Node: n.Node, State: n.State, Since: n.Since, Reason: n.Reason})
		if i%burst == burst-1 && !rest(ctx) {
			return nil
		}
	}
	filter := store.ContainerFilter{Page: store.Page{Limit: burst}, Reach: store.Reach{All: true}}
	for {
		page, next, err := s.Containers(ctx, filter)
		if err != nil {
			return fmt.Errorf("republish containers: %w", err)
		}
		for _, c := range page {
			l.Container(c)
		}
		if next == "" || !rest(ctx) {
			return nil
		}
		filter.Cursor = next
	}
}

func rest(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
