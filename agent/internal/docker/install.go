package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// An installation is a container of its own, the installer, that runs the
// script of a spec as Wings does (EGG_SPEC §4.7): with the home volume at
// /mnt/server. Its labels say of which container, epoch and number it is, so
// that an agent that was restarted meanwhile goes on waiting for it.

// Where an installer finds things.
const (
	installServer = "/mnt/server"
	installDir    = "/mnt/install"
	installScript = "install.sh"
)

// minInstallMemory is what an installer may use where its container may use
// less.
const minInstallMemory = spec.GiB

// Installed reports which installation the home volume of a container has
// had.
func (e *Engine) Installed(_ context.Context, in runtime.Instance) (number int64, done bool, err error) {
	dir, err := e.homeDir(in)
	if err != nil {
		return 0, false, err
	}
	return readMark(dir, in.ID)
}

// PrepareInstall makes the installer of an instance, pulling its image where
// the node lacks it. One that runs already, or has ended well, is left as it
// is. One that failed is replaced: if nobody waited for it, its machine or
// engine may have been what ended it.
func (e *Engine) PrepareInstall(ctx context.Context, in runtime.Instance, report func(wire.Progress)) (runtime.Found, error) {
	present, err := e.installers(ctx, in.ID)
	if err != nil {
		return runtime.Found{}, err
	}
	for _, f := range present {
		if f.MadeOf(in) && (f.State != runtime.Exited || f.ExitCode == 0) && f.State != runtime.Dead {
			return f, nil
		}
	}
	// The user of its image stays, as with Wings: it is root in most.
	if _, err := e.ensureImage(ctx, in.Spec.Install.Image, report); err != nil {
		return runtime.Found{}, err
	}
	if err := e.AbortInstall(ctx, in.ID); err != nil {
		return runtime.Found{}, fmt.Errorf("replace what is left of an earlier installation: %w", err)
	}
	volume, err := home(in)
	if err != nil {
		return runtime.Found{}, err
	}
	_, dir, err := e.mounts.source(in, volume)
	if err != nil {
		return runtime.Found{}, err
	}
	if err := e.writeScript(in); err != nil {
		return runtime.Found{}, err
	}
	if err := e.create(ctx, installer(e.owner, e.dress(ctx, in), dir, e.scriptDir(in.ID))); err != nil {
		return runtime.Found{}, err
	}
	return e.installer(ctx, in.ID)
}

// StartInstall starts an installer that was made. One that runs, or has
// ended, is left alone.
func (e *Engine) StartInstall(ctx context.Context, c id.ContainerID) (runtime.Found, error) {
	f, err := e.installer(ctx, c)
	if err != nil || f.State != runtime.Created {
		return f, err
	}
	if err := e.api.ContainerStart(ctx, f.DockerID, container.StartOptions{}); err != nil {
		return f, e.fault("start the installation", err)
	}
	return e.installer(ctx, c)
}

// AwaitInstall waits for the end of an installation and judges it. After a
// good one the home volume is marked and belongs to the container's user, and
// nothing is left of the installer. After a bad one the installer stays, for
// its log.
func (e *Engine) AwaitInstall(ctx context.Context, in runtime.Instance) error {
	f, err := e.installer(ctx, in.ID)
	if err != nil {
		return err
	}
	if f.Running {
		if f, err = e.awaitInstall(ctx, f, in.Spec.Install.Limit()); err != nil {
			return err
		}
	}
	if err := e.judge(ctx, f, in.Spec.Install); err != nil {
		return err
	}
	dir, err := e.homeDir(in)
	if err != nil {
		return err
	}
	user, err := e.userOf(ctx, in)
	if err != nil {
		return err
	}
	if err := handOver(dir, user); err != nil {
		return err
	}
	if err := writeMark(dir, mark{Container: in.ID, Number: in.Install, At: time.Now().UTC()}); err != nil {
		return err
	}
	return e.AbortInstall(ctx, in.ID)
}

// awaitInstall waits until an installer has ended, or ends it when its time
// is over. The time counts from its start, whoever waited for it then.
func (e *Engine) awaitInstall(ctx context.Context, f runtime.Found, limit time.Duration) (runtime.Found, error) {
	patience, cancel := context.WithDeadline(ctx, f.StartedAt.Add(limit))
	defer cancel()
	err := e.ended(patience, f.DockerID)
	switch {
	case err != nil && patience.Err() != nil && ctx.Err() == nil:
		if err := e.kill(ctx, f.DockerID); err != nil {
			return f, err
		}
		return f, runtime.ErrInstallTime.Errorf("the installation was ended as it took longer than %s%s", limit, e.lastWords(ctx, f))
	case err != nil:
		return f, e.slowFault("wait for the installation", err)
	}
	return e.installer(ctx, f.ID)
}

// judge says how an installer has ended.
func (e *Engine) judge(ctx context.Context, f runtime.Found, how *spec.Install) error {
	switch {
	case f.OOM:
		return runtime.ErrInstall.Errorf("the installation ran out of memory (exit code %d): give the container more%s", f.ExitCode, e.lastWords(ctx, f))
	case f.ExitCode != 0 && !how.IgnoreExit:
		return runtime.ErrInstall.Errorf("the installation failed with exit code %d%s", f.ExitCode, e.lastWords(ctx, f))
	}
	return nil
}

// AbortInstall ends an installation and removes the installer. What its
// script has done to the volume stays.
func (e *Engine) AbortInstall(ctx context.Context, c id.ContainerID) error {
	found, err := e.installers(ctx, c)
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := e.remove(ctx, f); err != nil {
			return e.fault("remove the installer", err)
		}
	}
	if err := os.RemoveAll(e.scriptDir(c)); err != nil {
		return fmt.Errorf("remove the script of an installation: %w", err)
	}
	return nil
}

// installers are those of a container: one, unless somebody copied our labels.
func (e *Engine) installers(ctx context.Context, c id.ContainerID) ([]runtime.Found, error) {
	return e.findRole(ctx, c, true)
}

// installer is the one that has to be there.
func (e *Engine) installer(ctx context.Context, c id.ContainerID) (runtime.Found, error) {
	found, err := e.installers(ctx, c)
	if err != nil {
		return runtime.Found{}, err
	}
	if len(found) == 0 {
		return runtime.Found{}, runtime.ErrInstall.Errorf("somebody removed the installation from the engine")
	}
	return found[0], nil
}

func (e *Engine) scriptDir(c id.ContainerID) string { return filepath.Join(e.installs, c.String()) }

// writeScript puts the script where the installer finds it. Most eggs were
// written on Windows, and no shell reads their line ends.
func (e *Engine) writeScript(in runtime.Instance) error {
	dir := e.scriptDir(in.ID)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("make a directory for the script of an installation: %w", err)
	}
	text := strings.ReplaceAll(in.Spec.Install.Script, "\r\n", "\n")
	if err := os.WriteFile(filepath.Join(dir, installScript), []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the script of an installation: %w", err)
	}
	return nil
}

// home is the volume that is installed.
func home(in runtime.Instance) (spec.Volume, error) {
	v, any := in.Spec.Home()
	switch {
	case !any:
		return v, runtime.ErrMount.Errorf("an installation needs a volume to install to, and the container has none: add one to the egg or the container")
	case v.ReadOnly:
		return v, runtime.ErrMount.Errorf("the installation cannot write to volume %s, which is read-only: allow writing to it, or name another one %s", v.Host, spec.HomeVolume)
	}
	return v, nil
}

// homeDir is its directory, which need not be there yet.
func (e *Engine) homeDir(in runtime.Instance) (string, error) {
	v, err := home(in)
	if err != nil {
		return "", err
	}
	return e.mounts.path(in, v)
}

// userOf is whom the container runs as.
func (e *Engine) userOf(ctx context.Context, in runtime.Instance) (string, error) {
	switch {
	case in.Spec.User != "":
		return in.Spec.User, nil
	case in.Spec.Wings:
		return e.wingsUser, nil
	}
	image, err := e.ensureImage(ctx, in.Spec.Image, nil)
	return image.user, err
}

// installer is what Docker is asked to make for an installation.
func installer(o owner, in runtime.Instance, home, scripts string) creation {
	how, noInit := in.Spec.Install, false
	labels := o.labels(in)
	labels[labelRole] = roleInstaller
	return creation{
		name: o.dockerName(in) + "-installer",
		config: &container.Config{
			Hostname: "installer",
			Image:    how.Image,
			Cmd:      []string{how.Entrypoint, installDir + "/" + installScript}, // after the image's own entrypoint, if it has one
			Env:      environment(o, in),
			Labels:   labels,
			Tty:      true,
		},
		host: &container.HostConfig{
			Resources:     installLimits(in.Spec),
			Mounts:        []mount.Mount{bind(home, installServer, false), bind(scripts, installDir, false)},
			Tmpfs:         map[string]string{"/tmp": tmpOptions},
			Init:          &noInit,
			RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
			LogConfig:     logConfig(),
		},
	}
}

// installLimits are those of the container, but enough to unpack and build
// things.
func installLimits(c spec.Container) container.Resources {
	r := limits(c)
	if r.Memory > 0 { // else there is no limit
		r.Memory = max(r.Memory, int64(minInstallMemory))
		r.MemorySwap = r.Memory
	}
	if r.CPUQuota > 0 {
		r.CPUQuota = max(r.CPUQuota, cpuPeriod)
	}
	r.PidsLimit = nil
	return r
}

// lastLines is how many lines of an installation's log its failure quotes.
const (
	lastLines = 8
	lastBytes = 600
)

// controls are what a terminal takes for other than text.
var controls = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")

// lastWords are the last lines of an installation, to be put behind what is
// said of its end. That they cannot be read is no reason to say nothing.
func (e *Engine) lastWords(ctx context.Context, f runtime.Found) string {
	var text strings.Builder
	err := e.readLogs(ctx, f.DockerID, runtime.LogOptions{Tail: lastLines}, func(data []byte) error {
		text.Write(data)
		return nil
	})
	lines := strings.TrimSpace(controls.ReplaceAllString(strings.ToValidUTF8(text.String(), ""), ""))
	if err != nil || lines == "" {
		return ""
	}
	if len(lines) > lastBytes {
		lines = "… " + strings.ToValidUTF8(lines[len(lines)-lastBytes:], "")
	}
	return "; its last lines were:\n" + lines
}

// killInstall ends the installer of a container at once, if one runs.
func (e *Engine) killInstall(ctx context.Context, c id.ContainerID) (killed bool, err error) {
	found, err := e.installers(ctx, c)
	for _, f := range found {
		if f.Running {
			killed = true
			err = errors.Join(err, e.kill(ctx, f.DockerID))
		}
	}
	return killed, err
}
