package e2e

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/dockerd"
)

// The ground under the lab: network, engines, sweeping. No program of Lormas
// runs here.

// ground makes the network of a lab with no controller and no agents.
func ground(t *testing.T, nodes int) *Lab {
	t.Helper()
	lab, err := newLab(Options{Nodes: nodes, Bin: bin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := lab.makeNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lab
}

// serve runs a web server on a node, in place of an agent.
func serve(t *testing.T, node *Node, port string) {
	t.Helper()
	args := node.space.inside(filepath.Join(bin, "lormas-demo"))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"PORT=" + port}
	p, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
}

// reaches waits until the node's page on port 80 can be fetched, or cannot.
func reaches(t *testing.T, node *Node, want bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	what := map[bool]string{true: "the page to answer", false: "the page to vanish"}[want]
	err := Await(ctx, what, func(ctx context.Context) (bool, string, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		page, err := node.Get(ctx, 80, "/")
		return (err == nil) == want, page, nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLinksAreCutAndHealed(t *testing.T) {
	lab := ground(t, 2)
	for _, node := range lab.Nodes {
		serve(t, node, "80")
		reaches(t, node, true)
	}
	first, second := lab.Nodes[0], lab.Nodes[1]
	for name, cut := range map[string]func(context.Context) error{
		"both ways": first.CutLink,
		"one way":   first.CutOneWay,
	} {
		t.Run(name, func(t *testing.T) {
			if err := cut(t.Context()); err != nil {
				t.Fatal(err)
			}
			reaches(t, first, false)
			reaches(t, second, true)
			if err := first.HealLink(t.Context()); err != nil {
				t.Fatal(err)
			}
			reaches(t, first, true)
		})
	}
}

func TestTheMachineHasNoPartInTheLab(t *testing.T) {
	ground(t, 1)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if strings.HasPrefix(address.String(), subnet) {
			t.Errorf("the machine has the address %s", address)
		}
	}
}

func TestForwardReachesIntoTheLab(t *testing.T) {
	lab := ground(t, 1)
	serve(t, lab.Nodes[0], "80")
	reaches(t, lab.Nodes[0], true)
	address, err := lab.Forward(t.Context(), "127.0.0.1:0", lab.Nodes[0].IP+":80")
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %s", response.Status)
	}
}

// demoContainer runs the demo image on a node, published on port 80.
func demoContainer(t *testing.T, node *Node) {
	t.Helper()
	in := map[string]any{
		"Image":        DemoImage,
		"ExposedPorts": map[string]any{"8080/tcp": struct{}{}},
		"HostConfig":   map[string]any{"PortBindings": map[string]any{"8080/tcp": []any{map[string]string{"HostPort": "80"}}}},
	}
	var made struct{ ID string }
	if err := node.Ask(t.Context(), http.MethodPost, "/containers/create", in, &made); err != nil {
		t.Fatal(err)
	}
	if err := node.Ask(t.Context(), http.MethodPost, "/containers/"+made.ID+"/start", nil, nil); err != nil {
		t.Fatal(err)
	}
}

func TestPowerLossEndsEverythingAndKeepsTheDisk(t *testing.T) {
	lab := ground(t, 1)
	node := lab.Nodes[0]
	if err := node.startEngine(t.Context()); err != nil {
		t.Fatal(err)
	}
	demoContainer(t, node)
	reaches(t, node, true)

	if err := node.PowerLoss(); err != nil {
		t.Fatal(err)
	}
	reaches(t, node, false)
	if node.Docker.Running() || dockerd.Ping(t.Context(), node.Socket()) == nil {
		t.Error("the engine still runs")
	}

	if err := node.Docker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var containers []struct{ State string }
	if err := node.Ask(t.Context(), http.MethodGet, "/containers/json?all=true", nil, &containers); err != nil {
		t.Fatal(err)
	}
	if len(containers) != 1 || containers[0].State == "running" {
		t.Errorf("containers after the power came back: %+v, want one that does not run", containers)
	}
}

// asOwner makes this test binary own a lab and wait to be killed.
const asOwner = "LORMAS_LAB_TEST_OWNER"

func playOwner() int {
	ctx := context.Background()
	lab, err := newLab(Options{Nodes: 1, Bin: bin})
	if err == nil {
		err = lab.makeNetwork(ctx)
	}
	if err == nil {
		err = lab.Nodes[0].startEngine(ctx)
	}
	if err == nil {
		err = lab.Postgres.Start(ctx)
	}
	if err != nil {
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
		return 1
	}
	_, _ = os.Stdout.WriteString(lab.dir + "\n")
	select {}
}

func TestALabWhoseOwnerWasKilledIsSwept(t *testing.T) {
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), asOwner+"=1", "LORMAS_BIN="+bin)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	process, err := child.Start(owner, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(string(line[:n]))
	if !strings.HasPrefix(dir, root) {
		t.Fatalf("the owner said: %s", dir)
	}
	if err := sweepAbandoned(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("a lab that has an owner was swept: %v", err)
	}
	process.Kill()

	if err := sweepAbandoned(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, dir); left != "" {
		t.Errorf("left of the lab:\n%s", left)
	}
}

// traces lists what the machine still has of a lab: processes, mounts,
// namespaces, files.
func traces(t *testing.T, dir string) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	processes, err := exec.Command("ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(mounts) + string(processes)) {
		if strings.Contains(line, dir) || strings.Contains(line, namespacePrefix(filepath.Base(dir))) {
			found = append(found, line)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		found = append(found, dir)
	}
	return strings.Join(found, "")
}

func TestSweepEndsProgramsThatNobodyOwns(t *testing.T) {
	lab := ground(t, 1)
	// Whatever is called redis-server and works in the lab's directory is its
	// Redis; a copy of sleep is the mildest such thing.
	home := filepath.Join(lab.dir, "redis")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(home, "redis-server")
	if err := os.WriteFile(stray, text, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(stray, "600")
	cmd.Dir = home
	p, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if err := sweep(lab.dir); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	default:
		t.Error("the stray program still runs")
	}
}
