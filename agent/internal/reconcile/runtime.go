package reconcile

import (
	"context"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Runtime is the container engine, as far as it is told what to do. Verbs
// return when they are done; repeating one that is done changes nothing.
type Runtime interface {
	List(context.Context) ([]runtime.Found, error)
	Find(context.Context, id.ContainerID) (runtime.Found, error)
	Create(context.Context, runtime.Instance, func(wire.Progress)) error
	Configure(context.Context, runtime.Instance) error // before every start, where the spec has files
	Start(context.Context, id.ContainerID) error
	Stop(context.Context, id.ContainerID, spec.Stop) error
	Kill(context.Context, id.ContainerID) error
	Type(context.Context, id.ContainerID, string) error
	Remove(context.Context, id.ContainerID) error
	Update(context.Context, id.ContainerID, runtime.Instance) error
	Watch(context.Context, func(runtime.Change)) error
	Logs(context.Context, id.ContainerID, runtime.LogOptions, func([]byte) error) error
	Installer
}

// Installer fills the home volumes of containers.
type Installer interface {
	Installed(context.Context, runtime.Instance) (number int64, done bool, err error)
	PrepareInstall(context.Context, runtime.Instance, func(wire.Progress)) (runtime.Found, error)
	StartInstall(context.Context, id.ContainerID) (runtime.Found, error)
	AwaitInstall(context.Context, runtime.Instance) error
	AbortInstall(context.Context, id.ContainerID) error
}
