package presence

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// TTL is how long a node is seen after its last heartbeat.
const TTL = 30 * time.Second

const (
	flushEvery  = time.Second
	writeWithin = 2 * time.Second
	readWithin  = 250 * time.Millisecond
	batch       = 1000 // keys a pipeline
)

// incarnationKey tells this Redis from an emptied one, or another: while it
// holds what we read at first, nothing of ours was lost.
const incarnationKey = "lormas:incarnation"

func key(node id.NodeID) string { return "lormas:node:" + node.String() }

// View is how a node is right now.
type View struct {
	LastHeartbeat time.Time       `json:"last_heartbeat"` // the controller's clock
	AppliedRev    int64           `json:"applied_rev"`
	DockerOK      bool            `json:"docker_ok"`
	GuardOK       bool            `json:"guard_ok"`
	Telemetry     *wire.Telemetry `json:"telemetry,omitempty"` // the last one sent
}

// Options is what presence needs.
type Options struct {
	Redis      redis.UniversalClient
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Presence keeps the view. It is safe for concurrent use.
type Presence struct {
	redis       redis.UniversalClient
	now         func() time.Time
	log         *slog.Logger
	faults      prometheus.Counter
	rewrites    prometheus.Counter
	away        atomic.Bool // Redis did not answer the last time
	incarnation string      // of Run alone

	mu    sync.Mutex
	views map[id.NodeID]View
	dirty map[id.NodeID]struct{}
}

// New makes an empty presence; Run writes it.
func New(o Options) *Presence {
	p := &Presence{
		redis: o.Redis, now: o.Now, log: o.Log,
		faults: prometheus.NewCounter(prometheus.CounterOpts{Name: "lormas_presence_redis_faults_total",
			Help: "Reads and writes that Redis did not answer; views came from memory."}),
		rewrites: prometheus.NewCounter(prometheus.CounterOpts{Name: "lormas_presence_rewrites_total",
			Help: "Times that all views were written anew because Redis had lost them."}),
		views: map[id.NodeID]View{}, dirty: map[id.NodeID]struct{}{},
	}
	o.Registerer.MustRegister(p.faults, p.rewrites)
	return p
}

// Open makes a client for a Redis url. It does not connect: Redis may come
// later.
func Open(url string) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", err)
	}
	hush()
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = time.Second, time.Second, time.Second
	o.ContextTimeoutEnabled = true // or callers who set a deadline wait longer
	o.MaxRetries = -1              // a loop comes round again, and readers have memory
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}

// hush silences go-redis, which can only be done for the whole process.
var hush = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

// silence keeps go-redis from writing to the standard error: what goes wrong
// is returned as an error as well.
type silence struct{}

// Printf implements go-redis' own Logging.
func (silence) Printf(context.Context, string, ...any) {}

// Note takes a heartbeat in. It never blocks on Redis.
func (p *Presence) Note(node id.NodeID, h wire.Heartbeat) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	v := View{LastHeartbeat: now, AppliedRev: h.AppliedRev, DockerOK: h.DockerOK, GuardOK: h.GuardOK, Telemetry: h.Telemetry}
	if v.Telemetry == nil { // sent once a minute only
		v.Telemetry = p.views[node].Telemetry
	}
	p.views[node] = v
	p.dirty[node] = struct{}{}
}

// Forget drops a node that was deleted.
func (p *Presence) Forget(node id.NodeID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.views, node)
	delete(p.dirty, node)
}

// Nodes answers the views of those of the nodes that were heard within TTL,
// with one round trip. Redis being away is no error.
func (p *Presence) Nodes(ctx context.Context, nodes []id.NodeID) (map[id.NodeID]View, error) {
	if len(nodes) == 0 {
		return map[id.NodeID]View{}, nil
	}
	if p.away.Load() {
		return p.remembered(nodes), ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	keys := make([]string, len(nodes))
	for i, n := range nodes {
		keys[i] = key(n)
	}
	values, err := p.redis.MGet(ctx, keys...).Result()
	if err != nil {
		p.fault(err)
		return p.remembered(nodes), nil
	}
	views := make(map[id.NodeID]View, len(nodes))
	for i, value := range values {
		var v View
		if text, ok := value.(string); ok && json.Unmarshal([]byte(text), &v) == nil {
			views[nodes[i]] = v
		}
	}
	return views, nil
}

func (p *Presence) remembered(nodes []id.NodeID) map[id.NodeID]View {
	p.mu.Lock()
	defer p.mu.Unlock()
	views := make(map[id.NodeID]View, len(nodes))
	for _, n := range nodes {
		if v, ok := p.views[n]; ok && p.left(v) > 0 {
			views[n] = v
		}
	}
	return views
}

// left is how much longer a view is good.
func (p *Presence) left(v View) time.Duration { return TTL - p.now().Sub(v.LastHeartbeat) }

// fault counts and, when Redis has just gone away, says so.
func (p *Presence) fault(err error) {
	p.faults.Inc()
	if !p.away.Swap(true) {
		p.log.Warn("Redis does not answer: node views come from memory until it does", "error", err)
	}
}

// Run writes views until ctx ends.
func (p *Presence) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		if err := p.flush(ctx); err != nil && ctx.Err() == nil {
			p.fault(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// flush writes what changed, or everything where Redis lost what it had.
func (p *Presence) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	same, err := p.sameRedis(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	if !same {
		for n := range p.views {
			p.dirty[n] = struct{}{}
		}
	}
	writing := p.takeDirty()
	p.mu.Unlock()
	if err := p.write(ctx, writing); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		for n := range writing {
			p.dirty[n] = struct{}{}
		}
		return err
	}
	if p.away.Swap(false) {
		p.log.Info("Redis answers again")
	}
	return nil
}

// sameRedis reports whether this is the Redis that was written before, and
// not an emptied one.
func (p *Presence) sameRedis(ctx context.Context) (bool, error) {
	proposal := p.incarnation
	if proposal == "" {
		proposal = uuid.NewString()
	}
	pipe := p.redis.Pipeline()
	set := pipe.SetNX(ctx, incarnationKey, proposal, 0)
	get := pipe.Get(ctx, incarnationKey)
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("read the incarnation of redis: %w", err)
	}
	same := !set.Val() && get.Val() == p.incarnation
	if !same && p.incarnation != "" {
		p.rewrites.Inc()
	}
	p.incarnation = get.Val()
	return same, nil
}

// takeDirty is called with the lock held. Views that are over are dropped:
// their keys have expired.
func (p *Presence) takeDirty() map[id.NodeID]View {
	out := make(map[id.NodeID]View, len(p.dirty))
	for n := range p.dirty {
		if v, ok := p.views[n]; ok && p.left(v) > 0 {
			out[n] = v
		}
	}
	clear(p.dirty)
	return out
}

func (p *Presence) write(ctx context.Context, views map[id.NodeID]View) error {
	pipe := p.redis.Pipeline()
	for n, v := range views {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode view: %w", err)
		}
		pipe.Set(ctx, key(n), text, max(p.left(v), time.Millisecond))
		if pipe.Len() >= batch {
			if _, err := pipe.Exec(ctx); err != nil {
				return fmt.Errorf("write views: %w", err)
			}
		}
	}
	if pipe.Len() == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("write views: %w", err)
	}
	return nil
}

// Ready reports whether Redis answers.
func (p *Presence) Ready(ctx context.Context) error { return p.redis.Ping(ctx).Err() }
