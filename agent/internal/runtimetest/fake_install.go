package runtimetest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// The scripts that a fake can run, beside those that end at once with 0.

// InstallExit is a script that ends with a code.
func InstallExit(code int) string { return "echo installing\nexit " + strconv.Itoa(code) + "\n" }

// InstallWait is a script that ends when a file "go" is in its directory, or,
// on a fake, with EndInstall.
const InstallWait = "echo installing\nwhile [ ! -e /mnt/server/go ]; do sleep 0.1; done\n"

// Installed reports which installation a container's volume has had.
func (f *Fake) Installed(ctx context.Context, in runtime.Instance) (int64, bool, error) {
	if err := f.begin(ctx, VerbInstalled, in.ID); err != nil {
		return 0, false, err
	}
	defer f.machine.mu.Unlock()
	if _, any := in.Spec.Home(); !any {
		return 0, false, runtime.ErrMount.Errorf("the container has no volume to install to")
	}
	number, done := f.machine.marks[key{f.namespace, in.ID}]
	return number, done, nil
}

// PrepareInstall makes an installer.
func (f *Fake) PrepareInstall(ctx context.Context, in runtime.Instance, report func(wire.Progress)) (runtime.Found, error) {
	if err := f.begin(ctx, VerbPrepareInstall, in.ID); err != nil {
		return runtime.Found{}, err
	}
	defer f.machine.mu.Unlock()
	m, at := f.machine, key{f.namespace, in.ID}
	old := m.installers[at]
	if old != nil && old.Found.MadeOf(in) && (old.State != runtime.Exited || old.ExitCode == 0) {
		return old.Found, nil
	}
	if m.missing[in.Spec.Install.Image] {
		return runtime.Found{}, runtime.ErrImage.Errorf("image %s cannot be pulled: the fake registry does not have it", in.Spec.Install.Image)
	}
	if !m.pulled[in.Spec.Install.Image] && report != nil {
		report(wire.Progress{Percent: 100, Step: "pulling image"})
	}
	m.pulled[in.Spec.Install.Image] = true
	m.made++
	made := &fakeContainer{
		instance: in,
		Found: runtime.Found{
			ID: in.ID, DockerID: fmt.Sprintf("%064x", m.made), State: runtime.Created, Installer: true, Install: in.Install,
			Epoch: in.Epoch, Generation: in.Generation, SpecHash: in.SpecHash, Exclusive: in.Spec.Exclusive,
		},
	}
	m.installers[at] = made
	m.wake()
	return made.Found, nil
}

// StartInstall starts the installer.
func (f *Fake) StartInstall(ctx context.Context, c id.ContainerID) (runtime.Found, error) {
	if err := f.begin(ctx, VerbStartInstall, c); err != nil {
		return runtime.Found{}, err
	}
	defer f.machine.mu.Unlock()
	i := f.machine.installers[key{f.namespace, c}]
	if i == nil {
		return runtime.Found{}, noInstaller()
	}
	if i.State != runtime.Created {
		return i.Found, nil
	}
	f.machine.made++
	i.State, i.Running, i.StartedAt, i.Pid = runtime.Running, true, time.Now(), f.machine.made
	i.output, i.printed = append(i.output, "installing"), append(i.printed, time.Now())
	f.tell(runtime.Change{Kind: runtime.Started, ID: c, DockerID: i.DockerID, Installer: true})
	script := i.instance.Spec.Install.Script
	if script != InstallWait {
		code, _ := strconv.Atoi(strings.TrimSpace(script[strings.LastIndex(script, "exit")+len("exit"):])) // made by InstallExit
		f.endInstall(i, code)
	}
	f.machine.wake()
	return i.Found, nil
}

// AwaitInstall waits for the installer's end.
func (f *Fake) AwaitInstall(ctx context.Context, in runtime.Instance) error {
	at := key{f.namespace, in.ID}
	if err := f.begin(ctx, VerbAwaitInstall, in.ID); err != nil {
		return err
	}
	for {
		i, changed := f.machine.installers[at], f.machine.changed
		switch {
		case f.machine.down:
			f.machine.mu.Unlock()
			return runtime.ErrUnavailable.Errorf("the fake engine is down")
		case i == nil:
			f.machine.mu.Unlock()
			return noInstaller()
		case !i.Running:
			defer f.machine.mu.Unlock()
			return f.judge(at, i, in)
		}
		f.machine.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(i.StartedAt.Add(in.Spec.Install.Limit()))):
			f.machine.mu.Lock()
			f.endInstall(i, exitKilled)
			f.machine.mu.Unlock()
			return runtime.ErrInstallTime.Errorf("the installation was ended as it took longer than %s", in.Spec.Install.Limit())
		case <-changed:
		}
		f.machine.mu.Lock()
	}
}

// judge is called with the machine locked.
func (f *Fake) judge(at key, i *fakeContainer, in runtime.Instance) error {
	if i.ExitCode != 0 && !in.Spec.Install.IgnoreExit {
		return runtime.ErrInstall.Errorf("the installation failed with exit code %d; its last lines were:\ninstalling", i.ExitCode)
	}
	f.machine.marks[at] = in.Install
	delete(f.machine.installers, at)
	return nil
}

// AbortInstall ends and removes the installer.
func (f *Fake) AbortInstall(ctx context.Context, c id.ContainerID) error {
	if err := f.begin(ctx, VerbAbortInstall, c); err != nil {
		return err
	}
	defer f.machine.mu.Unlock()
	delete(f.machine.installers, key{f.namespace, c})
	f.machine.wake()
	return nil
}

// EndInstall has the installer of a container end with a code.
func (f *Fake) EndInstall(c id.ContainerID, code int) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	if i := f.machine.installers[key{f.namespace, c}]; i != nil {
		f.endInstall(i, code)
	}
}

// endInstall is called with the machine locked.
func (f *Fake) endInstall(i *fakeContainer, code int) {
	if i.Running {
		i.State, i.Running, i.ExitCode, i.FinishedAt = runtime.Exited, false, code, time.Now()
		f.machine.wake()
	}
}

// Installer is the installer that a container has, if it has one.
func (f *Fake) Installer(c id.ContainerID) (runtime.Found, bool) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	i := f.machine.installers[key{f.namespace, c}]
	if i == nil {
		return runtime.Found{}, false
	}
	return i.Found, true
}

// Wipe empties the volumes of a container.
func (f *Fake) Wipe(c id.ContainerID) {
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	delete(f.machine.marks, key{f.namespace, c})
}

func noInstaller() error {
	return runtime.ErrInstall.Errorf("somebody removed the installation from the engine")
}
