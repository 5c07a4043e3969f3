package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// How often it is looked for processes that the record does not let run,
// beside the moments at which something is over.
const (
	lookBusy = time.Second     // while something is watched
	lookIdle = 5 * time.Second // else
)

// Options is what a guard needs.
type Options struct {
	Node id.NodeID
	Dir  string // of socket, record and lock; in memory, such as /run/lormas
	// Guest says that an agent has started it: it ends when it guards nothing
	// and no agent speaks to it.
	Guest bool
	Log   *slog.Logger
}

// hold is how the guard reaches a copy.
type hold struct {
	signal   int
	bound    bool     // the agent has named the init: a start is not under way any more
	init     *process // nil: not named yet, or dead
	dockerID string   // by which its processes are known whatever they did to their environment
}

type server struct {
	Options
	bootID  string
	calls   chan call
	seen    chan []sighting
	watched lease.Guard
	holds   map[lease.Copy]*hold
	looking bool          // the goroutine that finds processes is at work
	lookAt  time.Duration // when it is due
	fences  int           // a sight counts only for what was fenced before it began
	lines   int           // connections of agents
	began   time.Duration
}

// call is a request and where its answer goes. A nil request is a line that
// has come or gone.
type call struct {
	request *request
	line    int
	answer  chan answer
}

// Run guards until ctx ends. It returns an error if it cannot begin.
func Run(ctx context.Context, o Options) error {
	bootID, err := BootID()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("make the guard's directory: %w", err)
	}
	held, err := lock(lockFile(o.Dir, o.Node))
	if err != nil {
		return err
	}
	defer held.Close()
	s := &server{Options: o, bootID: bootID, calls: make(chan call), seen: make(chan []sighting), began: Now()}
	kept, err := loadRecord(recordFile(o.Dir, o.Node), bootID, o.Node)
	if err != nil {
		o.Log.Warn("whatever runs of exclusive containers of this node is killed", "why", err)
	}
	s.watched, s.holds = kept.restore()
	ring, err := newAlarm()
	if err != nil {
		return err
	}
	defer ring.close()
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	if err := s.listen(ctx, &work); err != nil {
		return err
	}
	o.Log.Info("on guard", "node", o.Node, "copies", len(s.watched))
	return s.loop(ctx, ring)
}

func (s *server) loop(ctx context.Context, ring *alarm) error {
	for {
		now := Now()
		s.act(now)
		s.look(ctx, now)
		if s.over(now) {
			s.Log.Info("nothing is left to guard")
			return nil
		}
		if err := ring.set(s.next(now)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ring.rung:
		case c := <-s.calls:
			s.take(c)
		case seen := <-s.seen:
			s.judge(seen, Now())
		}
	}
}

// next is when to wake up by itself.
func (s *server) next(now time.Duration) time.Duration {
	at := now + lookIdle
	if !s.looking {
		at = min(at, s.lookAt)
	}
	if due, ok := s.watched.Next(now); ok {
		at = min(at, due)
	}
	return at
}

// over reports whether a guest may leave. An agent that has just started it
// is about to speak.
func (s *server) over(now time.Duration) bool {
	const welcome = 10 * time.Second
	if !s.Guest || s.lines > 0 || now < s.began+welcome {
		return false
	}
	for _, w := range s.watched {
		if !w.Dead {
			return false
		}
	}
	return true
}

// act does what is due.
func (s *server) act(now time.Duration) {
	watched, acts := s.watched.Due(now)
	for _, a := range acts {
		h := s.holds[a.Copy]
		switch {
		case a.Deed == lease.Ask && h.init != nil:
			s.Log.Warn("the lease runs out: the container is asked to stop", "container", a.Copy.Container, "epoch", a.Copy.Epoch)
			_ = h.init.signal(unix.Signal(h.signal)) // whether it hears or not
		case a.Deed == lease.Kill:
			s.kill(a.Copy, h)
		}
		if !s.watched[a.Copy].Fenced && watched[a.Copy].Fenced {
			s.Log.Warn("the lease is over: the container is killed", "container", a.Copy.Container, "epoch", a.Copy.Epoch)
			s.fences++
			s.lookAt = now
		}
		if watched[a.Copy].Fenced {
			s.lookAt = min(s.lookAt, now+lease.Again)
		}
	}
	changed := !maps.Equal(s.watched, watched)
	s.watched = watched
	if changed {
		if err := s.save(s.watched); err != nil {
			s.Log.Error("the record lags behind", "error", err) // it lets less run, never more
		}
	}
}

// kill needs neither dockerd nor a cgroup: with its init a container dies.
func (s *server) kill(c lease.Copy, h *hold) {
	if h.init == nil {
		return
	}
	if !h.init.alive() {
		h.init.close()
		h.init = nil
		return
	}
	if err := h.init.signal(unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		s.Log.Error("the container could not be killed", "container", c.Container, "error", err)
	}
	killCgroup("/sys/fs/cgroup", h.init.pid, h.dockerID)
}

// look has processes looked for when it is time.
func (s *server) look(ctx context.Context, now time.Duration) {
	if s.looking || now < s.lookAt {
		return
	}
	s.looking = true
	s.lookAt = now + lookIdle
	if len(s.watched) > 0 {
		s.lookAt = now + lookBusy
	}
	s.fences = 0
	expected := map[string]lease.Copy{}
	for c, h := range s.holds {
		expected[h.dockerID] = c
	}
	go func() {
		seen := look(s.Node, expected)
		select {
		case s.seen <- seen:
		case <-ctx.Done():
			closeAll(seen)
		}
	}()
}

func closeAll(seen []sighting) {
	for _, p := range seen {
		p.process.close()
	}
}

// judge kills what the record does not let run, and notes what is dead.
func (s *server) judge(seen []sighting, now time.Duration) {
	defer closeAll(seen)
	s.looking = false
	lives := map[lease.Copy]bool{}
	for _, p := range seen {
		lives[p.copy] = true
		if s.watched.May(p.copy, now) {
			continue
		}
		if w := s.watched[p.copy]; !w.Fenced {
			s.Log.Warn("a process of an exclusive container that has no lease is killed", "container", p.copy.Container, "epoch", p.copy.Epoch, "pid", p.process.pid)
		}
		_ = p.process.signal(unix.SIGKILL) // it may be gone by now
		s.lookAt = min(s.lookAt, now+lease.Again)
	}
	if s.fences > 0 {
		return // it began before: the next sight tells
	}
	for c, w := range s.watched {
		h := s.holds[c]
		if w.Fenced && !w.Dead && !lives[c] && h.bound && (h.init == nil || !h.init.alive()) {
			s.Log.Info("the container is dead", "container", c.Container, "epoch", c.Epoch)
			s.watched = s.watched.Gone(c)
		}
	}
}

// take answers a request.
func (s *server) take(c call) {
	if c.request == nil {
		s.lines += c.line
		return
	}
	a, err := s.serve(*c.request, Now())
	if err != nil {
		a.Error = err.Error()
	}
	c.answer <- a
}

func (s *server) serve(r request, now time.Duration) (answer, error) {
	switch r.Op {
	case opPing:
		return answer{}, nil
	case opState:
		var a answer
		for c, w := range s.watched {
			a.Watched = append(a.Watched, describe(c, w))
		}
		return a, nil
	case opExpect:
		return answer{}, s.expect(r, now)
	case opBind:
		return answer{}, s.bind(r)
	case opRenew:
		next := s.watched
		for _, t := range r.Terms {
			next = next.Renew(t.Copy, t.Term.of(t.Copy), now)
		}
		return answer{}, s.become(next)
	case opRelease:
		if h := s.holds[r.Copy]; h != nil && h.init != nil && h.init.alive() {
			return answer{}, errors.New("it still runs")
		}
		return answer{}, s.become(s.watched.Release(r.Copy))
	}
	return answer{}, fmt.Errorf("this guard does not know %q: update it", r.Op)
}

func (t Term) of(c lease.Copy) lease.Term {
	return lease.Term{Epoch: c.Epoch, Soft: t.Soft, Until: t.Until}
}

// become takes over a record that is on file.
func (s *server) become(next lease.Guard) error {
	if maps.Equal(s.watched, next) {
		return nil
	}
	if err := s.save(next); err != nil {
		return err
	}
	s.watched = next
	for c, h := range s.holds {
		if _, watched := next[c]; !watched {
			h.drop()
			delete(s.holds, c)
		}
	}
	return nil
}

func (s *server) save(next lease.Guard) error {
	return write(s.bootID, s.Node, next, s.holds).save(recordFile(s.Dir, s.Node))
}

func (s *server) expect(r request, now time.Duration) error {
	next, err := s.watched.Expect(r.Copy, r.Term.of(r.Copy), now)
	if err != nil {
		return err
	}
	before := s.holds[r.Copy]
	// The run that comes has another init than one that was.
	s.holds[r.Copy] = &hold{signal: r.Start.Signal, dockerID: r.Start.DockerID}
	if err := s.save(next); err != nil {
		s.holds[r.Copy] = before
		return err
	}
	before.drop()
	s.watched = next
	return nil
}

func (s *server) bind(r request) error {
	h := s.holds[r.Copy]
	if h == nil {
		return errors.New("it is not expected")
	}
	p, err := openProcess(r.Init.Pid)
	if err != nil {
		return err
	}
	c, ours := belongsTo(p.pid, s.Node, map[string]lease.Copy{r.Init.DockerID: r.Copy})
	if !ours || c != r.Copy || !p.alive() {
		p.close()
		return fmt.Errorf("process %d is none of this container", p.pid)
	}
	h.drop()
	h.init, h.bound, h.dockerID = p, true, r.Init.DockerID
	return s.save(s.watched)
}

func (h *hold) drop() {
	if h != nil && h.init != nil {
		h.init.close()
		h.init = nil
	}
}

// listen takes requests from the socket until ctx ends.
func (s *server) listen(ctx context.Context, work *sync.WaitGroup) error {
	path := socketFile(s.Dir, s.Node)
	_ = os.Remove(path) // of one that was killed: the lock is ours
	listener, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("listen for the agent: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("keep the socket to ourselves: %w", err), listener.Close())
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			work.Go(func() { s.talk(ctx, conn) })
		}
	})
	return nil
}
