package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/lormas/lormas/agent/internal/runtime"
)

// fault gives an error of the SDK its kind, and the step that it happened in.
func (e *Engine) fault(step string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", step, err)
	switch {
	case errors.Is(err, context.Canceled):
		return wrapped
	case unreachable(err):
		return &runtime.Error{
			Kind:  runtime.ErrUnavailable,
			Cause: wrapped,
			Message: fmt.Sprintf("%s: docker is not answering at %s: see whether dockerd runs, and whether the agent may use its socket",
				step, e.api.DaemonHost()),
		}
	case errdefs.IsNotFound(err) && strings.Contains(err.Error(), "No such container"):
		return &runtime.Error{Kind: runtime.ErrNotFound, Cause: wrapped, Message: wrapped.Error()}
	}
	if port, taken := portTaken(err.Error()); taken {
		return &runtime.Error{
			Kind: runtime.ErrPort, Cause: wrapped,
			Message: fmt.Sprintf("%s: port %s of this node is in use by another process: end that, or give the container another host port", step, port),
		}
	}
	return wrapped
}

// slowFault is fault for a step that takes as long as the container or the
// registry does: when the caller's patience ends there, that says nothing of
// the engine.
func (e *Engine) slowFault(step string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", step, err)
	}
	return e.fault(step, err)
}

// unreachable reports whether the engine could not be talked to, or stopped
// talking: it is gone, it is frozen, or it went away in the middle.
func unreachable(err error) bool {
	var broken *net.OpError
	return client.IsErrConnectionFailed(err) || errors.As(err, &broken) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Docker has no error code for a port in use. These are its texts when
// another container holds it, and when another process does.
var portTexts = []*regexp.Regexp{
	regexp.MustCompile(`Bind for [^ ]*:(\d+) failed: port is already allocated`),
	regexp.MustCompile(`listen \w+ [^ ]*:(\d+): bind: address already in use`),
	regexp.MustCompile(`failed to bind (?:host )?port(?: for)? (?:\[[^\]]*\]|[^ :]*):(\d+)`), // engine 28
}

func portTaken(text string) (string, bool) {
	for _, form := range portTexts {
		if m := form.FindStringSubmatch(text); m != nil {
			return m[1], true
		}
	}
	return "(which one, docker does not say)", strings.Contains(text, "address already in use")
}
