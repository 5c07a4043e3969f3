package liveness

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/wire"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

var (
	first  = wire.Session{BootID: "a", Session: 1}
	second = wire.Session{BootID: "a", Session: 2}
)

// script is a node and what happened to it.
type script struct {
	t       *testing.T
	node    Node
	effects []Effect // of the last event
}

func newNode(state fleet.NodeState) Node {
	return Node{State: state, Since: start, LastSeen: start, Pace: NewPace(Standard())}
}

func newScript(t *testing.T, state fleet.NodeState) *script {
	t.Helper()
	return &script{t: t, node: newNode(state)}
}

func (s *script) hear(seconds float64, e Event) *script {
	s.node, s.effects = Step(s.node, e, at(seconds))
	return s
}

func (s *script) want(state fleet.NodeState) *script {
	s.t.Helper()
	if s.node.State != state {
		s.t.Fatalf("the node is %s (%s), want %s", s.node.State, s.node.Reason, state)
	}
	return s
}

func (s *script) lease() (Lease, bool) {
	for _, e := range s.effects {
		if l, ok := e.(Lease); ok {
			return l, true
		}
	}
	return Lease{}, false
}

func (s *script) dropped() bool {
	for _, e := range s.effects {
		if _, ok := e.(Dropped); ok {
			return true
		}
	}
	return false
}

func beat(conn uint64, session wire.Session, applied int64) Heartbeat {
	return Heartbeat{Conn: conn, Session: session, Seq: 1, AppliedRev: applied, DockerOK: true, GuardOK: true}
}

// up is a healthy node on connection 1, last heard at 0.
func up(t *testing.T) *script {
	t.Helper()
	return newScript(t, fleet.NodeJoining).
		hear(0, Connected{Conn: 1}).
		hear(0, Greeted{Conn: 1, Session: first, MachineID: "m1", Hostname: "van-1"}).
		hear(0, beat(1, first, 0)).
		want(fleet.NodeHealthy)
}

func TestJoiningNeedsBothHelloAndHeartbeat(t *testing.T) {
	newScript(t, fleet.NodeJoining).
		hear(0, Connected{Conn: 1}).
		hear(1, beat(1, first, 0)).want(fleet.NodeJoining).
		hear(2, Greeted{Conn: 1, Session: first}).want(fleet.NodeHealthy)
	newScript(t, fleet.NodeJoining).
		hear(0, Connected{Conn: 1}).
		hear(1, Greeted{Conn: 1, Session: first}).want(fleet.NodeJoining).
		hear(100, Tick{Open: true}).want(fleet.NodeJoining).
		hear(101, beat(1, first, 0)).want(fleet.NodeHealthy)
}

func TestSilence(t *testing.T) {
	s := up(t)
	s.hear(15, Tick{Open: true}).want(fleet.NodeHealthy)
	s.hear(15.1, Tick{Open: true}).want(fleet.NodeSuspect)
	s.hear(30, Tick{Open: true}).want(fleet.NodeSuspect)
	s.hear(30.1, Tick{Open: false}).want(fleet.NodeSuspect)
	s.hear(30.2, Tick{Open: true}).want(fleet.NodeUnhealthy)
	if !strings.Contains(s.node.Reason, "no heartbeat for 30 s") {
		t.Errorf("the reason is %q", s.node.Reason)
	}
}

func TestALostConnectionOnlyMakesSuspect(t *testing.T) {
	s := up(t).hear(1, Disconnected{Conn: 1, Reason: "connection lost"}).want(fleet.NodeSuspect)
	if s.node.Reason != "connection lost" {
		t.Errorf("the reason is %q", s.node.Reason)
	}
	s.hear(29, Tick{Open: true}).want(fleet.NodeSuspect)
	s.hear(29.5, Connected{Conn: 2}).
		hear(29.6, beat(2, second, 0)).want(fleet.NodeHealthy)
}

func TestTheEndOfAnOlderConnectionSaysNothing(t *testing.T) {
	up(t).hear(1, Connected{Conn: 2}).
		hear(2, Disconnected{Conn: 1, Reason: "late"}).want(fleet.NodeHealthy)
}

func TestOnlyTheCurrentSessionCounts(t *testing.T) {
	for name, c := range map[string]struct {
		conn    uint64
		session wire.Session
		counts  bool
	}{
		"current":                          {2, second, true},
		"older connection":                 {1, second, false},
		"no connection":                    {0, second, false},
		"older session on this connection": {2, first, false},
		"newer session on this connection": {2, wire.Session{BootID: "a", Session: 3}, false},
		"another boot on this connection":  {2, wire.Session{BootID: "b", Session: 9}, false},
	} {
		s := up(t).hear(1, Connected{Conn: 2}).hear(1, Spoke{Conn: 2, Session: second})
		s.hear(2, beat(c.conn, c.session, 0))
		if s.dropped() == c.counts {
			t.Errorf("%s: counted is %t", name, !c.counts)
		}
		if _, leased := s.lease(); leased != c.counts {
			t.Errorf("%s: a lease was sent: %t", name, leased)
		}
		if moved := s.node.LastSeen.Equal(at(2)); moved != c.counts {
			t.Errorf("%s: it was taken for a sign of life: %t", name, moved)
		}
	}
}

func TestASessionThatGoesBackIsRefused(t *testing.T) {
	s := up(t).hear(1, Disconnected{Conn: 1}).hear(2, Connected{Conn: 2})
	s.hear(3, beat(2, wire.Session{BootID: "a", Session: 0}, 0))
	if !s.dropped() {
		t.Error("an older session was taken on a new connection")
	}
	s.hear(4, beat(2, wire.Session{BootID: "b", Session: 0}, 0))
	if s.dropped() {
		t.Error("the first session of another start was refused")
	}
}

func TestReturning(t *testing.T) {
	lost := func() *script {
		s := up(t).hear(1, Grew{Rev: 5}).hear(20, Tick{}).hear(31, Tick{Open: true}).want(fleet.NodeUnhealthy)
		return s.hear(100, Connected{Conn: 2})
	}
	s := lost().hear(101, beat(2, second, 0)).want(fleet.NodeReturning)
	if l, _ := s.lease(); l.Granted {
		t.Error("a returning node was given a lease")
	}
	s.hear(102, Greeted{Conn: 2, Session: second, Rev: 5}).want(fleet.NodeReturning)
	s.hear(103, beat(2, second, 4)).want(fleet.NodeReturning)
	s.hear(104, beat(2, second, 5)).want(fleet.NodeHealthy)
	if l, _ := s.lease(); !l.Granted {
		t.Error("a node that is in sync has no lease")
	}

	inSync := lost().hear(101, Greeted{Conn: 2, Session: second, Rev: 5, AppliedRev: 5})
	inSync.hear(102, beat(2, second, 5)).want(fleet.NodeHealthy)

	never := lost().hear(101, beat(2, second, 0)).hear(102, Greeted{Conn: 2, Session: second, Rev: 5})
	for second := 110.0; second <= 160; second += 10 {
		never.hear(second, beat(2, wire.Session{BootID: "a", Session: 2}, 4)).hear(second, Tick{Open: true}).want(fleet.NodeReturning)
	}
	never.hear(162, Tick{Open: true}).want(fleet.NodeUnhealthy)
	lost().hear(101, beat(2, second, 0)).hear(132, Tick{Open: true}).want(fleet.NodeUnhealthy)
}

func TestLeaseAnswersTheHeartbeat(t *testing.T) {
	s := up(t).hear(5, Heartbeat{Conn: 1, Session: first, Seq: 42, GuardOK: true})
	got, _ := s.lease()
	if d := cmp.Diff(Lease{Session: first, Seq: 42, Granted: true}, got); d != "" {
		t.Error(d)
	}
	s.hear(6, Ingested{Acked: 9})
	got, _ = s.lease()
	if d := cmp.Diff(Lease{Session: first}, got); d != "" {
		t.Error(d)
	}
	s.hear(7, Disconnected{Conn: 1}).hear(8, Ingested{Acked: 10})
	if _, sent := s.lease(); sent {
		t.Error("a lease was sent to nobody")
	}
}

func TestTwins(t *testing.T) {
	found := func(s *script) string {
		for _, e := range s.effects {
			if f, ok := e.(TwinFound); ok {
				return f.Reason
			}
		}
		return ""
	}
	s := up(t).hear(1, Disconnected{Conn: 1, TakenOver: true}).want(fleet.NodeHealthy)
	s.hear(2, Connected{Conn: 2}).
		hear(2, Greeted{Conn: 2, Session: wire.Session{BootID: "b", Session: 7}, MachineID: "m2", Hostname: "van-2"})
	if r := found(s); !strings.Contains(r, "van-1 and van-2") {
		t.Fatalf("another machine took over and was not found: %q", r)
	}
	s.hear(3, beat(2, wire.Session{BootID: "b", Session: 7}, 0)).want(fleet.NodeHealthy)
	if !strings.Contains(s.node.Reason, "two agents") {
		t.Errorf("the reason is %q", s.node.Reason)
	}
	s.hear(4, Disconnected{Conn: 2, TakenOver: true}).hear(4, Connected{Conn: 3}).
		hear(4, Greeted{Conn: 3, Session: wire.Session{BootID: "a", Session: 3}, MachineID: "m1", Hostname: "van-1"})
	if found(s) != "" {
		t.Error("it was told again while it goes on")
	}
	s.hear(5, beat(3, wire.Session{BootID: "a", Session: 3}, 0)).hear(70, beat(3, wire.Session{BootID: "a", Session: 3}, 0)).hear(71, Tick{Open: true})
	if s.node.Reason != "" {
		t.Errorf("the fight is over, and the reason is %q", s.node.Reason)
	}

	same := up(t)
	for conn := uint64(1); conn <= 3; conn++ {
		same.hear(float64(conn), Disconnected{Conn: conn, TakenOver: true})
		if told := found(same) != ""; told != (conn == 3) {
			t.Errorf("after %d takeovers: told is %t", conn, told)
		}
		same.hear(float64(conn), Connected{Conn: conn + 1})
	}
	replaced := up(t).hear(1, Disconnected{Conn: 1}).hear(2, Connected{Conn: 2}).
		hear(3, Greeted{Conn: 2, Session: wire.Session{BootID: "z", Session: 1}, MachineID: "m9"})
	if found(replaced) != "" {
		t.Error("a machine that was replaced was taken for a twin")
	}
}

// Whatever happens, a node moves only along the table, a lease answers only
// what was heard, and nothing is lost before its window is over.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, lifeStory)
}

func lifeStory(t *rapid.T) {
	states := []fleet.NodeState{fleet.NodeJoining, fleet.NodeHealthy, fleet.NodeSuspect, fleet.NodeUnhealthy, fleet.NodeReturning}
	n := newNode(rapid.SampledFrom(states).Draw(t, "state"))
	now, heard := start, start
	for range rapid.IntRange(1, 60).Draw(t, "length") {
		now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "wait")) * time.Second)
		e := anyEvent(t)
		before := n
		var effects []Effect
		n, effects = Step(n, e, now)
		counted := true
		for _, effect := range effects {
			switch effect := effect.(type) {
			case Dropped:
				counted = false
			case Changed:
				if effect.From != effect.To && !effect.From.CanBecome(effect.To) {
					t.Fatalf("%T moved it from %s to %s", e, effect.From, effect.To)
				}
			case Lease:
				if effect.Granted && n.State != fleet.NodeHealthy {
					t.Fatalf("a lease was granted to a node that is %s", n.State)
				}
			}
		}
		if _, beat := e.(Heartbeat); (beat && counted) || isRearm(e) {
			heard = now
		}
		if n.State == fleet.NodeUnhealthy && before.State == fleet.NodeSuspect {
			if tick, ok := e.(Tick); !ok || !tick.Open || now.Sub(heard) <= Standard().Window {
				t.Fatalf("it was lost on %#v after %s", e, now.Sub(heard))
			}
		}
	}
}

// The same, driven by bytes.
func FuzzNode(f *testing.F) { f.Fuzz(rapid.MakeFuzz(lifeStory)) }

func isRearm(e Event) bool {
	_, is := e.(Rearm)
	return is
}

func anyEvent(t *rapid.T) Event {
	conn := rapid.Uint64Range(0, 3).Draw(t, "conn")
	session := wire.Session{BootID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "boot"), Session: rapid.Uint64Range(1, 3).Draw(t, "session")}
	rev := rapid.Int64Range(0, 2).Draw(t, "rev")
	return rapid.SampledFrom([]Event{
		Connected{Conn: conn}, Disconnected{Conn: conn}, Disconnected{Conn: conn, TakenOver: true}, Spoke{Conn: conn, Session: session},
		Heartbeat{Conn: conn, Session: session, AppliedRev: rev}, Greeted{Conn: conn, Session: session, Rev: rev, AppliedRev: rev, MachineID: session.BootID},
		Grew{Rev: rev}, Ingested{Acked: 1}, Tick{Open: true}, Tick{}, Rearm{},
	}).Draw(t, "event")
}

// A person who vouches for a node ends its quarantine, and that is recorded.
func TestForgivenessEndsAQuarantine(t *testing.T) {
	s := newScript(t, fleet.NodeHealthy)
	s.node.Flaps = Flaps{Penalty: quarantineOver + 1, At: start, Quarantined: true}
	s.node.Reason = quarantined
	s.hear(1, Forgiven{}).want(fleet.NodeHealthy)
	if s.node.Flaps != (Flaps{}) || s.node.Reason != "" || len(s.effects) == 0 {
		t.Errorf("flaps %+v, reason %q, effects %v", s.node.Flaps, s.node.Reason, s.effects)
	}
	if s.hear(2, Forgiven{}); len(s.effects) != 0 {
		t.Errorf("a node that never flapped: %v", s.effects)
	}
}
