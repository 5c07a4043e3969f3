package runtimetest

import (
	"context"
	"strconv"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// act does what an actor does when it is started; the machine is locked.
func (f *Fake) act(c *fakeContainer) {
	f.print(c, Greeting)
	if len(c.command) == 0 {
		return
	}
	switch verb, args := c.command[0], c.command[1:]; verb {
	case "exit":
		code, _ := strconv.Atoi(args[0]) // made by Exit
		f.end(c, code)
	case "say":
		f.print(c, args...)
	}
}

// print is called with the machine locked.
func (f *Fake) print(c *fakeContainer, lines ...string) {
	for _, line := range lines {
		c.output = append(c.output, line)
		c.printed = append(c.printed, time.Now())
	}
	f.machine.wake()
}

// Stop asks the actor to end and kills it after the grace.
func (f *Fake) Stop(ctx context.Context, c id.ContainerID, how spec.Stop) error {
	found, err := f.open(ctx, VerbStop, c)
	if err != nil {
		return err
	}
	if !found.Running || f.hears(found, how) {
		f.machine.mu.Unlock()
		return nil
	}
	f.machine.mu.Unlock()
	grace := how.Grace
	if grace == 0 {
		grace = spec.DefaultGrace
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(grace) * time.Second):
	}
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	f.end(found, exitKilled)
	return nil
}

// hears reports whether the actor ended because of what it was told.
func (f *Fake) hears(c *fakeContainer, how spec.Stop) bool {
	verb := ""
	if len(c.command) > 0 {
		verb = c.command[0]
	}
	switch {
	case how.Console != "":
		return f.typed(c, how.Console)
	case how.Signal == "SIGUSR1":
		f.end(c, exitUser)
	case how.Signal == "SIGKILL":
		f.end(c, exitKilled)
	case verb == "deaf":
		return false
	default:
		f.end(c, exitTerm)
	}
	return true
}

// typed reports whether the actor ended because of a line that was typed.
func (f *Fake) typed(c *fakeContainer, line string) bool {
	verb := ""
	if len(c.command) > 0 {
		verb = c.command[0]
	}
	switch verb {
	case "eat":
		f.exhaust(c)
		return true
	case "console":
		f.print(c, "heard "+line)
		if line == "stop" {
			f.end(c, exitTerm)
			return true
		}
	}
	return false
}

// exhaust ends a container for want of memory; the machine is locked.
func (f *Fake) exhaust(c *fakeContainer) {
	if !c.Running {
		return
	}
	c.OOM = true
	f.tell(runtime.Change{Kind: runtime.OutOfMem, ID: c.ID, DockerID: c.DockerID})
	f.end(c, exitKilled)
}

// Watch reports changes until the context ends.
func (f *Fake) Watch(ctx context.Context, report func(runtime.Change)) error {
	m := f.machine
	m.mu.Lock()
	next := len(m.events)
	m.mu.Unlock()
	connected := -1 // the outage after which the connection was made
	for {
		m.mu.Lock()
		fresh, changed, down, outages := m.events[next:], m.changed, m.down, m.outages
		m.mu.Unlock()
		switch {
		case down:
		case connected != outages:
			connected = outages
			report(runtime.Change{Kind: runtime.Relist, At: time.Now()})
			continue
		default:
			next += len(fresh)
			for _, e := range fresh {
				if e.namespace == f.namespace {
					report(e.change)
				}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Logs hands over what the actor said. Since is ignored: the fake keeps no
// times.
func (f *Fake) Logs(ctx context.Context, c id.ContainerID, opt runtime.LogOptions, write func([]byte) error) error {
	found, err := f.speaker(ctx, VerbLogs, c)
	if err != nil {
		return err
	}
	next := 0
	if opt.Tail >= 0 {
		next = max(0, len(found.output)-opt.Tail)
	}
	for {
		fresh, changed, more := found.output[next:], f.machine.changed, opt.Follow && found.Running
		f.machine.mu.Unlock()
		next += len(fresh)
		for _, line := range fresh {
			if err := write([]byte(line + "\n")); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
		f.machine.mu.Lock()
	}
}

// speaker is open for whose output is that of a container: its installer while
// it does not run itself.
func (f *Fake) speaker(ctx context.Context, verb Verb, c id.ContainerID) (*fakeContainer, error) {
	if err := f.begin(ctx, verb, c); err != nil {
		return nil, err
	}
	found, err := f.find(c)
	if i := f.machine.installers[key{f.namespace, c}]; i != nil && (err != nil || !found.Running) {
		return i, nil
	}
	if err != nil {
		f.machine.mu.Unlock()
	}
	return found, err
}

// Lines hands over what the actor said since a time, line by line, as long as
// it runs.
func (f *Fake) Lines(ctx context.Context, c id.ContainerID, since time.Time, line func(runtime.Line)) error {
	found, err := f.speaker(ctx, VerbLines, c)
	if err != nil {
		return err
	}
	outages := f.machine.outages
	for next := 0; ; {
		fresh, times, changed, running := found.output[next:], found.printed[next:], f.machine.changed, found.Running
		down := f.machine.outages != outages
		f.machine.mu.Unlock()
		if down {
			return runtime.ErrUnavailable.Errorf("the fake engine is down")
		}
		next += len(fresh)
		for i, text := range fresh {
			if !times[i].Before(since) {
				line(runtime.Line{At: times[i], Text: []byte(text)})
			}
		}
		if !running {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
		f.machine.mu.Lock()
	}
}
