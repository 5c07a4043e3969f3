package usage

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// busy is an engine whose containers use half a core.
type busy struct{ reads int }

func (b *busy) Stats(context.Context, id.ContainerID) (runtime.Usage, error) {
	b.reads++
	return runtime.Usage{At: time.Now(), CPU: time.Duration(time.Now().UnixNano() / 2 % int64(time.Hour)), Memory: 7, Pids: 1}, nil
}

func write(t *testing.T, file string, size int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestABatchEvery30Seconds(t *testing.T) {
	volumes := t.TempDir()
	runs, rests := id.New[id.ContainerID](), id.New[id.ContainerID]()
	write(t, filepath.Join(volumes, runs.String(), "home", "world"), 1000)
	synctest.Test(t, func(t *testing.T) {
		engine := &busy{}
		var told []string
		var full map[id.ContainerID]string
		m := New(Options{
			Engine: engine, Volumes: volumes,
			Present: func() []Container {
				return []Container{{ID: runs, Running: true, Limit: 999}, {ID: rests, Limit: 1000}}
			},
			Notice: func(c id.ContainerID, text string) { told = append(told, c.String()+" "+text) },
			Full:   func(f map[id.ContainerID]string) { full = f },
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		first, changed := m.Batch()
		if !first.At.IsZero() {
			t.Errorf("there is a batch at once: %+v", first)
		}
		<-changed
		batch, changed := m.Batch()
		want := []wire.ContainerUsage{
			{ContainerID: runs, Running: true, CPUCores: 0.5, MemoryBytes: 7, Pids: 1, DiskBytes: 1000, DiskLimit: 999},
			{ContainerID: rests, DiskLimit: 1000},
		}
		if d := cmp.Diff(want, batch.Containers); d != "" {
			t.Errorf("the batch (-want +got):\n%s", d)
		}
		<-changed
		<-func() <-chan struct{} { _, c := m.Batch(); return c }()
		if last, _ := m.Batch(); last.At.Sub(batch.At) != time.Minute || engine.reads != 4 {
			t.Errorf("two batches later it is %s after the first, and the engine was asked %d times", last.At.Sub(batch.At), engine.reads)
		}
		if len(told) != 1 || !strings.HasPrefix(told[0], runs.String()) || !strings.Contains(told[0], "limit") {
			t.Errorf("told %q, want once that the limit is passed", told)
		}
		if len(full) != 1 || !strings.Contains(full[runs], "the volumes hold 1000, and the limit is 999") {
			t.Errorf("full are %q", full)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSizeOfVolumes(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1000, 0)
	d := newDisk(func() time.Time { return now })
	if got := d.size(t.Context(), filepath.Join(dir, "none")); got != 0 {
		t.Errorf("what is not there takes %d", got)
	}
	write(t, filepath.Join(dir, "v", "a"), 100)
	write(t, filepath.Join(dir, "v", "deep", "down", "b"), 30)
	write(t, filepath.Join(dir, "outside"), 5000)
	for _, err := range []error{
		os.Link(filepath.Join(dir, "v", "a"), filepath.Join(dir, "v", "again")),
		os.Symlink(filepath.Join(dir, "outside"), filepath.Join(dir, "v", "link")),
		os.Symlink(dir, filepath.Join(dir, "v", "up")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	v := filepath.Join(dir, "v")
	if got := d.size(t.Context(), v); got != 130 {
		t.Errorf("it takes %d, want 130: a link twice is once, and symbolic links are not followed", got)
	}
	write(t, filepath.Join(v, "more"), 1)
	if got := d.size(t.Context(), v); got != 130 {
		t.Errorf("it was measured again at once: %d", got)
	}
	now = now.Add(diskEvery)
	if got := d.size(t.Context(), v); got != 131 {
		t.Errorf("after a while it takes %d", got)
	}
	d.forget(map[string]bool{})
	if len(d.seen) != 0 {
		t.Errorf("remembered %v", d.seen)
	}
}
