package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/wire"
)

// StepPull is the step of the progress reports of a pull.
const StepPull = "pulling image"

// localImage is what we need to know of an image that the node has.
type localImage struct {
	user string // that it runs as, unless told otherwise
}

// ensureImage pulls an image unless the node has it. Without a tag it is
// :latest in both.
func (e *Engine) ensureImage(ctx context.Context, ref string, report func(wire.Progress)) (localImage, error) {
	have, err := e.inspectImage(ctx, ref)
	switch {
	case errdefs.IsInvalidArgument(err):
		return localImage{}, e.pullFault(ref, err)
	case !errdefs.IsNotFound(err):
		return have, e.fault("look for the image", err)
	}
	if err := e.pull(ctx, ref, report); err != nil {
		return localImage{}, e.pullFault(ref, err)
	}
	have, err = e.inspectImage(ctx, ref)
	if err != nil {
		return localImage{}, e.pullFault(ref, err)
	}
	return have, nil
}

func (e *Engine) inspectImage(ctx context.Context, ref string) (localImage, error) {
	details, err := e.api.ImageInspect(ctx, ref)
	if err != nil || details.Config == nil {
		return localImage{}, err
	}
	return localImage{user: details.Config.User}, nil
}

// pullFault names the image, the cause and the way out. Only an engine that
// does not answer, and a caller who no longer wants it, are of another kind.
func (e *Engine) pullFault(ref string, err error) error {
	fault := e.slowFault("pull image", err)
	if errors.Is(fault, runtime.ErrUnavailable) || errors.Is(fault, context.Canceled) {
		return fault
	}
	return &runtime.Error{
		Kind: runtime.ErrImage, Cause: err,
		Message: fmt.Sprintf("image %s cannot be pulled: %v: check the name and the node's way to the registry, or load it on the node with docker load", ref, err),
	}
}

func (e *Engine) pull(ctx context.Context, ref string, report func(wire.Progress)) error {
	stream, err := e.api.ImagePull(ctx, ref, image.PullOptions{})
	if err != nil {
		return err
	}
	defer stream.Close()
	return followPull(stream, report)
}

// pullMessage is one line of what the engine says during a pull.
type pullMessage struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Error    string `json:"error"`
	Progress struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
}

// followPull reads a pull to its end, which alone says whether it succeeded:
// the request was answered with 200 before it began. It reports each whole
// percent once.
func followPull(stream io.Reader, report func(wire.Progress)) error {
	layers := pullProgress{}
	last := -1
	tell := func(percent int) {
		if percent > last && report != nil {
			last = percent
			report(wire.Progress{Percent: percent, Step: StepPull})
		}
	}
	for lines := json.NewDecoder(stream); ; {
		var line pullMessage
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			tell(100) // also where all layers were there already
			return nil
		case err != nil:
			return fmt.Errorf("follow the pull: %w", err)
		case line.Error != "":
			return errors.New(line.Error)
		}
		layers.add(line)
		tell(layers.percent())
	}
}

// pullProgress is how far each layer has come, from 0 to 1. The engine names
// all layers before it fetches the first.
type pullProgress map[string]float64

func (p pullProgress) add(line pullMessage) {
	share := 0.0
	if line.Progress.Total > 0 {
		share = float64(line.Progress.Current) / float64(line.Progress.Total)
	}
	// Fetching is the longer part of a layer on the links that we are made
	// for; unpacking is the rest.
	const fetch = 0.8
	switch line.Status {
	case "Pulling fs layer", "Waiting":
		p[line.ID] += 0
	case "Downloading":
		p[line.ID] = max(p[line.ID], fetch*share)
	case "Verifying Checksum", "Download complete":
		p[line.ID] = max(p[line.ID], fetch)
	case "Extracting":
		p[line.ID] = max(p[line.ID], fetch+(1-fetch)*share)
	case "Pull complete", "Already exists":
		p[line.ID] = 1
	}
}

func (p pullProgress) percent() int {
	if len(p) == 0 {
		return 0
	}
	sum := 0.0
	for _, done := range p {
		sum += done
	}
	return int(100 * sum / float64(len(p)))
}
