package guard

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// patience bounds every wait of a test.
const patienceOfTests = 30 * time.Second

// asGuard has the test binary be a guard, so that it can be killed and
// frozen.
const asGuard = "LORMAS_TEST_GUARD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asGuard); dir != "" {
		var node id.NodeID
		if err := node.UnmarshalText([]byte(os.Getenv("LORMAS_TEST_GUARD_NODE"))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		if err := Run(context.Background(), Options{Node: node, Dir: dir, Guest: os.Getenv("LORMAS_TEST_GUARD_GUEST") != "", Log: log}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// rig is a node with a guard that is a process of its own, and containers
// that are processes with a container's environment.
type rig struct {
	*testing.T
	node  id.NodeID
	dir   string
	guard *child.Process
	*Client
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	return lonelyRig(t)
}

// lonelyRig is for tests that nothing runs beside.
func lonelyRig(t *testing.T) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "guard") // short: the path of a socket has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &rig{T: t, node: id.New[id.NodeID](), dir: dir}
	r.Client = NewClient(dir, r.node)
	t.Cleanup(r.Client.Close)
	r.boot()
	t.Cleanup(func() { r.guard.Kill() })
	return r
}

// boot starts the guard and waits until it answers.
func (r *rig) boot() {
	r.Helper()
	r.guard = r.launch()
	r.until("an answer of the guard", func() bool { return r.Ping() == nil })
}

func (r *rig) launch(env ...string) *child.Process {
	r.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, asGuard+"="+r.dir, "LORMAS_TEST_GUARD_NODE="+r.node.String())...)
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
	}
	p, err := child.Start(cmd, syscall.SIGKILL)
	r.ok(err)
	return p
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) until(what string, holds func() bool) {
	r.Helper()
	deadline := time.Now().Add(patienceOfTests)
	for !holds() {
		if time.Now().After(deadline) {
			r.Fatalf("%s did not come", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// container starts a process that looks like one of a copy's. It does not
// hear SIGTERM.
func (r *rig) container(c lease.Copy, ha string) *child.Process {
	r.Helper()
	cmd := exec.Command("sh", "-c", `trap "" TERM; touch "$READY"; while :; do sleep 1000; done`)
	ready := filepath.Join(r.TempDir(), "ready")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "READY=" + ready,
		lease.EnvContainer + "=" + c.Container.String(), lease.EnvNode + "=" + r.node.String(),
		lease.EnvEpoch + "=" + strconv.FormatInt(c.Epoch, 10), lease.EnvHA + "=" + ha,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	p, err := child.Start(cmd, syscall.SIGKILL)
	r.ok(err)
	r.Cleanup(func() { _ = syscall.Kill(-p.Pid(), syscall.SIGKILL); p.Kill() }) // its own children, too
	r.until("the container", func() bool { _, err := os.Stat(ready); return err == nil })
	return p
}

func ended(p *child.Process) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// term is over after d.
func term(c lease.Copy, d time.Duration) lease.Term {
	return lease.Term{Epoch: c.Epoch, Soft: Now() + d*3/4, Until: Now() + d}
}

const long = time.Hour

// watched is the guard's state of a copy.
func (r *rig) watched(c lease.Copy) Watched {
	r.Helper()
	all, err := r.State()
	r.ok(err)
	for _, w := range all {
		if w.Copy == c {
			return w
		}
	}
	return Watched{}
}

func newCopy() lease.Copy { return lease.Copy{Container: id.New[id.ContainerID](), Epoch: 7} }

// guarded is a container that runs under a lease.
func (r *rig) guarded(d time.Duration) (lease.Copy, *child.Process) {
	r.Helper()
	c := newCopy()
	r.ok(r.Expect(c, term(c, d), Start{Signal: int(syscall.SIGTERM)}))
	p := r.container(c, lease.Exclusive)
	r.ok(r.Bind(c, Init{Pid: p.Pid()}))
	return c, p
}

func (r *rig) renew(c lease.Copy, d time.Duration) {
	r.Helper()
	t := term(c, d)
	r.ok(r.Renew([]CopyAndTerm{{Copy: c, Term: Term{Soft: t.Soft, Until: t.Until}}}))
}

func TestAContainerDiesAtTheEndOfItsLease(t *testing.T) {
	r := newRig(t)
	c, p := r.guarded(300 * time.Millisecond)
	_, other := r.guarded(long)
	available := r.container(newCopy(), "available")
	until := r.watched(c).Term.Until
	r.until("its death", func() bool { return ended(p) })
	if Now() < until {
		t.Error("it died before its lease was over")
	}
	r.until("the guard's knowledge of it", func() bool { return r.watched(c).Dead })
	if ended(other) || ended(available) {
		t.Error("others died with it")
	}
	r.ok(r.Release(c))
}

func TestARenewedContainerLives(t *testing.T) {
	r := newRig(t)
	c, p := r.guarded(2 * time.Second)
	r.renew(c, long)
	if w := r.watched(c); ended(p) || w.Fenced || w.Term.Until < Now()+time.Minute {
		t.Errorf("it does not: %+v", w)
	}
}

// The agent may be killed or frozen: nothing comes from it any more, and the
// guard counts on.
func TestAContainerDiesWithoutItsAgent(t *testing.T) {
	r := newRig(t)
	_, p := r.guarded(400 * time.Millisecond)
	r.Client.Close()
	r.until("its death", func() bool { return ended(p) })
}

func TestAGuardThatIsKilledCountsOn(t *testing.T) {
	r := newRig(t)
	c, p := r.guarded(long)
	short, dies := r.guarded(500 * time.Millisecond)
	r.guard.Kill()
	r.boot()
	r.until("the end of the short lease", func() bool { return ended(dies) })
	if w := r.watched(c); ended(p) || w.Fenced {
		t.Errorf("it forgot a lease: %+v", w)
	}
	r.until("the guard's knowledge of it", func() bool { return r.watched(short).Dead })
	r.renew(c, 100*time.Millisecond) // never less
	if w := r.watched(c); w.Term.Until < Now()+time.Minute {
		t.Errorf("a renewal took something away: %+v", w)
	}
}

func TestAGuardThatWasFrozenKillsWhatIsOver(t *testing.T) {
	r := newRig(t)
	_, p := r.guarded(300 * time.Millisecond)
	r.ok(r.guard.Signal(syscall.SIGSTOP))
	until := Now() + 300*time.Millisecond
	r.until("the end of the lease", func() bool { return Now() > until })
	r.ok(r.guard.Signal(syscall.SIGCONT))
	r.until("its death", func() bool { return ended(p) })
}

func TestWithoutAValidRecordEverythingExclusiveDies(t *testing.T) {
	for name, spoil := range map[string]func(path string, text string) error{
		"missing": func(path, _ string) error { return os.Remove(path) },
		"broken":  func(path, text string) error { return os.WriteFile(path, []byte(text[:len(text)/2]), 0o600) },
		"of another boot": func(path, text string) error {
			boot, err := BootID()
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.ReplaceAll(text, boot, "another")), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, p := r.guarded(long)
			available := r.container(newCopy(), "available")
			r.guard.Kill()
			path := recordFile(r.dir, r.node)
			text, err := os.ReadFile(path)
			r.ok(err)
			r.ok(spoil(path, string(text)))
			r.boot()
			r.until("its death", func() bool { return ended(p) })
			if ended(available) {
				t.Error("an available one died with it")
			}
		})
	}
}

// An engine that hung may complete its start when the lease is long over, and
// a container may have another init than the one that was bound.
func TestAStartThatComesLateIsKilled(t *testing.T) {
	r := newRig(t)
	c := newCopy()
	r.ok(r.Expect(c, term(c, 50*time.Millisecond), Start{Signal: int(syscall.SIGTERM)}))
	r.until("the end of the lease", func() bool { return r.watched(c).Fenced })
	if r.watched(c).Dead {
		t.Error("it counts as dead although its start may still come")
	}
	late := r.container(c, lease.Exclusive)
	r.until("its death", func() bool { return ended(late) })
}

func TestAnotherInitThanTheBoundOneDiesToo(t *testing.T) {
	r := newRig(t)
	c, first := r.guarded(500 * time.Millisecond)
	first.Kill()
	second := r.container(c, lease.Exclusive)
	r.until("its death", func() bool { return ended(second) })
}

func TestARunThatNobodyExpectsIsKilled(t *testing.T) {
	r := newRig(t)
	p := r.container(newCopy(), lease.Exclusive)
	r.until("its death", func() bool { return ended(p) })
}

func TestOnlyAProcessOfTheContainerIsBound(t *testing.T) {
	r := newRig(t)
	c, other := newCopy(), newCopy()
	r.ok(r.Expect(c, term(c, long), Start{Signal: int(syscall.SIGTERM)}))
	r.ok(r.Expect(other, term(other, long), Start{Signal: int(syscall.SIGTERM)}))
	stranger := r.container(other, lease.Exclusive)
	for name, pid := range map[string]int{"ourselves": os.Getpid(), "another container": stranger.Pid(), "nobody": 1 << 22} {
		if err := r.Bind(c, Init{Pid: pid, DockerID: strings.Repeat("a", 64)}); err == nil {
			t.Errorf("%s was bound", name)
		}
	}
	if err := r.Bind(newCopy(), Init{Pid: stranger.Pid()}); err == nil {
		t.Error("a copy that nobody expects was bound")
	}
}

// A record names a process by its pid and by when it began: after a restart
// of the guard somebody else may have the pid.
func TestAPidThatSomebodyElseHasIsNotHeld(t *testing.T) {
	p, err := openProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	c := newCopy()
	for born, held := range map[uint64]bool{p.born: true, p.born + 1: false} {
		r := record{Copies: []kept{{Watched: Watched{Copy: c}, Bound: true, Pid: p.pid, Born: born}}}
		_, holds := r.restore()
		if got := holds[c].init != nil; got != held {
			t.Errorf("born %d: held %v, want %v", born, got, held)
		}
		holds[c].drop()
	}
}

func TestThereIsOneGuardForANode(t *testing.T) {
	r := newRig(t)
	second := r.launch()
	defer second.Kill()
	if second.Err() == nil {
		t.Error("a second one began")
	}
	r.ok(r.Ping())
}

func TestAContainerIsAskedToStopBeforeItIsKilled(t *testing.T) {
	r := newRig(t)
	c := newCopy()
	r.ok(r.Expect(c, lease.Term{Soft: Now() + 300*time.Millisecond, Until: Now() + time.Hour}, Start{Signal: int(syscall.SIGUSR1)}))
	p := r.container(c, lease.Exclusive) // SIGUSR1 ends it
	r.ok(r.Bind(c, Init{Pid: p.Pid()}))
	r.until("its end", func() bool { return ended(p) })
	if w := r.watched(c); !w.Asked || w.Fenced {
		t.Errorf("the guard knows %+v", w)
	}
}

func TestNothingIsAcknowledgedThatIsNotInTheRecord(t *testing.T) {
	r := newRig(t)
	c, _ := r.guarded(long)
	for path := range map[string]bool{recordFile(r.dir, r.node) + ".new": true} {
		r.ok(os.Mkdir(path, 0o700)) // no file can be written there
	}
	before := r.watched(c)
	if err := r.Renew([]CopyAndTerm{{Copy: c, Term: Term{Soft: before.Term.Soft + 1, Until: before.Term.Until + 1}}}); err == nil {
		t.Error("a renewal was acknowledged and is nowhere")
	}
	if after := r.watched(c); after != before {
		t.Errorf("it counts all the same: %+v, before %+v", after, before)
	}
}
