package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/lormas/lormas/shared/dockerd"
)

// Node is one machine of the lab.
type Node struct {
	Number int    // from 1
	Name   string // node-1
	ID     string // given by the controller
	IP     string
	Agent  *Part
	Docker *Part

	lab   *Lab
	space namespace
	dir   string
}

func (l *Lab) newNode(i int) *Node {
	n := &Node{
		Number: i,
		Name:   fmt.Sprintf("node-%d", i),
		IP:     nodeIP(i),
		lab:    l,
		space:  nodeNamespace(l.Name, i),
		dir:    filepath.Join(l.dir, "n"+strconv.Itoa(i)),
	}
	n.Agent = n.agentPart()
	n.Docker = &Part{Name: fmt.Sprintf("dockerd-%d", i), launch: n.launchEngine}
	return n
}

func (n *Node) launchEngine(ctx context.Context) (instance, error) {
	log, err := n.lab.logs.of(n.Docker.Name)
	if err != nil {
		return nil, err
	}
	e, err := dockerd.Start(ctx, dockerd.Options{Dir: n.dir, NetNS: n.space.path(), BIP: bridgeIP(n.Number), Log: log})
	if err != nil {
		return nil, err
	}
	return engine{e}, nil
}

// startEngine brings up the node's Docker engine with the lab's images in it.
func (n *Node) startEngine(ctx context.Context) error {
	if err := n.Docker.Start(ctx); err != nil {
		return err
	}
	images, err := n.lab.images()
	if err != nil {
		return err
	}
	for _, image := range images {
		if err := dockerd.Load(ctx, n.Socket(), image); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// Socket is the unix socket of the node's Docker engine.
func (n *Node) Socket() string { return filepath.Join(n.dir, "docker.sock") }

// Namespace is the name of the node's network namespace, for ip netns exec.
func (n *Node) Namespace() string { return string(n.space) }

// CutLink pulls the node's cable: packets vanish both ways, and nobody is
// told.
func (n *Node) CutLink(ctx context.Context) error { return n.setLink(ctx, "down") }

// HealLink puts the cable back and ends a one-way cut.
func (n *Node) HealLink(ctx context.Context) error {
	return errors.Join(n.setLink(ctx, "up"), n.healOneWay(ctx))
}

func (n *Node) setLink(ctx context.Context, state string) error {
	return run(ctx, "ip", "-n", string(switchNamespace(n.lab.Name)), "link", "set", portName(n.Number), state)
}

// CutOneWay drops what the node sends to the controller, while what the
// controller sends still arrives.
func (n *Node) CutOneWay(ctx context.Context) error {
	return run(ctx, n.oneWayRule("-A")...)
}

// healOneWay removes every rule that CutOneWay has added.
func (n *Node) healOneWay(ctx context.Context) error {
	for run(ctx, n.oneWayRule("-C")...) == nil {
		if err := run(ctx, n.oneWayRule("-D")...); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) oneWayRule(verb string) []string {
	return switchNamespace(n.lab.Name).inside("iptables", "-w", verb, "INPUT", "-s", n.IP, "-j", "DROP")
}

// PowerLoss ends everything on the node at the same moment: agent, guard,
// Docker engine, containers. The disk stays.
func (n *Node) PowerLoss() error {
	return errors.Join(n.Agent.Kill(), n.KillGuard(), n.Docker.Kill(), dockerd.Sweep(n.dir))
}

// PowerOn starts what a machine starts when it boots.
func (n *Node) PowerOn(ctx context.Context) error {
	if err := n.newBoot(); err != nil {
		return err
	}
	if err := n.Docker.Start(ctx); err != nil {
		return err
	}
	return n.Agent.Start(ctx)
}

// Get fetches a page from a port that a container publishes on the node, from
// where its neighbours are.
func (n *Node) Get(ctx context.Context, port int, path string) (string, error) {
	address := url.URL{Scheme: "http", Host: net.JoinHostPort(n.IP, strconv.Itoa(port)), Path: path}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:       switchNamespace(n.lab.Name).dial,
		DisableKeepAlives: true, // each answer says what is listening now
	}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s: %s", address.String(), response.Status, text)
	}
	return string(text), nil
}

// Ask speaks to the node's Docker engine: a path such as /containers/json. A
// body and an answer are JSON; either may be nil.
func (n *Node) Ask(ctx context.Context, method, path string, in, out any) error {
	return dockerClient(n.Socket()).call(ctx, method, path, in, out)
}

// dockerClient speaks to the engine at a unix socket.
func dockerClient(socket string) client {
	return client{base: "http://docker", http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

// DemoImage serves a greeting over HTTP; see deploy/demo.
const DemoImage = "lormas/demo:1"

// images is what every node has without a registry.
func (l *Lab) images() ([]dockerd.Image, error) {
	program, err := dockerd.Program(filepath.Join(l.opt.Bin, "lormas-demo"))
	if err != nil {
		return nil, err
	}
	demo := dockerd.Image{
		Ref:    DemoImage,
		Files:  map[string]dockerd.File{"lormas-demo": program},
		Config: dockerd.Config{User: "65534", Entrypoint: []string{"/lormas-demo"}},
	}
	witness, err := l.witnessImage()
	return append([]dockerd.Image{demo, witness}, l.opt.Images...), err
}

// credentialFile holds the node's credential for its agent.
func (n *Node) credentialFile() string { return filepath.Join(n.dir, "credential") }

// enrol creates the node at the controller and keeps its credential.
func (n *Node) enrol(ctx context.Context) error {
	var created struct{ ID, Token string }
	in := map[string]string{"name": n.Name}
	if n.lab.opt.Cluster != nil {
		in["cluster_id"] = n.lab.opt.Cluster.ID
	}
	if err := n.lab.API.Call(ctx, http.MethodPost, "/nodes", in, &created); err != nil {
		return err
	}
	n.ID = created.ID
	if err := n.newBoot(); err != nil {
		return err
	}
	if err := os.WriteFile(n.credentialFile(), []byte(created.Token+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the credential: %w", err)
	}
	return nil
}
