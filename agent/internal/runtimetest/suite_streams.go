package runtimetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

func watch(r rig) {
	in := r.instance(Idle())
	var seen transcript
	r.watch(&seen)
	r.run(in)
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{Signal: "SIGUSR1"}))
	r.ok(r.Engine.Remove(r.Context(), in.ID))
	want := []runtime.ChangeKind{runtime.Relist, runtime.Started, runtime.Died, runtime.Destroyed}
	r.until("the last change", func() bool { return slices.Contains(seen.kinds(in.ID), runtime.Destroyed) })
	if diff := cmp.Diff(want, seen.kinds(in.ID)); diff != "" {
		r.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{exitUser}, seen.exitCodes(in.ID)); diff != "" {
		r.Errorf("exit codes (-want +got):\n%s", diff)
	}
}

func logsTail(r rig) {
	for _, tty := range []bool{false, true} {
		in := r.instance(Say("one", "two", "three"))
		in.Spec.TTY = tty
		r.run(stamp(in))
		plain := func(opt runtime.LogOptions) string {
			return strings.ReplaceAll(r.logs(in.ID, opt), "\r\n", "\n") // a terminal returns its carriage
		}
		r.until("its output", func() bool { return plain(runtime.LogOptions{Tail: -1}) == "up\none\ntwo\nthree\n" })
		if got := plain(runtime.LogOptions{Tail: 2}); got != "two\nthree\n" {
			r.Errorf("tail of 2, tty %t: %q", tty, got)
		}
		if got := plain(runtime.LogOptions{Tail: 0}); got != "" {
			r.Errorf("tail of 0, tty %t: %q", tty, got)
		}
	}
}

func logsFollow(r rig) {
	in := r.instance(Console())
	r.run(in)
	var text transcript
	followed := make(chan error, 1)
	r.background(func(ctx context.Context) error {
		err := r.Engine.Logs(ctx, in.ID, runtime.LogOptions{Tail: -1, Follow: true}, text.write)
		followed <- err
		return err
	})
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{Console: "stop"}))
	r.until("the end of the log", func() bool { return len(followed) > 0 })
	if err := <-followed; err != nil || text.String() != "up\nheard stop\n" {
		r.Errorf("followed %q, %v", text.String(), err)
	}
}

func linesSince(r rig) {
	for _, tty := range []bool{false, true} {
		in := r.instance(Console())
		in.Spec.TTY = tty
		r.run(stamp(in))
		r.ok(r.Engine.Type(r.Context(), in.ID, "one"))
		r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{Console: "stop"}))
		var all []runtime.Line
		read := func(since time.Time) (texts []string) {
			all = nil
			r.ok(r.Engine.Lines(r.Context(), in.ID, since, func(l runtime.Line) {
				l.Text = slices.Clone(l.Text)
				all = append(all, l)
			}))
			for _, l := range all {
				if text := string(l.Text); text != "one" && text != "stop" { // what a terminal echoes
					texts = append(texts, text)
				}
			}
			return texts
		}
		if diff := cmp.Diff([]string{"up", "heard one", "heard stop"}, read(time.Time{})); diff != "" {
			r.Errorf("lines, tty %t (-want +got):\n%s", tty, diff)
			continue
		}
		last := all[len(all)-1].At
		if got := read(last); len(got) == 0 || got[len(got)-1] != "heard stop" || all[0].At.Before(last) {
			r.Errorf("lines since %s, tty %t: %q", last, tty, got)
		}
		if got := read(last.Add(time.Nanosecond)); len(got) != 0 {
			r.Errorf("lines after the last, tty %t: %q", tty, got)
		}
	}
}

func logsAbandoned(r rig) {
	in := r.instance(Say("one", "two"))
	r.run(in)
	enough := errors.New("enough")
	err := r.Engine.Logs(r.Context(), in.ID, runtime.LogOptions{Tail: -1, Follow: true}, func([]byte) error { return enough })
	if !errors.Is(err, enough) {
		r.Errorf("got %v, want the caller's own error", err)
	}
}

func stats(r rig) {
	in := r.instance(Idle())
	r.run(in)
	usage, err := r.Engine.Stats(r.Context(), in.ID)
	r.ok(err)
	if usage.At.IsZero() || usage.Memory <= 0 || usage.MemoryLimit != int64(32*spec.MiB) || usage.Pids < 1 {
		r.Errorf("of a running container: %+v", usage)
	}
	r.ok(r.Engine.Kill(r.Context(), in.ID))
	usage, err = r.Engine.Stats(r.Context(), in.ID)
	r.ok(err)
	if usage.Pids != 0 {
		r.Errorf("of one that has ended: %+v", usage)
	}
}
