package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

// placesEvery bounds how long a scoped permission follows a thing that moved,
// and how long it takes to see a new one.
const placesEvery = 2 * time.Second

// places knows where everything stands, from memory. It is read anew only
// while somebody asks whose permissions are scoped.
type places struct {
	store *store.Store
	log   *slog.Logger
	asked atomic.Bool
	turn  sync.Mutex   // one reads at a time, or an older truth could come last
	begun atomic.Int64 // reads that have begun
	last  error        // what came of the last

	mu         sync.RWMutex
	containers map[id.ContainerID]authz.Target
	nodes      map[id.NodeID]authz.Target
}

// PlaceOf implements authz.Places.
func (p *places) PlaceOf(t wire.Topic) (authz.Target, bool) {
	p.asked.Store(true)
	p.mu.RLock()
	defer p.mu.RUnlock()
	if !t.Container.IsZero() {
		place, ok := p.containers[t.Container]
		return place, ok
	}
	place, ok := p.nodes[t.Node]
	return place, ok
}

func (p *places) run(ctx context.Context) error {
	p.asked.Store(true) // be ready for the first
	return loop.Run(ctx, placesEvery, loop.NewWake(), p.read, func(err error) {
		p.log.Error("scoped permissions on topics are those of a while ago", "error", err)
	})
}

// reread is read for when something has changed, or somebody comes whose
// first messages must not be withheld for an old truth. Who waited for a read
// that began after he asked takes what came of that one: a crowd costs two.
func (p *places) reread(ctx context.Context) error {
	before := p.begun.Load()
	p.turn.Lock()
	defer p.turn.Unlock()
	if p.begun.Load() > before {
		return p.last
	}
	return p.load(ctx)
}

// read is reread unless nobody has asked since.
func (p *places) read(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	if !p.asked.Load() {
		return nil
	}
	return p.load(ctx)
}

func (p *places) load(ctx context.Context) error {
	p.begun.Add(1)
	p.asked.Store(false)
	list, err := p.store.Places(ctx)
	p.last = err
	if err != nil {
		p.asked.Store(true)
		return err
	}
	containers, nodes := map[id.ContainerID]authz.Target{}, map[id.NodeID]authz.Target{}
	for _, at := range list {
		target := authz.Target{Node: at.Node, Cluster: at.Cluster, Container: at.Container, Owner: at.Owner}
		if at.Container.IsZero() {
			nodes[at.Node] = target
		} else {
			containers[at.Container] = target
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.containers, p.nodes = containers, nodes
	return nil
}
