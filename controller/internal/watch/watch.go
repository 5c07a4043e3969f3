package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

const (
	ttl        = 30 * time.Second // an agent stops so long after the last renewal
	renewEvery = 10 * time.Second
	answerIn   = 15 * time.Second // for logs that are not followed
	maxFeeds   = 32               // log streams of one container
	seekAgain  = 5 * time.Second  // a node that was asked to go back has so long
	seekEvery  = time.Second      // how often it is seen whether slow viewers have room
)

// shared is the stream name of what people on MQTT watch; viewers of the API
// have a stream each, as each may want another tail.
const shared = "live"

// Publisher is the broker as far as commands need it.
type Publisher interface {
	Publish(t wire.Topic, payload []byte) error
}

// Options is what Watch needs.
type Options struct {
	Publisher Publisher
	Nodes     *liveness.Registry
	Now       func() time.Time
	Log       *slog.Logger
}

// Watch hands out streams. It is safe for concurrent use.
type Watch struct {
	options Options
	wants   loop.Wake // somebody has fallen behind

	mu    sync.Mutex
	feeds map[wire.Topic]map[string]*feed // by topic and stream
	usage map[id.NodeID]known
}

// feed is one stream that an agent is asked for, and who gets it.
type feed struct {
	topic    wire.Topic
	stream   string
	follow   bool
	since    time.Time
	watchers int // on MQTT
	logs     *Stream[wire.LogChunk]
	place    place
	tail     int       // lines of the past, as long as he has no place
	asked    bool      // once at least
	behind   bool      // he is not at what the node sent last
	sought   time.Time // when the node was asked to go back; zero: it has done so
	stats    map[*Stream[wire.Stats]]struct{}
}

// New makes a Watch; Run keeps its streams going.
func New(o Options) *Watch {
	return &Watch{options: o, wants: loop.NewWake(), feeds: map[wire.Topic]map[string]*feed{}, usage: map[id.NodeID]known{}}
}

// LogOptions says what of a container's log is wanted.
type LogOptions struct {
	Book   string // the book that After is a number of; "": whichever the node has
	After  uint64 // the last line that the viewer has; 0: none, and then he gets a tail
	Tail   int    // lines from the past
	Follow bool   // and whatever comes
}

// Logs shows the log of a container until ctx ends or, unless followed, all
// of it was shown. Only the node has it.
func (w *Watch) Logs(ctx context.Context, node id.NodeID, container id.ContainerID, o LogOptions) (*Stream[wire.LogChunk], error) {
	f := &feed{
		topic: wire.OfContainerOn(wire.ContainerLogs, node, container), stream: uuid.NewString(),
		follow: o.Follow, since: w.options.Now(), logs: newStream[wire.LogChunk](), tail: o.Tail, place: place{o.Book, o.After, o.After > 0 || o.Book != ""},
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.feeds[f.topic]) >= maxFeeds {
		return nil, fleet.Errorf(fleet.TooMany, "%d people watch the log of this container already: close one of them or subscribe to its topic", maxFeeds)
	}
	if err := w.ask(f); err != nil {
		return nil, err
	}
	w.add(f)
	context.AfterFunc(ctx, func() { w.leave(f) })
	return f.logs, nil
}

// Stats shows what a container uses, a sample a second, until ctx ends.
func (w *Watch) Stats(ctx context.Context, node id.NodeID, container id.ContainerID) (*Stream[wire.Stats], error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.open(wire.OfContainerOn(wire.ContainerStats, node, container))
	s := newStream[wire.Stats]()
	f.stats[s] = struct{}{}
	if err := w.ask(f); err != nil {
		delete(f.stats, s)
		w.dropIdle(f)
		return nil, err
	}
	context.AfterFunc(ctx, func() { w.leaveStats(f, s) })
	return s, nil
}

// Watching follows how many people on MQTT are subscribed to exactly t.
func (w *Watch) Watching(t wire.Topic, watchers int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.open(t)
	before := f.watchers
	f.watchers = watchers
	if watchers > before {
		w.renew(f)
	}
	w.dropIdle(f)
}

// Deliver passes on what an agent published. It never blocks.
func (w *Watch) Deliver(t wire.Topic, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.feeds[t]) == 0 {
		return nil // nobody here: the broker has others
	}
	if t.Kind == wire.ContainerStats {
		return w.deliverStats(t, payload)
	}
	chunk, err := wire.Decode[wire.LogChunk](payload, wire.TypeLogs)
	if err != nil {
		return err
	}
	if f, ok := w.feeds[t][chunk.Stream]; ok {
		w.deliverLog(f, chunk)
	}
	return nil
}

// deliverLog gives a viewer the lines that come next. What is missing, because
// MQTT lost it or the viewer was slow, is asked for again: the node has it in
// its book, or says that it has it no more.
func (w *Watch) deliverLog(f *feed, chunk wire.LogChunk) {
	then, news, v := f.place.judge(chunk)
	if chunk.Lines == 0 && chunk.First > 0 {
		f.sought = time.Time{} // it has gone back
	}
	switch {
	case f.logs == nil: // those on MQTT have heard it as it is
		if chunk.First > 0 {
			f.place = place{chunk.Book, chunk.First + uint64(chunk.Lines) - 1, true}
		}
		return
	case v == again:
	case v == hole && !f.sought.IsZero(): // was on its way already
		return
	case v == hole || f.behind && chunk.EOF || !f.logs.offer(news):
		f.behind = true
		w.wants.Up()
		return
	default:
		f.place, f.behind, f.since = then, false, w.options.Now()
	}
	if chunk.EOF {
		w.end(f, nil)
	}
}

// seekAll has streams begin again where their viewers are, of those who have
// fallen behind and have room.
func (w *Watch) seekAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.options.Now()
	for _, streams := range w.feeds {
		for _, f := range streams {
			if f.behind && f.logs.roomy() && now.Sub(f.sought) > seekAgain {
				f.sought = now
				w.renew(f)
			}
		}
	}
}

func (w *Watch) deliverStats(t wire.Topic, payload []byte) error {
	sample, err := wire.Decode[wire.Stats](payload, wire.TypeStats)
	if err != nil {
		return err
	}
	for s := range w.feeds[t][shared].stats {
		offerStats(s, sample)
	}
	return nil
}

// Run renews what is watched until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	slow := time.NewTicker(seekEvery)
	defer slow.Stop()
	for {
		select {
		case <-ctx.Done():
			w.endAll()
			return nil
		case <-tick.C:
			w.renewAll()
			w.forgetUsage()
		case <-w.wants.C():
			w.seekAll()
		case <-slow.C:
			w.seekAll()
		}
	}
}

func (w *Watch) renewAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, streams := range w.feeds {
		for _, f := range streams {
			w.renewOrEnd(f)
		}
	}
}

func (w *Watch) renewOrEnd(f *feed) {
	if f.logs != nil && !f.follow {
		if w.options.Now().Sub(f.since) > answerIn {
			w.end(f, fleet.Errorf(fleet.Unreachable, "the node did not send the whole log within %s: try again", answerIn))
		}
		return
	}
	w.renew(f)
}

// renew asks for what comes after that which the viewer has: the past was asked
// for at first. A node that is away is asked when it is back.
func (w *Watch) renew(f *feed) {
	if err := w.ask(f); err != nil {
		w.options.Log.Debug("stream not renewed", "node", f.topic.Node, "container", f.topic.Container, "error", err)
	}
}

func (w *Watch) endAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, streams := range w.feeds {
		for _, f := range streams {
			w.end(f, fleet.Errorf(fleet.Unavailable, "the controller is stopping: try again in a moment"))
		}
	}
}
