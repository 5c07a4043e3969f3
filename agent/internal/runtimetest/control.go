package runtimetest

import (
	"context"
	"slices"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

// Verb names a method of an engine.
type Verb string

// The verbs.
const (
	VerbPing   Verb = "ping"
	VerbInfo   Verb = "info"
	VerbList   Verb = "list"
	VerbFind   Verb = "find"
	VerbCreate Verb = "create"
	VerbStart  Verb = "start"
	VerbConfig Verb = "configure"
	VerbStop   Verb = "stop"
	VerbKill   Verb = "kill"
	VerbType   Verb = "type"
	VerbRemove Verb = "remove"
	VerbUpdate Verb = "update"
	VerbLogs   Verb = "logs"
	VerbLines  Verb = "lines"
	VerbStats  Verb = "stats"

	VerbInstalled      Verb = "installed"
	VerbPrepareInstall Verb = "prepare install"
	VerbStartInstall   Verb = "start install"
	VerbAwaitInstall   Verb = "await install"
	VerbAbortInstall   Verb = "abort install"
)

// Call is one call of a method. ID is zero where it is not about one
// container.
type Call struct {
	Verb Verb
	ID   id.ContainerID
}

// Calls lists what was asked of the engine since it was made, by every
// namespace. Looking (list, ping, info) is left out.
func (f *Fake) Calls() []Call {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.machine.calls), func(c Call) bool { return c.ID.IsZero() })
}

// Before has a hook called at the start of every call, outside the engine's
// lock: it may block, and an error that it returns is the call's.
func (f *Fake) Before(hook func(context.Context, Call) error) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	f.machine.before = hook
}

// Crash ends a running container by itself.
func (f *Fake) Crash(c id.ContainerID, exitCode int) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	if found, err := f.find(c); err == nil {
		f.end(found, exitCode)
	}
}

// Exhaust ends a running container for want of memory.
func (f *Fake) Exhaust(c id.ContainerID) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	if found, err := f.find(c); err == nil {
		f.exhaust(found)
	}
}

// FailPull makes an image impossible to pull, or possible again.
func (f *Fake) FailPull(image string, fails bool) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	f.machine.missing[image] = fails
}

// TakePort has another process hold a port of the machine, or let it go.
func (f *Fake) TakePort(port int, taken bool) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	f.machine.taken[port] = taken
}

// SetDown stops the engine from answering, or lets it answer again. The
// containers run on.
func (f *Fake) SetDown(down bool) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	if down && !f.machine.down {
		f.machine.outages++ // breaks every connection, however short it is
	}
	f.machine.down = down
	f.machine.wake()
}

// Reboot ends every container, as a reboot of the machine does.
func (f *Fake) Reboot() {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	for at, c := range f.machine.containers {
		(&Fake{machine: f.machine, namespace: at.namespace}).end(c, exitKilled)
	}
	for _, i := range f.machine.installers {
		f.endInstall(i, exitKilled)
	}
}

// Put makes the engine hold a container that nobody created through it, such
// as one of an earlier run of the agent.
func (f *Fake) Put(found runtime.Found, in runtime.Instance) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	f.machine.containers[key{f.namespace, found.ID}] = &fakeContainer{
		Found: found, instance: in, command: slices.Clone(in.Spec.Command),
	}
	f.machine.wake()
}

// Print has a container print lines, as if its actor did.
func (f *Fake) Print(c id.ContainerID, lines ...string) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	if found, err := f.find(c); err == nil {
		f.print(found, lines...)
	}
}

// Forget has the engine lose the older lines of a container, as one does whose
// log is full.
func (f *Fake) Forget(c id.ContainerID, keep int) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	if found, err := f.find(c); err == nil {
		n := max(0, len(found.output)-keep)
		found.output, found.printed = found.output[n:], found.printed[n:]
	}
}
