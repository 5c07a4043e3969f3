package docker

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

// read is the lines of a container's book that it printed itself, as numbers,
// and how many lines are missing between them.
func read(t *testing.T, books *console.Books, c id.ContainerID) (said []int, missing uint64) {
	t.Helper()
	book, err := books.Book(c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := book.NewReader(console.Start{Tail: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	last := uint64(0)
	for {
		p, err := r.Next(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Lines) == 0 {
			return said, missing
		}
		if p.GapFrom != 0 {
			missing += p.GapTo - p.GapFrom + 1
		}
		for _, l := range p.Lines {
			if l.N <= last {
				t.Fatalf("line %d comes after %d", l.N, last)
			}
			last = l.N
			if l.Source != console.Out {
				continue
			}
			n, err := strconv.Atoi(string(l.Text))
			if err != nil {
				t.Fatalf("line %d is %.50q", l.N, l.Text)
			}
			said = append(said, n)
		}
	}
}

// TestAFloodIsReadWhileAgentsComeAndGo has a container print as fast as it can
// while the keeper is stopped and started: it is not held up, its last lines
// are there, and no line comes twice.
func TestAFloodIsReadWhileAgentsComeAndGo(t *testing.T) {
	e, dir := engineAt(t, testEngine.Socket()), t.TempDir()
	var books *console.Books
	keep := func() (stop func()) {
		books = console.Open(console.Options{Dir: dir, Boot: "boot", Log: slog.New(slog.DiscardHandler)})
		keeper := console.NewKeeper(books, e)
		ctx, cancel := context.WithCancel(context.Background())
		var work sync.WaitGroup
		work.Go(func() { _ = keeper.Run(ctx) })
		return func() {
			cancel()
			work.Wait()
			books.Close()
		}
	}
	stop := keep()
	defer func() { stop() }()
	in := script(`seq 1 60000; sleep 1; seq 60001 200000; seq 200001 200005; read end`)
	start(t, e, in)
	last := func() int {
		said, _ := read(t, books, in.ID)
		if len(said) == 0 {
			return 0
		}
		return said[len(said)-1]
	}
	until(t, "the beginning", func() bool { return last() > 0 })
	stop()
	stop = keep()
	until(t, "the first part", func() bool { return last() >= 60000 })
	stop()
	stop = keep()
	until(t, "the last line", func() bool { return last() == 200005 })
	said, missing := read(t, books, in.ID)
	for i := 1; i < len(said); i++ {
		if said[i] <= said[i-1] {
			t.Fatalf("%d comes after %d", said[i], said[i-1])
		}
	}
	if len(said) < console.KeepLines {
		t.Errorf("%d lines are kept", len(said))
	}
	t.Logf("%d lines are kept, and %d between them are not", len(said), missing)
}

// An installation that is over before anybody has begun to read it is in the
// book, and so is all that a container printed which is removed.
func TestNothingIsForgottenBeforeItIsRead(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	books := console.Open(console.Options{Dir: t.TempDir(), Boot: "boot", Log: slog.New(slog.DiscardHandler)})
	keeper := console.NewKeeper(books, e)
	e.forgetting = keeper.Settle
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { _ = keeper.Run(ctx) })
	t.Cleanup(func() { cancel(); work.Wait(); books.Close() })
	first := script("echo 0; read end")
	start(t, e, first)
	until(t, "the keeper's first line", func() bool { said, _ := read(t, books, first.ID); return len(said) > 0 })

	const lines = 300
	for range 5 {
		in := installed("seq 301 600", "seq 1 300")
		if _, err := e.PrepareInstall(ctx, in, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := e.StartInstall(ctx, in.ID); err != nil {
			t.Fatal(err)
		}
		if err := e.AwaitInstall(ctx, in); err != nil {
			t.Fatal(err)
		}
		start(t, e, in)
		until(t, "the end of the container", func() bool { f, err := e.Find(ctx, in.ID); return err == nil && f.State == runtime.Exited })
		if err := e.Remove(ctx, in.ID); err != nil {
			t.Fatal(err)
		}
		var said []int
		until(t, "the last line", func() bool { said, _ = read(t, books, in.ID); return len(said) > 0 && said[len(said)-1] == 2*lines })
		if len(said) != 2*lines {
			t.Errorf("of %d lines there are %d, from %d on", 2*lines, len(said), said[0])
		}
	}
}
