package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/dockerd"
)

// installed is a node on which the install line was run.
type installed struct {
	scenario
	*Machine
	node *Node
}

// The install line on a machine with systemd: both services run, each comes
// back by itself, and the guard ends what is exclusive when the agent is gone.
func TestTheInstallLine(t *testing.T) {
	s := ofLab(t, &labs.installed, func() (Options, error) {
		return Options{Nodes: 2, Bin: bin, CPU: 16, Cluster: &Cluster{Name: "room", Profile: "lan"}}, nil
	})
	m, err := s.lab.Nodes[1].BootMachine(s.Context())
	s.must(err)
	i := installed{scenario: s, Machine: m, node: &Node{Name: "installed", lab: s.lab}}
	t.Cleanup(func() {
		if t.Failed() {
			log, err := m.Run(context.Background(), "journalctl", "--no-pager", "-n", "100", "-u", "lormas-agent", "-u", "lormas-guard")
			t.Log(log, err)
		}
		if err := m.PowerOff(); err != nil {
			t.Error(err)
		}
	})
	i.prepare()
	i.install()
	i.do("systemctl", "is-enabled", "lormas-agent", "lormas-guard")
	if info, err := os.Stat(m.Path("/etc/lormas/agent.env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the token: %v, %v", info, err)
	}
	c := i.exclusive()
	i.bothAreKilled(c)
	i.updated(c)
	i.agentStopped(c)
}

func (i installed) do(command ...string) string {
	i.Helper()
	out, err := i.Run(i.Context(), command...)
	i.must(err)
	return out
}

// prepare gives the machine a Docker engine with the witness in it, and the
// directory that it writes to.
func (i installed) prepare() {
	i.Helper()
	i.do("systemctl", "start", "docker")
	image, err := i.lab.witnessImage()
	i.must(err)
	i.must(dockerd.Load(i.Context(), i.Path("/run/docker.sock"), image))
	i.do("mkdir", "-p", i.lab.Shared())
	i.do("mount", "--bind", i.lab.Shared(), i.lab.Shared())
}

// install runs the line that people are given, and waits until the node is
// well.
func (i installed) install() {
	i.Helper()
	var made struct{ ID, Token string }
	i.call(http.MethodPost, "/nodes", map[string]any{"name": i.node.Name, "cluster_id": i.lab.opt.Cluster.ID}, &made)
	i.node.ID = made.ID
	i.line("LORMAS_AGENT_TOKEN=" + made.Token)
	i.must(i.lab.AwaitNode(i.Context(), i.node, "healthy"))
}

func (i installed) line(env ...string) {
	i.Helper()
	script, err := filepath.Abs("../install-agent.sh")
	i.must(err)
	i.do(append(append([]string{"env", "LORMAS_BIN=" + bin}, env...), script, "mqtt://"+MQTTAddress)...)
}

// exclusive is a container on the installed node that must never run twice.
func (i installed) exclusive() container {
	i.Helper()
	egg := i.egg("installed", WitnessImage, nil)
	var made created
	i.await("the guard to be known, without which it is refused", func(ctx context.Context) (done bool, state string, err error) {
		made, err = i.lab.NewContainer(ctx, "installed", egg, i.node, map[string]any{"type": "ha", "ha_policy": "exclusive"})
		return err == nil, "", err
	})
	i.awaitJob(made.Job, "succeeded")
	return i.awaitPhase(made.Container, "running")
}

// mainPID is the process of a service, 0 when there is none.
func (i installed) mainPID(service string) string {
	i.Helper()
	return i.do("systemctl", "show", "--property=MainPID", "--value", service)
}

func (i installed) runs(c container) string {
	i.Helper()
	return i.do("docker", "ps", "--no-trunc", "--quiet", "--filter", "label=lormas.container="+c.ID)
}

// bothAreKilled shows that systemd starts both again, and that containers do
// not notice.
func (i installed) bothAreKilled(c container) {
	i.Helper()
	before := i.runs(c)
	for _, service := range []string{"lormas-guard", "lormas-agent"} {
		was := i.mainPID(service)
		i.do("systemctl", "kill", "--signal=KILL", service)
		i.await(service+" to be back", func(context.Context) (bool, string, error) {
			now := i.mainPID(service)
			return now != was && now != "0", now, nil
		})
	}
	i.must(i.lab.AwaitNode(i.Context(), i.node, "healthy"))
	if after := i.runs(c); before == "" || after != before {
		i.Errorf("the container was %q, and is %q", before, after)
	}
	i.atHome(c)
}

// updated runs the line again, without a token, as an update does.
func (i installed) updated(c container) {
	i.Helper()
	before, agent := i.runs(c), i.mainPID("lormas-agent")
	i.line()
	if after := i.mainPID("lormas-agent"); after == agent {
		i.Error("the agent is the old one")
	}
	i.must(i.lab.AwaitNode(i.Context(), i.node, "healthy"))
	if after := i.runs(c); before == "" || after != before {
		i.Errorf("the container was %q before the update, and is %q", before, after)
	}
}

// agentStopped shows that the guard does what it is for: the container is dead
// here by when it runs elsewhere.
func (i installed) agentStopped(c container) {
	i.Helper()
	i.do("systemctl", "stop", "lormas-agent")
	seen := i.moved(c)
	if left := i.runs(c); left != "" {
		i.Errorf("it runs on %s and, as %s, still here", seen.NodeID, left)
	}
	if log := i.do("journalctl", "--no-pager", "-u", "lormas-guard"); !strings.Contains(log, "the container is killed") {
		i.Errorf("the guard did not say that it killed it: %.2000s", log)
	}
}
