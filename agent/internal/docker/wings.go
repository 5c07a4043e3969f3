package docker

import (
	"context"
	"fmt"
	"maps"
	"os"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/network"

	"github.com/lormas/lormas/agent/internal/configfile"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

// DefaultWingsUser is whom containers of imported eggs run as, where nobody
// says otherwise: the number that Wings gets on most machines.
const DefaultWingsUser = "988:988"

// dress gives an instance of an imported egg the environment and the user that
// Wings would give it (EGG_SPEC §4.1, §4.3). Its marks stay: it is made of the
// same spec.
func (e *Engine) dress(ctx context.Context, in runtime.Instance) runtime.Instance {
	if !in.Spec.Wings {
		return in
	}
	facts := e.facts(ctx, in)
	env := maps.Clone(in.Spec.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, facts.Wings())
	env["TZ"] = e.zone(env)
	in.Spec.Env = env
	if in.Spec.User == "" {
		in.Spec.User = e.wingsUser
	}
	return in
}

// withOverhead is what Docker is told to allow where people allow so much:
// servers are told the latter, and Java needs some beside its heap.
func withOverhead(limit spec.Bytes) spec.Bytes {
	percent := spec.Bytes(105)
	switch {
	case limit <= 2048*spec.MiB:
		percent = 115
	case limit <= 4096*spec.MiB:
		percent = 110
	}
	return limit / 100 * percent
}

// zone is the time zone of a container: the one that it asks for where there
// is such a zone, else the node's.
func (e *Engine) zone(env map[string]string) string {
	for _, name := range []string{env["SERVER_TIMEZONE"], env["TZ"]} {
		if _, err := time.LoadLocation(name); name != "" && name != "Local" && err == nil {
			return name
		}
	}
	if name := time.Local.String(); name != "Local" {
		return name
	}
	return "UTC"
}

// facts are what the placeholders of an instance stand for on this node.
func (e *Engine) facts(ctx context.Context, in runtime.Instance) configfile.Facts {
	return configfile.Facts{ID: in.ID.String(), Spec: in.Spec, Interface: e.gateway(ctx)}
}

// defaultGateway is Docker's own default.
const defaultGateway = "172.17.0.1"

// gateway is the address of this node in the network of its containers.
func (e *Engine) gateway(ctx context.Context) string {
	bridge, err := e.api.NetworkInspect(ctx, network.NetworkBridge, network.InspectOptions{})
	if err != nil {
		return defaultGateway // the verb that asks is about to hear of it
	}
	for _, c := range bridge.IPAM.Config {
		if c.Gateway != "" {
			return c.Gateway
		}
	}
	return defaultGateway
}

// adopt gives the home volume of an imported egg to the user that it runs as,
// where it is another's: data that came from elsewhere, or a node whose user
// was changed. The directory itself is given away last, so that its owner
// tells whether all was, and a large volume is not walked with every start.
// Directories of the node that are mounted are not ours to give away.
func (e *Engine) adopt(in runtime.Instance) error {
	v, err := home(in)
	if err != nil || !in.Spec.Wings || len(v.Host) == 0 || v.Host[0] == '/' {
		return nil
	}
	uid, gid, numeric := numbers(in.Spec.User)
	dir, err := e.mounts.path(in, v)
	if err != nil || !numeric {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look whose the volume is: %w", err)
	}
	if owner, is := info.Sys().(*syscall.Stat_t); is && int(owner.Uid) == uid && int(owner.Gid) == gid {
		return nil
	}
	return handOver(dir, in.Spec.User)
}
