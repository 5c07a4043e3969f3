package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-connections/nat"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
)

// The labels on everything that we make.
const (
	labelController = "lormas.controller"
	labelNode       = "lormas.node"
	labelContainer  = "lormas.container"
	labelEpoch      = "lormas.epoch"
	labelGeneration = "lormas.generation"
	labelSpecHash   = "lormas.spec_hash"
	labelHA         = "lormas.ha"      // available or exclusive; standard ones have none
	labelInstall    = "lormas.install" // number of the installation that was wanted; the first, 0, has none
	labelRole       = "lormas.role"    // installer; the containers themselves have none

	roleInstaller = "installer"
)

// policy is how a container is kept available: "" when it is not.
func policy(c spec.Container) string {
	switch {
	case c.Exclusive:
		return lease.Exclusive
	case c.HA:
		return lease.Available
	}
	return ""
}

// droppedCapabilities is what Wings drops (EGG_SPEC §4.3): root in a
// container keeps chown, kill, setuid and setgid, which entrypoints need to
// become somebody else. Ports below 1024 need none: Docker lets everybody
// bind them inside a container.
var droppedCapabilities = []string{
	"AUDIT_WRITE", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "NET_BIND_SERVICE",
	"NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT", "SYS_PTRACE",
}

// cpuPeriod is the kernel's default scheduling period in microseconds. Quota
// and period, unlike Docker's NanoCPUs, may exceed the cores of the machine:
// a node may be declared larger than it is.
const cpuPeriod = 100_000

// owner is for whom we make containers.
type owner struct {
	controller string
	node       id.NodeID
}

// ours selects the owner's containers, or only one of them.
func (o owner) ours(one ...id.ContainerID) filters.Args {
	args := filters.NewArgs(
		filters.Arg("label", labelController+"="+o.controller),
		filters.Arg("label", labelNode+"="+o.node.String()),
	)
	for _, c := range one {
		args.Add("label", labelContainer+"="+c.String())
	}
	return args
}

func (o owner) labels(in runtime.Instance) map[string]string {
	labels := map[string]string{
		labelController: o.controller,
		labelNode:       o.node.String(),
		labelContainer:  in.ID.String(),
		labelEpoch:      strconv.FormatInt(in.Epoch, 10),
		labelGeneration: strconv.FormatInt(in.Generation, 10),
		labelSpecHash:   in.SpecHash,
	}
	if in.Install > 0 {
		labels[labelInstall] = strconv.FormatInt(in.Install, 10)
	}
	if p := policy(in.Spec); p != "" {
		labels[labelHA] = p
	}
	return labels
}

// dockerName is readable, and unique to the container and its owner: two
// agents on one engine may have the same container while it moves.
func (o owner) dockerName(in runtime.Instance) string {
	sum := sha256.Sum256([]byte(o.controller + "\x00" + o.node.String() + "\x00" + in.ID.String()))
	return "lormas-" + in.Spec.Name + "-" + hex.EncodeToString(sum[:6])
}

// creation is what Docker is asked to make.
type creation struct {
	name   string
	config *container.Config
	host   *container.HostConfig
}

// healthcheck is nil where the image's own stays.
func healthcheck(h *spec.Health) *container.HealthConfig {
	if h == nil {
		return nil
	}
	return &container.HealthConfig{
		Test: append([]string{"CMD"}, h.Test...), Interval: time.Duration(h.Interval) * time.Second, Timeout: time.Duration(h.Timeout) * time.Second,
		StartPeriod: time.Duration(h.Start) * time.Second, Retries: h.Retries,
	}
}

// convert translates an instance, whose volumes have been resolved to binds.
func convert(o owner, in runtime.Instance, binds []mount.Mount) creation {
	exposed, bindings := ports(in.Spec.Ports)
	noInit := false
	return creation{
		name: o.dockerName(in),
		config: &container.Config{
			Hostname:     in.Spec.Name,
			Image:        in.Spec.Image,
			Cmd:          in.Spec.Command,
			User:         in.Spec.User,
			Env:          environment(o, in),
			Labels:       o.labels(in),
			ExposedPorts: exposed,
			Tty:          in.Spec.TTY,
			Healthcheck:  healthcheck(in.Spec.Health),
			OpenStdin:    true, // the console, and stopping by console text, need it; StdinOnce would end it with the first of them
		},
		host: &container.HostConfig{
			Resources:      limits(in.Spec),
			PortBindings:   bindings,
			Mounts:         binds,
			Tmpfs:          tmpfs(in.Spec),
			ReadonlyRootfs: in.Spec.ReadOnly,
			Init:           &noInit, // images bring their own; Docker's would hide their exit signals
			CapDrop:        droppedCapabilities,
			SecurityOpt:    []string{"no-new-privileges"},
			RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
			LogConfig:      logConfig(),
		},
	}
}

// logConfig is the same whatever the daemon's default: Logs must be able to
// read back.
func logConfig() container.LogConfig {
	return container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "5m", "max-file": "2"}}
}

// limits are what can be changed while the container lives.
func limits(c spec.Container) container.Resources {
	pids := c.Pids
	if pids == 0 {
		pids = spec.DefaultPids
	}
	memory := c.Resources.Memory
	if c.Wings {
		memory = withOverhead(memory)
	}
	return container.Resources{
		Memory:     int64(memory),
		MemorySwap: int64(memory), // memory and swap together: no swap
		CPUPeriod:  cpuPeriod,
		CPUQuota:   int64(c.Resources.CPU) * cpuPeriod / 1000,
		PidsLimit:  &pids,
	}
}

// environment tells a container what it is. Its epoch it can use as a fencing
// token towards others.
func environment(o owner, in runtime.Instance) []string {
	env := maps.Clone(in.Spec.Env)
	if env == nil {
		env = map[string]string{}
	}
	env[lease.EnvContainer], env[lease.EnvNode], env[lease.EnvEpoch] = in.ID.String(), o.node.String(), strconv.FormatInt(in.Epoch, 10)
	delete(env, lease.EnvHA) // of a standard container it would be a lie
	if p := policy(in.Spec); p != "" {
		env[lease.EnvHA] = p
	}
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

func ports(published []spec.Port) (nat.PortSet, nat.PortMap) {
	exposed, bindings := nat.PortSet{}, nat.PortMap{}
	for _, p := range published {
		for _, protocol := range p.Protocols() {
			inside := nat.Port(strconv.Itoa(p.Container) + "/" + protocol)
			exposed[inside] = struct{}{}
			bindings[inside] = append(bindings[inside], nat.PortBinding{HostIP: p.IP, HostPort: strconv.Itoa(p.Host)})
		}
	}
	return exposed, bindings
}

// tmpfs gives a container with a read-only root somewhere to write, unless a
// volume is there already.
func tmpfs(c spec.Container) map[string]string {
	taken := slices.ContainsFunc(c.Volumes, func(v spec.Volume) bool { return v.Container == "/tmp" })
	if !c.ReadOnly || taken {
		return nil
	}
	return map[string]string{"/tmp": tmpOptions}
}

// tmpOptions are those of a /tmp in memory.
const tmpOptions = "rw,exec,nosuid,size=100M"
