package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/lormas/lormas/deploy/witness"
	"github.com/lormas/lormas/shared/dockerd"
)

// What people do with a fleet, through the API.

// Cluster is a set of nodes that live by one profile.
type Cluster struct {
	ID      string
	Name    string
	Profile string // standard, fast, lan, metered or custom
	Window  string // of a custom one, such as 1.5s
}

// MakeCluster creates a cluster and fills in its id.
func (l *Lab) MakeCluster(ctx context.Context, c *Cluster) error {
	in := map[string]any{"name": c.Name, "profile": c.Profile}
	if c.Window != "" {
		in["window"] = c.Window
	}
	var out struct{ ID string }
	err := l.API.Call(ctx, http.MethodPost, "/clusters", in, &out)
	c.ID = out.ID
	return err
}

// SetProfile makes a cluster's nodes live by another profile.
func (l *Lab) SetProfile(ctx context.Context, c *Cluster, profile, window string) error {
	in := map[string]any{"profile": profile}
	if window != "" {
		in["window"] = window
	}
	if err := l.API.Call(ctx, http.MethodPatch, "/clusters/"+c.ID, in, nil); err != nil {
		return err
	}
	c.Profile, c.Window = profile, window
	return nil
}

// Enter puts a node into a cluster.
func (n *Node) Enter(ctx context.Context, c *Cluster) error {
	return n.lab.API.Call(ctx, http.MethodPatch, "/nodes/"+n.ID, map[string]string{"cluster_id": c.ID}, nil)
}

// Container is what the API says of one.
type Container struct {
	ID, Name, NodeID, Phase, Reason, Power, Type string
	HAPolicy                                     string `json:"ha_policy"`
	HAPolicyReason                               string `json:"ha_policy_reason"`
	MigrationStatus                              string `json:"migration_status"`
	Epoch, Generation                            int64
	Ports                                        []struct{ Host, Container int }
	Warnings                                     []string
}

// Job is what the API says of one.
type Job struct {
	ID, Kind, State, Error string
	Progress               int
	Commands               []struct{ Action, Receipt, Message string }
}

// Created is the answer to a create.
type Created struct {
	Container
	Job Job
}

// Migration is what the API says of one: in a container's history, or while
// it is under way.
type Migration struct {
	ID, ContainerID, FromNodeID, ToNodeID string
	Status, State, Trigger, Reason        string
	Waiting, Error, Leftover              string
	Timestamp                             time.Time
	DetectMS, DecideMS, StopMS, StartMS   *int64
	DurationMS, OverlapMS                 *int64
}

// History is a container's moves, the newest first.
func (l *Lab) History(ctx context.Context, container string) ([]Migration, error) {
	var out struct{ Migrations []Migration }
	err := l.API.Call(ctx, http.MethodGet, "/containers/"+container+"/migration-history", nil, &out)
	return out.Migrations, err
}

// Container is what the API says of a container now.
func (l *Lab) Container(ctx context.Context, id string) (Container, error) {
	var out Container
	err := l.API.Call(ctx, http.MethodGet, "/containers/"+id, nil, &out)
	return out, err
}

// NewEgg files a template that runs an image; more goes into it as it is.
func (l *Lab) NewEgg(ctx context.Context, name, image string, more map[string]any) (string, error) {
	in := map[string]any{
		"name": name, "images": []any{map[string]string{"name": "default", "image": image}},
	}
	for key, value := range more {
		in[key] = value
	}
	var out struct{ ID string }
	err := l.API.Call(ctx, http.MethodPost, "/eggs", in, &out)
	return out.ID, err
}

// NewContainer makes a container that is small enough for many to fit; more
// goes into the request as it is. Without a node one is chosen.
func (l *Lab) NewContainer(ctx context.Context, name, egg string, node *Node, more map[string]any) (Created, error) {
	in := map[string]any{
		"name": name, "eggId": egg,
		"resources": map[string]any{"cpu": 0.1, "memory": "32m", "disk": "16m"},
	}
	if node != nil {
		in["nodeId"] = node.ID
	}
	for key, value := range more {
		in[key] = value
	}
	var out Created
	err := l.API.Call(ctx, http.MethodPost, "/containers", in, &out)
	return out, err
}

// Shared is a directory of the machine that is the same on every node.
func (l *Lab) Shared() string { return filepath.Join(l.dir, "shared") }

func makeShared(dir string) error {
	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o777); err != nil {
		return err
	}
	return os.Chmod(shared, 0o777) // whatever the umask
}

// WitnessImage writes into the shared directory that it runs; see package
// witness.
const WitnessImage = "lormas/witness:1"

func (l *Lab) witnessImage() (dockerd.Image, error) {
	program, err := dockerd.Program(filepath.Join(l.opt.Bin, "lormas-witness"))
	return dockerd.Image{
		Ref:    WitnessImage,
		Files:  map[string]dockerd.File{"lormas-witness": program},
		Config: dockerd.Config{Entrypoint: []string{"/lormas-witness"}},
	}, err
}

// WitnessVolumes mounts the shared directory, as a container's volumes.
func (l *Lab) WitnessVolumes() []any {
	return []any{map[string]any{"host": l.Shared(), "container": "/shared", "shared": true}}
}

// Overlaps is when two copies of a container ran side by side, by what they
// wrote down themselves.
func (l *Lab) Overlaps(container string) ([]witness.Overlap, error) {
	runs, err := witness.Runs(l.Shared())
	return witness.Of(container, witness.Overlaps(runs)), err
}

// containersByLabel is the path at which an engine lists containers that have
// a label.
func containersByLabel(label string, all bool) string {
	return fmt.Sprintf("/containers/json?all=%t&filters=%s", all, url.QueryEscape(`{"label":["`+label+`"]}`))
}
