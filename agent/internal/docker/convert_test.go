package docker

import (
	"errors"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-connections/nat"
	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// The ids of the golden creation below.
const (
	goldenNode      = "0192f0c1-2345-7abc-8def-000000000001"
	goldenContainer = "0192f0c1-2345-7abc-8def-000000000002"
)

func golden(t *testing.T) (owner, runtime.Instance) {
	t.Helper()
	o := owner{controller: "ctl"}
	in := runtime.Instance{
		Epoch: 3, Generation: 7, SpecHash: "abc",
		Spec: spec.Container{Name: "web", Image: "img:1", Resources: spec.Resources{CPU: 1500, Memory: 512 * spec.MiB}},
	}
	if err := errors.Join(o.node.UnmarshalText([]byte(goldenNode)), in.ID.UnmarshalText([]byte(goldenContainer))); err != nil {
		t.Fatal(err)
	}
	return o, in
}

// smallest is what Docker is asked for when a spec says as little as it can;
// the cases below say how they differ.
func smallest() creation {
	noInit, pids := false, int64(512)
	return creation{
		name: "lormas-web-2cd6a46e05a6",
		config: &container.Config{
			Hostname: "web", Image: "img:1", Env: identity(), OpenStdin: true,
			ExposedPorts: nat.PortSet{},
			Labels: map[string]string{
				"lormas.controller": "ctl", "lormas.node": goldenNode, "lormas.container": goldenContainer,
				"lormas.epoch": "3", "lormas.generation": "7", "lormas.spec_hash": "abc",
			},
		},
		host: &container.HostConfig{
			Resources: container.Resources{
				Memory: 512 << 20, MemorySwap: 512 << 20, CPUPeriod: 100_000, CPUQuota: 150_000, PidsLimit: &pids,
			},
			PortBindings:  nat.PortMap{},
			Init:          &noInit,
			SecurityOpt:   []string{"no-new-privileges"},
			RestartPolicy: container.RestartPolicy{Name: "no"},
			LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "5m", "max-file": "2"}},
			CapDrop: []string{
				"AUDIT_WRITE", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "NET_BIND_SERVICE",
				"NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT", "SYS_PTRACE",
			},
		},
	}
}

// identity is what every container is told of itself.
func identity(more ...string) []string {
	env := append(more, "LORMAS_CONTAINER="+goldenContainer, "LORMAS_EPOCH=3", "LORMAS_NODE="+goldenNode)
	slices.Sort(env)
	return env
}

func TestConvert(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*spec.Container)
		want   func(*creation)
	}{
		"smallest": {func(*spec.Container) {}, func(*creation) {}},
		"environment is sorted, and what it is is ours to say": {
			func(c *spec.Container) {
				c.Env = map[string]string{"Z": "1", "A": "x=y", "LORMAS_EPOCH": "99", "LORMAS_HA": "exclusive", "LORMAS_NODE": "x"}
			},
			func(w *creation) { w.config.Env = identity("A=x=y", "Z=1") },
		},
		"an available one says so": {
			func(c *spec.Container) { c.HA = true },
			func(w *creation) {
				w.config.Env, w.config.Labels["lormas.ha"] = identity("LORMAS_HA=available"), "available"
			},
		},
		"an exclusive one, too": {
			func(c *spec.Container) { c.HA, c.Exclusive = true, true },
			func(w *creation) {
				w.config.Env, w.config.Labels["lormas.ha"] = identity("LORMAS_HA=exclusive"), "exclusive"
			},
		},
		"command, user, terminal": {
			func(c *spec.Container) { c.Command, c.User, c.TTY = []string{"a", "b c"}, "1000:1000", true },
			func(w *creation) { w.config.Cmd, w.config.User, w.config.Tty = []string{"a", "b c"}, "1000:1000", true },
		},
		"pids and a hundredth of a core": {
			func(c *spec.Container) { c.Pids, c.Resources.CPU = 9, 10 },
			func(w *creation) { *w.host.PidsLimit, w.host.CPUQuota = 9, 1000 },
		},
		"ports": {
			func(c *spec.Container) {
				c.Ports = []spec.Port{
					{Host: 8080, Container: 80, Protocol: "tcp"},
					{Host: 8081, Container: 80, Protocol: "tcp", IP: "127.0.0.1"},
					{Host: 8080, Container: 80, Protocol: "udp"},
				}
			},
			func(w *creation) {
				w.config.ExposedPorts = nat.PortSet{"80/tcp": {}, "80/udp": {}}
				w.host.PortBindings = nat.PortMap{
					"80/tcp": {{HostPort: "8080"}, {HostIP: "127.0.0.1", HostPort: "8081"}},
					"80/udp": {{HostPort: "8080"}},
				}
			},
		},
		"a read-only root has a /tmp": {
			func(c *spec.Container) { c.ReadOnly = true },
			func(w *creation) {
				w.host.ReadonlyRootfs, w.host.Tmpfs = true, map[string]string{"/tmp": "rw,exec,nosuid,size=100M"}
			},
		},
		"a volume on /tmp comes first": {
			func(c *spec.Container) {
				c.ReadOnly, c.Volumes = true, []spec.Volume{{Host: "scratch", Container: "/tmp"}}
			},
			func(w *creation) { w.host.ReadonlyRootfs = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, in := golden(t)
			c.change(&in.Spec)
			want := smallest()
			c.want(&want)
			if diff := cmp.Diff(want, convert(o, in, nil), cmp.AllowUnexported(creation{})); diff != "" {
				t.Errorf("creation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConvertKeepsBindsAndTheSpecsOwnMap(t *testing.T) {
	binds := []mount.Mount{{Type: mount.TypeBind, Source: "/srv/a", Target: "/a"}}
	in := runtime.Instance{Spec: spec.Container{Env: map[string]string{"A": "1"}}}
	got := convert(owner{}, in, binds)
	if diff := cmp.Diff(binds, got.host.Mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	if len(in.Spec.Env) != 1 {
		t.Errorf("the spec's environment became %v", in.Spec.Env)
	}
}

func TestDockerNamesAreUniqueToTheOwner(t *testing.T) {
	in := runtime.Instance{ID: id.New[id.ContainerID](), Spec: spec.Container{Name: "web"}}
	node := id.New[id.NodeID]()
	other := in
	other.ID = id.New[id.ContainerID]()
	seen := map[string]bool{}
	for _, name := range []string{
		owner{"a", node}.dockerName(in), owner{"a", id.New[id.NodeID]()}.dockerName(in),
		owner{"b", node}.dockerName(in), owner{"a", node}.dockerName(other),
	} {
		if seen[name] {
			t.Errorf("%s is given twice", name)
		}
		seen[name] = true
	}
}
