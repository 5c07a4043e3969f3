package console_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// node is a machine whose agent's keeper can be stopped and started.
type node struct {
	*testing.T
	dir    string
	engine *runtimetest.Fake
	books  *console.Books
	keeper *console.Keeper
	stop   func()
}

func newNode(t *testing.T) *node {
	t.Parallel()
	n := &node{T: t, dir: t.TempDir(), engine: runtimetest.NewFake()}
	n.boot()
	t.Cleanup(func() { n.stop() })
	return n
}

func (n *node) boot() {
	n.books = console.Open(console.Options{Dir: n.dir, Boot: "boot", Log: slog.New(slog.DiscardHandler)})
	n.keeper = console.NewKeeper(n.books, n.engine)
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = n.keeper.Run(ctx) })
	n.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
		n.books.Close()
	})
}

// run makes a container and starts it.
func (n *node) run(command ...string) id.ContainerID {
	n.Helper()
	in := runtime.Instance{ID: id.New[id.ContainerID](), Epoch: 1, Spec: spec.Container{Name: "a", Image: "a", Command: command}}
	if err := n.engine.Create(n.Context(), in, nil); err != nil {
		n.Fatal(err)
	}
	n.start(in.ID)
	return in.ID
}

func (n *node) start(c id.ContainerID) {
	n.Helper()
	if err := n.engine.Start(n.Context(), c); err != nil {
		n.Fatal(err)
	}
}

// read is the whole book, as it is now.
func (n *node) read(c id.ContainerID) (out []string) {
	n.Helper()
	book, err := n.books.Book(c)
	if err != nil {
		n.Fatal(err)
	}
	r, err := book.NewReader(console.Start{Tail: 1e6})
	if err != nil {
		n.Fatal(err)
	}
	defer r.Close()
	for {
		p, err := r.Next(1 << 20)
		if err != nil {
			n.Fatal(err)
		}
		if len(p.Lines) == 0 {
			return out
		}
		for _, l := range p.Lines {
			out = append(out, fmt.Sprintf("%d %s %.30s", l.N, l.Source, l.Text))
		}
	}
}

// await waits until the book is as wanted.
func (n *node) await(c id.ContainerID, want ...string) {
	n.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got := n.read(c)
		if cmp.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			n.Fatalf("the book (-want +got):\n%s", cmp.Diff(want, got))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestNumbersGoOnOverRestarts(t *testing.T) {
	n := newNode(t)
	c := n.run(runtimetest.Say("one", "two")...)
	n.await(c, "1 out up", "2 out one", "3 out two")
	n.books.Append(c, console.Lormas, "[lormas] hello")
	n.await(c, "1 out up", "2 out one", "3 out two", "4 lormas [lormas] hello")
	n.engine.Crash(c, 1)
	n.start(c)
	n.await(c, "1 out up", "2 out one", "3 out two", "4 lormas [lormas] hello", "5 out up", "6 out one", "7 out two")
	n.stop()
	n.engine.Print(c, "alone")
	n.boot()
	n.engine.Print(c, "together")
	n.await(c, "1 out up", "2 out one", "3 out two", "4 lormas [lormas] hello", "5 out up", "6 out one", "7 out two", "8 out alone", "9 out together")
}

func TestWhatOneSaidThatEndedWhileNobodyReadIsRead(t *testing.T) {
	n := newNode(t)
	c := n.run(runtimetest.Idle()...)
	n.await(c, "1 out up")
	n.stop()
	n.engine.Print(c, "last words")
	n.engine.Crash(c, 1)
	n.boot()
	n.await(c, "1 out up", "2 out last words")
}

func TestWhatTheEngineForgotIsMarked(t *testing.T) {
	n := newNode(t)
	c := n.run(runtimetest.Idle()...)
	n.await(c, "1 out up")
	n.stop()
	n.engine.Print(c, "lost", "kept")
	n.engine.Forget(c, 1)
	n.boot()
	n.await(c, "1 out up", "2 lormas [lormas] some lines may be mis", "3 out kept")
}

func TestAnEngineThatGoesAwayLosesAndDoublesNothing(t *testing.T) {
	n := newNode(t)
	c := n.run(runtimetest.Idle()...)
	n.await(c, "1 out up")
	n.engine.SetDown(true)
	n.engine.Print(c, "meanwhile")
	n.engine.SetDown(false)
	n.engine.Print(c, "later")
	n.await(c, "1 out up", "2 out meanwhile", "3 out later")
}

func TestOneThatIsMadeAnewHasNoGap(t *testing.T) {
	n := newNode(t)
	c := n.run(runtimetest.Idle()...)
	n.await(c, "1 out up")
	n.engine.Crash(c, 1)
	n.keeper.Settle(t.Context(), c)
	in := n.engine.Instances()[c]
	in.Epoch++
	if err := n.engine.Create(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	n.start(c)
	n.await(c, "1 out up", "2 out up")
}

func TestAFloodIsBoundedAndExact(t *testing.T) {
	n := newNode(t)
	c := id.New[id.ContainerID]()
	const lines = 300_000
	text := strings.Repeat("x", 100)
	for i := range lines {
		n.books.Append(c, console.Out, fmt.Sprint(i+1, " ", text))
	}
	n.stop() // writes what waits
	n.boot()
	book, err := n.books.Book(c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := book.NewReader(console.Start{After: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	last, missing, got := uint64(1), uint64(0), uint64(0)
	for {
		p, err := r.Next(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Lines) == 0 {
			break
		}
		if p.GapFrom != 0 {
			missing += p.GapTo - p.GapFrom + 1
		}
		for _, l := range p.Lines {
			if !strings.HasPrefix(string(l.Text), fmt.Sprint(l.N, " ")) {
				t.Fatalf("line %d is %.20q", l.N, l.Text)
			}
			last = l.N
			got++
		}
	}
	if last != lines || got+missing != lines-1 || got < console.KeepLines {
		t.Errorf("the last is %d; %d were read and %d are missing", last, got, missing)
	}
}

func TestBooksOfContainersThatAreGoneGo(t *testing.T) {
	n := newNode(t)
	stays, goes := n.run(runtimetest.Idle()...), n.run(runtimetest.Idle()...)
	n.await(stays, "1 out up")
	n.await(goes, "1 out up")
	if err := n.books.Keep(func(c id.ContainerID) bool { return c == stays }); err != nil {
		t.Fatal(err)
	}
	n.await(stays, "1 out up")
	n.await(goes)
}

// BenchmarkFlood is how many lines a second a book takes in, beside a plain
// copy of the same bytes: what is over the pace is dropped and counted, and
// never waited for.
func BenchmarkFlood(b *testing.B) {
	text := []byte(strings.Repeat("x", 99))
	b.Run("copy", func(b *testing.B) {
		to := make([]byte, 0, 1<<20)
		b.SetBytes(int64(len(text) + 1))
		for b.Loop() {
			if len(to)+100 > cap(to) {
				to = to[:0]
			}
			to = append(append(to, text...), '\n')
		}
	})
	b.Run("book", func(b *testing.B) {
		books := console.Open(console.Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
		c := id.New[id.ContainerID]()
		line := string(text)
		b.SetBytes(int64(len(text) + 1))
		for b.Loop() {
			books.Append(c, console.Out, line)
		}
		books.Close()
	})
}

func TestTheBookTellsOfTheInstallation(t *testing.T) {
	n := newNode(t)
	in := runtime.Instance{ID: id.New[id.ContainerID](), Epoch: 1, Spec: spec.Container{
		Name: "a", Image: "a", Command: runtimetest.Idle(), Volumes: []spec.Volume{{Host: spec.HomeVolume, Container: "/data"}},
		Install: &spec.Install{Image: "i", Script: runtimetest.InstallWait},
	}}
	install := func() error {
		if _, err := n.engine.PrepareInstall(t.Context(), in, nil); err != nil {
			return err
		}
		_, err := n.engine.StartInstall(t.Context(), in.ID)
		return err
	}
	if err := install(); err != nil {
		t.Fatal(err)
	}
	n.await(in.ID, "1 out installing")
	n.engine.EndInstall(in.ID, 0)
	if err := errors.Join(n.engine.AwaitInstall(t.Context(), in), n.engine.Create(t.Context(), in, nil)); err != nil {
		t.Fatal(err)
	}
	n.start(in.ID)
	n.await(in.ID, "1 out installing", "2 out up")
	n.engine.Crash(in.ID, 0)
	in.Install++
	if err := install(); err != nil {
		t.Fatal(err)
	}
	n.await(in.ID, "1 out installing", "2 out up", "3 out installing")
}
