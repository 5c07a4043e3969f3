package docker

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/docker/docker/client"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Options says which engine to use, and as whom.
type Options struct {
	Host          string    // such as unix:///run/docker.sock; "" is Docker's default, with its environment variables
	Controller    string    // names the controller; with Node it separates our containers from everybody else's
	Node          id.NodeID //
	DataDir       string    // of the agent; named volumes are kept below it
	AllowedMounts []string  // directories of the node that containers may mount from
	WingsUser     string    // uid:gid of containers of imported eggs; "": DefaultWingsUser

	// Forgetting is called before the log of a container that has ended goes
	// with it; nil: nobody wants to read it.
	Forgetting func(context.Context, id.ContainerID)
}

// Engine is a Docker engine, seen as one node of one controller. It is safe
// for concurrent use; verbs on one and the same container are for the caller
// to order.
type Engine struct {
	api    *client.Client
	owner  owner
	mounts mounts
	notes  notes

	wingsUser  string
	forgetting func(context.Context, id.ContainerID)

	installs string // where the scripts of installations are kept while they run

	shortages shortages
}

// dirMode is that of directories which containers use: they run as anybody.
const dirMode fs.FileMode = 0o755

// New prepares to talk to an engine; it does not have to answer yet.
func New(opt Options) (*Engine, error) {
	if opt.Controller == "" || opt.Node.IsZero() || !filepath.IsAbs(opt.DataDir) {
		return nil, fmt.Errorf("docker needs a controller, a node and an absolute data directory, not %q, %q and %q",
			opt.Controller, opt.Node, opt.DataDir)
	}
	m := mounts{volumes: filepath.Join(opt.DataDir, "volumes"), allowed: opt.AllowedMounts}
	n := notes{dir: filepath.Join(opt.DataDir, "updated")}
	installs := filepath.Join(opt.DataDir, "installs")
	for dir, mode := range map[string]fs.FileMode{m.volumes: dirMode, n.dir: 0o700, installs: 0o700} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return nil, fmt.Errorf("make a directory for containers: %w", err)
		}
	}
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if opt.Host != "" {
		options = append(options, client.WithHost(opt.Host))
	}
	api, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("prepare the docker client: %w", err)
	}
	if opt.WingsUser == "" {
		opt.WingsUser = DefaultWingsUser
	}
	return &Engine{
		wingsUser: opt.WingsUser, forgetting: opt.Forgetting,
		api: api, owner: owner{opt.Controller, opt.Node}, mounts: m, notes: n, installs: installs,
		shortages: shortages{at: map[string]time.Time{}},
	}, nil
}

// Close drops the idle connections to the engine.
func (e *Engine) Close() error { return e.api.Close() }

// Ping asks whether the engine answers.
func (e *Engine) Ping(ctx context.Context) error {
	if _, err := e.api.Ping(ctx); err != nil {
		return e.fault("ask docker whether it is there", err)
	}
	return nil
}

// Info asks the engine about itself.
func (e *Engine) Info(ctx context.Context) (runtime.Info, error) {
	info, err := e.api.Info(ctx)
	if err != nil {
		return runtime.Info{}, e.fault("ask docker about itself", err)
	}
	return runtime.Info{
		Version: info.ServerVersion, Arch: info.Architecture, CPUs: info.NCPU, Memory: spec.Bytes(info.MemTotal),
	}, nil
}
