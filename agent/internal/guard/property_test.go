package guard

import (
	"encoding/json"
	"log/slog"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// Nobody sets this clock, and it goes on while the machine sleeps.
func TestTheClockIsTheTimeSinceTheBoot(t *testing.T) {
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &before); err != nil {
		t.Fatal(err)
	}
	now := Now()
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &after); err != nil {
		t.Fatal(err)
	}
	if now < time.Duration(before.Nano()) || now > time.Duration(after.Nano()) {
		t.Errorf("%s is not between %d and %d", now, before.Nano(), after.Nano())
	}
}

// times are those of any clock, also of one that is out of its mind.
func times() *rapid.Generator[time.Duration] {
	return rapid.OneOf(
		rapid.Map(rapid.Int64Range(0, int64(time.Hour)), func(n int64) time.Duration { return time.Duration(n) }),
		rapid.SampledFrom([]time.Duration{math.MinInt64, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64}),
	)
}

func TestTheRecordComesBackAsItWas(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		node := id.New[id.NodeID]()
		watched, holds := lease.Guard{}, map[lease.Copy]*hold{}
		for range rapid.IntRange(0, 8).Draw(t, "copies") {
			c := newCopy()
			watched[c] = lease.Watch{
				Soft: times().Draw(t, "soft"), Until: times().Draw(t, "until"),
				Asked: rapid.Bool().Draw(t, "asked"), Fenced: rapid.Bool().Draw(t, "fenced"), Dead: rapid.Bool().Draw(t, "dead"),
			}
			holds[c] = &hold{signal: rapid.IntRange(0, 64).Draw(t, "signal"), bound: rapid.Bool().Draw(t, "bound"), dockerID: rapid.StringMatching("[0-9a-f]{0,64}").Draw(t, "dockerID")}
		}
		path := filepath.Join(dir, node.String())
		if err := write("boot", node, watched, holds).save(path); err != nil {
			t.Fatal(err)
		}
		back, err := loadRecord(path, "boot", node)
		if err != nil {
			t.Fatal(err)
		}
		again, held := back.restore()
		if !maps.Equal(watched, again) {
			t.Fatalf("%v came back as %v", watched, again)
		}
		for c, h := range holds {
			if *held[c] != *h {
				t.Fatalf("%+v came back as %+v", h, held[c])
			}
		}
		for name, other := range map[string]func() (record, error){
			"another boot": func() (record, error) { return loadRecord(path, "reboot", node) },
			"another node": func() (record, error) { return loadRecord(path, "boot", id.New[id.NodeID]()) },
		} {
			if _, err := other(); err == nil {
				t.Fatalf("it is good for %s", name)
			}
		}
	})
}

// FuzzRecord: whatever is in the file, the guard begins, and holds no process
// that the file does not name with its birth.
func FuzzRecord(f *testing.F) {
	node := id.New[id.NodeID]()
	good, err := json.Marshal(write("boot", node, lease.Guard{newCopy(): {Soft: 1, Until: 2}}, nil))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(good), string(good[:len(good)/2]), "", "null", "[]", `{"boot_id":"boot"}`, `{"copies":[{"pid":1,"born":-1}]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "record")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := loadRecord(path, "boot", node)
		if err != nil && len(r.Copies) > 0 {
			t.Fatalf("a record that is not valid lets run %v", r.Copies)
		}
		watched, holds := r.restore()
		for c := range watched {
			if holds[c] == nil {
				t.Fatalf("%v is watched and cannot be reached", c)
			}
			holds[c].drop()
		}
	})
}

// FuzzRequest: whatever an agent says, what is refused changes nothing, and
// the guard wakes up again.
func FuzzRequest(f *testing.F) {
	c := newCopy()
	for _, r := range []request{
		{Op: opPing}, {Op: opState}, {Op: opRelease, Copy: c}, {Op: opBind, Copy: c, Init: Init{Pid: -1}},
		{Op: opExpect, Copy: c, Term: Term{Soft: math.MaxInt64, Until: math.MaxInt64}, Start: Start{Signal: -9}},
		{Op: opRenew, Terms: []CopyAndTerm{{c, Term{math.MinInt64, math.MaxInt64}}}},
	} {
		text, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, int64(5))
	}
	f.Fuzz(func(t *testing.T, line []byte, at int64) {
		var r request
		if json.Unmarshal(line, &r) != nil {
			return
		}
		now := time.Duration(max(at, 0) % int64(1000*time.Hour))
		s := &server{
			Options: Options{Node: id.New[id.NodeID](), Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)},
			holds:   map[lease.Copy]*hold{c: {}}, watched: lease.Guard{c: {Soft: now + 5, Until: now + 10}},
		}
		before := maps.Clone(s.watched)
		if _, err := s.serve(r, now); err != nil && !maps.Equal(before, s.watched) {
			t.Fatalf("%s was refused (%v), and made %v of %v", line, err, s.watched, before)
		}
		if w, known := s.watched[c]; known && w.Until < now+10 {
			t.Fatalf("%s took time away: %+v", line, w)
		}
		if next := s.next(now); next > now+lookIdle {
			t.Fatalf("it sleeps until %s", next)
		}
	})
}

// BenchmarkLook is finding the processes of exclusive containers among a
// thousand. FAILOVER §6.2 allows the guard 500 ms to notice.
func BenchmarkLook(b *testing.B) {
	node, c := id.New[id.NodeID](), newCopy()
	for i := range 1000 {
		cmd := exec.Command("sleep", "100000")
		cmd.Env = []string{lease.EnvContainer + "=" + c.Container.String(), lease.EnvNode + "=" + node.String(), lease.EnvEpoch + "=7", lease.EnvHA + "=" + lease.Available}
		if i%100 == 0 {
			cmd.Env[3] = lease.EnvHA + "=" + lease.Exclusive
		}
		p, err := child.Start(cmd, syscall.SIGKILL)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(p.Kill)
	}
	before := used(b)
	for b.Loop() {
		seen := look(node, nil)
		if len(seen) < 10 {
			b.Fatalf("%d processes found, want 10", len(seen))
		}
		closeAll(seen)
	}
	b.ReportMetric(float64((used(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(100*float64(b.Elapsed())/float64(b.N)/float64(lease.Standard().Wakeup), "%of-the-allowed-500ms")
}

// used is the processor time of this process, which a busy machine does not
// make longer.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
