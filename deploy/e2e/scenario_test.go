package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lormas/lormas/deploy/e2e/crowd"
	"github.com/lormas/lormas/shared/dockerd"
)

// The scenarios run one after the other, those about the loss of nodes on one
// lab and all others on another, each with containers and names of its own;
// each leaves the lab whole.

// patience is what a scenario waits for anything: far more than it takes, as
// the machine may be busy.
const patience = 90 * time.Second

// labs are started when the first scenario needs them.
var labs struct {
	plain, ha sharedLab
	installed sharedLab
	journeys  sharedLab
	two       map[string]*sharedLab // by the broker that agents connect to
	witnesses atomic.Int64          // made so far: each has a name of its own
}

type sharedLab struct {
	once       sync.Once
	lab        *Lab
	err        error
	witnessEgg string
	crowd      *crowd.Crowd // simulated nodes beside those of the lab; nil: none
}

// scenario is a test's or benchmark's view of the lab: it fails where the lab
// returns an error.
type scenario struct {
	testing.TB
	lab    *Lab
	shared *sharedLab
}

// begin gives a test the lab. When the test fails, what every program logged
// is kept under artifacts/ and its end is printed.
func begin(t *testing.T) scenario {
	t.Helper()
	return ofLab(t, &labs.plain, func() (Options, error) {
		probe, err := probeImage()
		if err != nil {
			return Options{}, err
		}
		games, err := gameImages()
		return Options{Nodes: 2, Bin: bin, Images: append(games, probe)}, err
	})
}

func ofLab(t *testing.T, shared *sharedLab, options func() (Options, error)) scenario {
	t.Helper()
	shared.once.Do(func() {
		var opt Options
		if opt, shared.err = options(); shared.err == nil {
			shared.lab, shared.err = Start(context.Background(), opt)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	s := scenario{t, shared.lab, shared}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.lab.Report())
			s.keepLogs()
		}
	})
	return s
}

func (s scenario) keepLogs() {
	dir := filepath.Join("..", "..", "artifacts", strings.ReplaceAll(s.Name(), "/", "_"))
	if err := s.lab.KeepLogs(dir); err != nil {
		s.Logf("keep the logs: %v", err)
	}
}

// closeShared ends the labs of the scenarios, after the last test.
func closeShared() error {
	var errs []error
	for _, shared := range append(slices.Collect(maps.Values(labs.two)), &labs.plain, &labs.ha, &labs.installed, &labs.journeys) {
		if shared.lab != nil {
			errs = append(errs, shared.lab.Close())
		}
	}
	return errors.Join(errs...)
}

// ProbeImage is a shell whose containers write a line into /data/starts each
// time they start: the witness that nothing ran twice.
const ProbeImage = "lormas/probe:1"

func probeImage() (dockerd.Image, error) {
	image, err := dockerd.Busybox(ProbeImage)
	image.Files["data/.keep"] = dockerd.File{}
	image.Config.Entrypoint = []string{"/bin/sh", "-c", `echo start >> /data/starts; trap 'exit 0' TERM INT; while true; do sleep 1 & wait; done`}
	return image, err
}

func (s scenario) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// call sends a request that has to succeed.
func (s scenario) call(method, path string, in, out any) {
	s.Helper()
	s.must(s.lab.API.Call(s.Context(), method, path, in, out))
}

// refused sends a request that has to fail with a status, and returns the
// body of the answer.
func (s scenario) refused(status int, method, path string, in any) string {
	s.Helper()
	err := s.lab.API.Call(s.Context(), method, path, in, nil)
	if StatusOf(err) != status {
		s.Fatalf("%s %s: %v, want status %d", method, path, err, status)
	}
	return err.Error()
}

// await waits for a level.
func (s scenario) await(what string, probe Probe) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	if err := Await(ctx, what, probe); err != nil {
		s.Fatal(err)
	}
}

// What the API says of things.
type (
	container = Container
	job       = Job
	created   = Created
)

// egg files a template that runs an image.
func (s scenario) egg(name, image string, more map[string]any) string {
	s.Helper()
	egg, err := s.lab.NewEgg(s.Context(), name, image, more)
	s.must(err)
	return egg
}

// create makes a container on a node, small enough for all of them to fit.
func (s scenario) create(name, egg string, node *Node, more map[string]any) created {
	s.Helper()
	made, err := s.lab.NewContainer(s.Context(), name, egg, node, more)
	s.must(err)
	return made
}

// verb asks for something to be done to a container.
func (s scenario) verb(c container, verb string) job {
	s.Helper()
	var out job
	if verb == "delete" {
		s.call(http.MethodDelete, "/containers/"+c.ID, nil, &out)
	} else {
		s.call(http.MethodPost, "/containers/"+c.ID+"/"+verb, nil, &out)
	}
	return out
}

// awaitJob waits until a job is over, and it has to end in state.
func (s scenario) awaitJob(j job, state string) job {
	s.Helper()
	var seen job
	s.await("job "+j.Kind+" to be "+state, func(ctx context.Context) (bool, string, error) {
		seen = job{}
		err := s.lab.API.Call(ctx, http.MethodGet, "/jobs/"+j.ID, nil, &seen)
		return seen.State == state, fmt.Sprintf("%+v", seen), err
	})
	return seen
}

// awaitPhase waits until people are told that a container is in a phase.
func (s scenario) awaitPhase(c container, phase string) container {
	s.Helper()
	var seen container
	s.await(c.Name+" to be "+phase, func(ctx context.Context) (bool, string, error) {
		seen = container{}
		err := s.lab.API.Call(ctx, http.MethodGet, "/containers/"+c.ID, nil, &seen)
		return seen.Phase == phase, fmt.Sprintf("%+v", seen), err
	})
	return seen
}

// answers waits until a published port serves a page with a text in it.
func (s scenario) answers(node *Node, port int, text string) {
	s.Helper()
	s.await(fmt.Sprintf("port %d of %s to answer %q", port, node.Name, text), func(ctx context.Context) (bool, string, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		page, err := node.Get(ctx, port, "/")
		return strings.Contains(page, text), page, err
	})
}

// inspection is the part of "docker inspect" that the scenarios look at.
type inspection struct {
	ID    string
	State struct {
		Running   bool
		StartedAt string
	}
	Config     struct{ Labels map[string]string }
	HostConfig struct {
		NanoCpus      int64
		CpuQuota      int64
		Memory        int64
		MemorySwap    int64
		PidsLimit     int64
		CapDrop       []string
		SecurityOpt   []string
		RestartPolicy struct{ Name string }
		LogConfig     struct {
			Type   string
			Config map[string]string
		}
	}
}

// inspect lists what a node's engine has of a container, ended ones too.
func (s scenario) inspect(node *Node, c container) []inspection {
	s.Helper()
	found, err := node.containersOf(s.Context(), c.ID)
	s.must(err)
	return found
}

func (n *Node) containersOf(ctx context.Context, id string) ([]inspection, error) {
	var list []struct{ ID string }
	if err := n.Ask(ctx, http.MethodGet, containersByLabel("lormas.container="+id, true), nil, &list); err != nil {
		return nil, err
	}
	var out []inspection
	for _, entry := range list {
		var one inspection
		if err := n.Ask(ctx, http.MethodGet, "/containers/"+entry.ID+"/json", nil, &one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// awaitRunning waits until the node's engine runs exactly one such container,
// and not the run that began at before.
func (s scenario) awaitRunning(node *Node, c container, before string) inspection {
	s.Helper()
	var seen inspection
	s.await(fmt.Sprintf("%s to run on %s", c.Name, node.Name), func(ctx context.Context) (bool, string, error) {
		found, err := node.containersOf(ctx, c.ID)
		if err != nil || len(found) != 1 {
			return false, fmt.Sprintf("%d containers", len(found)), err
		}
		seen = found[0]
		return seen.State.Running && seen.State.StartedAt != before, fmt.Sprintf("%+v", seen.State), nil
	})
	return seen
}

// starts counts how often a probe container has been started, by what it
// wrote into its volume.
func (s scenario) starts(node *Node, c container) int {
	s.Helper()
	n, err := node.startsOf(c.ID)
	s.must(err)
	return n
}

// awaitStarts waits until a probe has written down that many starts: Docker
// calls it running before it has come to that.
func (s scenario) awaitStarts(node *Node, c container, want int) {
	s.Helper()
	s.await(fmt.Sprintf("%d starts of %s", want, c.Name), func(context.Context) (bool, string, error) {
		n, err := node.startsOf(c.ID)
		return n == want, fmt.Sprintf("%d starts", n), err
	})
}

func (n *Node) startsOf(id string) (int, error) {
	matches, err := filepath.Glob(filepath.Join(n.dir, "*", "volumes", id, "*", "starts"))
	if err != nil || len(matches) == 0 {
		return 0, err
	}
	text, err := os.ReadFile(matches[0])
	return strings.Count(string(text), "start\n"), err
}

// node is the lab's node with this id.
func (s scenario) node(id string) *Node {
	s.Helper()
	at := slices.IndexFunc(s.lab.Nodes, func(n *Node) bool { return n.ID == id })
	if at < 0 {
		s.Fatalf("the lab has no node %s", id)
	}
	return s.lab.Nodes[at]
}
