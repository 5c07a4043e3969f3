package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// List finds every container that was made for our controller and node, also
// installers.
func (e *Engine) List(ctx context.Context) ([]runtime.Found, error) {
	summaries, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: e.owner.ours()})
	if err != nil {
		return nil, e.fault("list containers", err)
	}
	return e.inspectAll(ctx, summaries)
}

// find is List for one container, without its installer. There is more than
// one result only when somebody copied our labels.
func (e *Engine) find(ctx context.Context, c id.ContainerID) ([]runtime.Found, error) {
	return e.findRole(ctx, c, false)
}

func (e *Engine) findRole(ctx context.Context, c id.ContainerID, installer bool) ([]runtime.Found, error) {
	summaries, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: e.owner.ours(c)})
	if err != nil {
		return nil, e.fault("find the container", err)
	}
	found, err := e.inspectAll(ctx, summaries)
	return slices.DeleteFunc(found, func(f runtime.Found) bool { return f.Installer != installer }), err
}

// Find is List for one container that has to be there.
func (e *Engine) Find(ctx context.Context, c id.ContainerID) (runtime.Found, error) {
	return e.one(ctx, c)
}

// one finds a container that has to be there.
func (e *Engine) one(ctx context.Context, c id.ContainerID) (runtime.Found, error) {
	found, err := e.find(ctx, c)
	if err != nil {
		return runtime.Found{}, err
	}
	if len(found) == 0 {
		return runtime.Found{}, runtime.Missing(c)
	}
	return found[0], nil
}

func (e *Engine) inspectAll(ctx context.Context, summaries []container.Summary) ([]runtime.Found, error) {
	found := make([]runtime.Found, 0, len(summaries))
	for _, summary := range summaries {
		details, err := e.api.ContainerInspect(ctx, summary.ID)
		if errdefs.IsNotFound(err) {
			continue // removed since the list was made
		}
		if err != nil {
			return nil, e.fault("inspect a container", err)
		}
		if f, ours := e.read(details); ours {
			found = append(found, f)
		}
	}
	return found, nil
}

// read translates what Docker says of a container. One with labels that we
// cannot have written is not ours.
func (e *Engine) read(details container.InspectResponse) (runtime.Found, bool) {
	labels, state := details.Config.Labels, details.State
	f := runtime.Found{
		DockerID: details.ID,
		SpecHash: labels[labelSpecHash],
		State:    runtime.State(state.Status),
		Running:  state.Running,
		ExitCode: state.ExitCode,
		OOM:      state.OOMKilled,
		Pid:      state.Pid,

		Exclusive: labels[labelHA] == lease.Exclusive,
		Installer: labels[labelRole] == roleInstaller,
	}
	if state.Running && state.Health != nil && state.Health.Status != container.NoHealthcheck {
		f.Health = string(state.Health.Status)
	}
	if state.Status == container.StateRemoving {
		f.State = runtime.Dead
	}
	var errs [6]error
	errs[0] = f.ID.UnmarshalText([]byte(labels[labelContainer]))
	f.Epoch, errs[1] = strconv.ParseInt(labels[labelEpoch], 10, 64)
	f.Generation, errs[2] = strconv.ParseInt(labels[labelGeneration], 10, 64)
	f.StartedAt, errs[3] = parseTime(state.StartedAt)
	f.FinishedAt, errs[4] = parseTime(state.FinishedAt)
	if n := labels[labelInstall]; n != "" {
		f.Install, errs[5] = strconv.ParseInt(n, 10, 64)
	}
	if errors.Join(errs[:]...) != nil {
		return runtime.Found{}, false
	}
	return e.shortages.apply(e.notes.apply(f)), true
}

// parseTime reads Docker's times, whose zero is the year 1.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

// Create makes the container, pulling its image first where the node lacks
// it. One that is made of the same instance already is left as it is; any
// other of the same id is replaced, its volumes stay.
func (e *Engine) Create(ctx context.Context, in runtime.Instance, report func(wire.Progress)) error {
	present, err := e.find(ctx, in.ID)
	if err != nil {
		return err
	}
	for _, f := range present {
		if f.MadeOf(in) {
			return nil
		}
	}
	image, err := e.ensureImage(ctx, in.Spec.Image, report)
	if err != nil {
		return err
	}
	in = e.dress(ctx, in)
	if err := e.Remove(ctx, in.ID); err != nil {
		return fmt.Errorf("replace what is left of an earlier one: %w", err)
	}
	prepared, err := e.mounts.prepare(in, image.user)
	if err != nil {
		return err
	}
	if err := e.adopt(in); err != nil {
		return err
	}
	if err := e.create(ctx, convert(e.owner, in, prepared.binds)); err != nil {
		prepared.undo()
		return err
	}
	return nil
}

func (e *Engine) create(ctx context.Context, c creation) error {
	_, err := e.api.ContainerCreate(ctx, c.config, c.host, nil, nil, c.name)
	switch {
	case errdefs.IsConflict(err):
		return fmt.Errorf("create container: docker has a container named %s that is not of this agent: remove or rename it", c.name)
	case errdefs.IsNotFound(err):
		return runtime.ErrImage.Errorf("create container: image %s went away meanwhile: it is pulled again with the next try", c.config.Image)
	}
	return e.fault("create container", err)
}

// Start starts a container that was created or has ended. One that runs is
// left alone.
func (e *Engine) Start(ctx context.Context, c id.ContainerID) error {
	f, err := e.one(ctx, c)
	if err != nil {
		return err
	}
	return e.fault("start container", e.api.ContainerStart(ctx, f.DockerID, container.StartOptions{}))
}

// Stop asks a container to end, gives it the grace and then kills it. It
// returns when the container has ended.
func (e *Engine) Stop(ctx context.Context, c id.ContainerID, how spec.Stop) error {
	f, err := e.one(ctx, c)
	if err != nil || !f.Running {
		return err
	}
	grace := how.Grace
	if grace == 0 {
		grace = spec.DefaultGrace
	}
	asked, err := e.ask(ctx, f.DockerID, how)
	if err != nil {
		return e.fault("ask the container to stop", err)
	}
	if !asked {
		// Docker knows the image's own stop signal.
		err := e.api.ContainerStop(ctx, f.DockerID, container.StopOptions{Timeout: &grace})
		return e.slowFault("stop container", err)
	}
	patience, cancel := context.WithTimeout(ctx, time.Duration(grace)*time.Second)
	defer cancel()
	err = e.ended(patience, f.DockerID)
	if err != nil && patience.Err() != nil && ctx.Err() == nil {
		return e.kill(ctx, f.DockerID)
	}
	return e.slowFault("wait for the container to stop", err)
}

// ask tells the container to end in the way that its spec wants. It reports
// false when there is no such way, or Docker does not know it.
func (e *Engine) ask(ctx context.Context, dockerID string, how spec.Stop) (bool, error) {
	var err error
	switch {
	case how.Console != "":
		// Not delivered is no error: it shows when the grace is over.
		if err = e.typeIn(ctx, dockerID, how.Console); errors.Is(err, errNotRead) {
			err = nil
		}
	case how.Signal != "":
		err = e.api.ContainerKill(ctx, dockerID, how.Signal)
	default:
		return false, nil
	}
	switch {
	case errdefs.IsConflict(err): // ended just now
		return true, nil
	case errdefs.IsInvalidArgument(err): // a signal that does not exist
		return false, nil
	}
	return err == nil, err
}

// typeInTimeout bounds how long a text may wait for the engine to take it.
const typeInTimeout = 5 * time.Second

// Type writes a line to the container's console.
func (e *Engine) Type(ctx context.Context, c id.ContainerID, line string) error {
	f, err := e.one(ctx, c)
	if err != nil {
		return err
	}
	if f.Running {
		err = e.typeIn(ctx, f.DockerID, line)
	}
	if !f.Running || errdefs.IsConflict(err) { // the latter: ended just now
		return runtime.ErrNotRunning.Errorf("the container does not run, so nobody reads its console: start it first")
	}
	if errors.Is(err, errNotRead) {
		return runtime.ErrNotRunning.Errorf("the line was not delivered: %v", err)
	}
	return e.fault("write to the container's console", err)
}

// typeIn writes to the container's standard input, which stays open. The
// engine reads each connection in a goroutine of its own, so the next text
// may come only when it has hung up, which says that it has passed this one
// on: written is not yet read, and texts overtook one another.
func (e *Engine) typeIn(ctx context.Context, dockerID, line string) error {
	stream, err := e.api.ContainerAttach(ctx, dockerID, container.AttachOptions{Stream: true, Stdin: true})
	if err != nil {
		return err
	}
	defer stream.Close()
	if err := stream.Conn.SetDeadline(time.Now().Add(typeInTimeout)); err != nil {
		return errNotRead
	}
	if _, err := stream.Conn.Write([]byte(line + "\n")); err != nil {
		return errNotRead
	}
	if err := stream.CloseWrite(); err != nil {
		return errNotRead
	}
	if _, err := io.Copy(io.Discard, stream.Reader); err != nil {
		return errNotRead
	}
	return nil
}

// errNotRead is what is answered when the engine took a connection to the
// console, and nobody the text.
var errNotRead = errors.New("the container has just ended, or does not read its console")

// Kill ends a container at once, or what installs it. It returns when the
// container has ended.
func (e *Engine) Kill(ctx context.Context, c id.ContainerID) error {
	killed, err := e.killInstall(ctx, c)
	if err != nil {
		return err
	}
	f, err := e.one(ctx, c)
	if killed && errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil || !f.Running {
		return err
	}
	return e.kill(ctx, f.DockerID)
}

func (e *Engine) kill(ctx context.Context, dockerID string) error {
	err := e.api.ContainerKill(ctx, dockerID, "SIGKILL")
	if err != nil && !errdefs.IsConflict(err) { // conflict: it has ended by itself
		return e.fault("kill container", err)
	}
	return e.fault("wait for the killed container", e.ended(ctx, dockerID))
}

// ended waits until the container does not run.
func (e *Engine) ended(ctx context.Context, dockerID string) error {
	return e.wait(ctx, dockerID, container.WaitConditionNotRunning)
}

func (e *Engine) wait(ctx context.Context, dockerID string, condition container.WaitCondition) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the SDK's goroutine
	results, errs := e.api.ContainerWait(ctx, dockerID, condition)
	select {
	case <-results:
		return nil
	case err := <-errs:
		return err
	}
}

// Remove removes a container, running or not, with what installs it, and
// storage that only it could ever find again. Volumes of its spec stay on the node. One that is not
// there is removed already.
func (e *Engine) Remove(ctx context.Context, c id.ContainerID) error {
	if err := e.AbortInstall(ctx, c); err != nil {
		return err
	}
	found, err := e.find(ctx, c)
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := e.remove(ctx, f); err != nil {
			return e.fault("remove container", err)
		}
	}
	return e.notes.drop(c)
}

func (e *Engine) remove(ctx context.Context, f runtime.Found) error {
	if f.State == runtime.Exited && e.forgetting != nil {
		e.forgetting(ctx, f.ID)
	}
	err := e.api.ContainerRemove(ctx, f.DockerID, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsConflict(err) { // another removal is at work
		err = e.wait(ctx, f.DockerID, container.WaitConditionRemoved)
	}
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// Update gives a container the limits of a newer instance while it runs, and
// remembers that it is made of that one now. Everything else of the instance
// must be as before.
func (e *Engine) Update(ctx context.Context, c id.ContainerID, in runtime.Instance) error {
	f, err := e.one(ctx, c)
	if err != nil {
		return err
	}
	if _, err := e.api.ContainerUpdate(ctx, f.DockerID, container.UpdateConfig{Resources: limits(in.Spec)}); err != nil {
		return e.fault("change the container's limits", err)
	}
	return e.notes.keep(f, in)
}
