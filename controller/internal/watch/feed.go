package watch

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// All methods here are called with the lock held, except session, leave
// and leaveStats.

// open finds or makes the feed that all watchers of a topic share.
func (w *Watch) open(t wire.Topic) *feed {
	if f, ok := w.feeds[t][shared]; ok {
		return f
	}
	f := &feed{topic: t, stream: shared, follow: true, since: w.options.Now(), stats: map[*Stream[wire.Stats]]struct{}{}}
	w.add(f)
	return f
}

func (w *Watch) add(f *feed) {
	if w.feeds[f.topic] == nil {
		w.feeds[f.topic] = map[string]*feed{}
	}
	w.feeds[f.topic][f.stream] = f
}

// end tells the viewers that nothing more comes, and forgets the feed.
func (w *Watch) end(f *feed, why error) {
	if f.logs != nil {
		f.logs.end(why)
	}
	for s := range f.stats {
		s.end(why)
	}
	if w.feeds[f.topic][f.stream] != f {
		return
	}
	delete(w.feeds[f.topic], f.stream)
	if len(w.feeds[f.topic]) == 0 {
		delete(w.feeds, f.topic)
	}
}

// dropIdle forgets a feed that nobody watches; the agent stops by itself.
func (w *Watch) dropIdle(f *feed) {
	if f.logs == nil && f.watchers == 0 && len(f.stats) == 0 {
		w.end(f, nil)
	}
}

func (w *Watch) leave(f *feed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end(f, nil)
}

func (w *Watch) leaveStats(f *feed, s *Stream[wire.Stats]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.end(nil)
	delete(f.stats, s)
	w.dropIdle(f)
}

// ask sends the agent the command that starts or renews a stream.
func (w *Watch) ask(f *feed) error {
	session, err := w.session(f.topic.Node)
	if err != nil {
		return err
	}
	action := wire.ActionLogs
	if f.topic.Kind == wire.ContainerStats {
		action = wire.ActionStats
	}
	tail := f.tail
	if f.place.known {
		tail = 0
	}
	err = w.options.Publisher.Publish(wire.OfNode(wire.NodeCommands, f.topic.Node), wire.Encode(wire.Command{
		Header: wire.Head(wire.TypeCommand), Session: session, ID: id.New[id.CommandID](), Action: action,
		ContainerID: f.topic.Container, Deadline: w.options.Now().Add(ttl).UnixMilli(),
		Stream: f.stream, Book: f.place.book, After: f.place.last, Tail: tail,
		Seek: !f.sought.IsZero() || f.asked && f.logs != nil && !f.place.known, Follow: f.follow, TTLMS: ttl.Milliseconds(),
	}))
	if err != nil {
		return fleet.Errorf(fleet.Unavailable, "the node cannot be asked at the moment: try again").Because(err)
	}
	f.asked = true
	return nil
}

// session is the agent's session while it is there; else the error says
// since when it is not.
func (w *Watch) session(node id.NodeID) (wire.Session, error) {
	n, known := w.options.Nodes.Look(node)
	switch {
	case known && n.Link.Greeted:
		return n.Link.Session, nil
	case known && !n.LastHeartbeat.IsZero():
		return wire.Session{}, fleet.Errorf(fleet.Unreachable, "the node is out of reach since %s, and only it has this: try again when it is back",
			n.LastHeartbeat.UTC().Format(time.RFC3339))
	}
	return wire.Session{}, fleet.Errorf(fleet.Unreachable, "the node's agent is not connected, and only it has this: start lormas-agent there and try again")
}
