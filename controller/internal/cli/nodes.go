package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lormas/lormas/controller/internal/client"
)

// nodeCommands are what is done to nodes.
type nodeCommands struct {
	List        listCommand       `cmd:"" aliases:"ls" help:"List nodes."`
	Show        showCommand       `cmd:"" help:"Show a node."`
	Create      nodeCreateCommand `cmd:"" aliases:"add" help:"Add a node and print the command that starts its agent."`
	Edit        nodeEditCommand   `cmd:"" help:"Rename a node, label it, or move it between clusters."`
	Delete      deleteCommand     `cmd:"" aliases:"rm" help:"Remove nodes that have no containers."`
	Cordon      verbCommand       `cmd:"" help:"Keep new containers away from nodes."`
	Uncordon    verbCommand       `cmd:"" help:"Let nodes have new containers again."`
	Drain       drainCommand      `cmd:"" help:"Have a node's containers moved to others, and watch it."`
	Rotate      rotateCommand     `cmd:"" help:"Give a node a new credential."`
	Revoke      verbCommand       `cmd:"" help:"Take nodes' credentials away and cut their connections."`
	ConfirmDead verbCommand       `cmd:"" name:"confirm-dead" help:"Vouch that silent nodes do not run."`
}

func newNodeCommands() nodeCommands {
	post := func(suffix, done string) verbCommand {
		return verbCommand{of: nodes, method: http.MethodPost, suffix: suffix, done: done}
	}
	return nodeCommands{
		List: listCommand{of: nodes}, Show: showCommand{of: nodes}, Delete: deleteCommand{of: nodes},
		Cordon: post("/cordon", "is given nothing new"), Uncordon: post("/uncordon", "is given containers again"),
		ConfirmDead: post("/confirm-dead", "counts as dead: its ha containers move"),
		Revoke:      verbCommand{of: nodes, method: http.MethodDelete, suffix: "/credential", done: "has no credential any more"},
	}
}

type nodeCreateCommand struct {
	access      `embed:""`
	Name        string            `arg:"" help:"The node's name."`
	Description string            `name:"description" placeholder:"TEXT" help:"What it is."`
	Cluster     string            `name:"cluster" placeholder:"CLUSTER" help:"The cluster that it belongs to, by name or id."`
	Labels      map[string]string `name:"label" mapsep:"none" placeholder:"KEY=VALUE" help:"A label; may be repeated."`
}

// Run adds the node and prints how to start its agent.
func (c nodeCreateCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	body := fields{"name": c.Name}
	body.text("description", c.Description)
	if err := body.ref(ctx, to, "cluster_id", clusters, c.Cluster); err != nil {
		return err
	}
	if len(c.Labels) > 0 {
		body["labels"] = c.Labels
	}
	return enrol(ctx, s, to, client.Request{Method: http.MethodPost, Path: "/nodes", Body: body})
}

// enrol prints how to start the agent of a node that got a credential.
func enrol(ctx context.Context, s Streams, to *client.Client, r client.Request) error {
	var made struct{ ID, Name, Command string }
	if err := to.Do(ctx, r, &made); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "Node %s (%s) waits for its agent. Run this on the machine; the token is shown this once:\n\n  %s\n\n",
		made.Name, made.ID, made.Command)
	return err
}

type rotateCommand struct {
	access `embed:""`
	Name   string `arg:"" help:"The node's name or id."`
}

// Run gives the node another credential.
func (c rotateCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, nodes, c.Name)
	if err != nil {
		return err
	}
	defer done()
	return enrol(ctx, s, to, client.Request{Method: http.MethodPost, Path: path + "/credential/rotate"})
}

type nodeEditCommand struct {
	access      `embed:""`
	output      `embed:""`
	Node        string            `arg:"" help:"The node's name or id."`
	Name        *string           `name:"name" placeholder:"NAME" help:"Its new name."`
	Description *string           `name:"description" placeholder:"TEXT" help:"What it is."`
	Cluster     *string           `name:"cluster" placeholder:"CLUSTER" help:"The cluster that it belongs to; empty: none."`
	Labels      map[string]string `name:"label" mapsep:"none" placeholder:"KEY=VALUE" help:"A label to set; without a value it is taken away. May be repeated."`
	Pools       []string          `name:"port-pool" sep:"none" placeholder:"[IP:]FIRST-LAST" help:"Host ports for containers that name none, in place of the present ones; empty: 20000-29999. May be repeated."`
}

// Run changes what was said and leaves the rest.
func (c nodeEditCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, nodes, c.Node)
	if err != nil {
		return err
	}
	defer done()
	body := fields{}
	put(body, "name", c.Name)
	put(body, "description", c.Description)
	if body, err = c.cluster(ctx, to, body); err != nil {
		return err
	}
	if len(c.Labels) > 0 {
		if body["labels"], err = c.labels(ctx, to, path); err != nil {
			return err
		}
	}
	if body, err = c.pools(body); err != nil {
		return err
	}
	if err := body.something(); err != nil {
		return err
	}
	return c.send(ctx, s, to, nodes, client.Request{Method: http.MethodPatch, Path: path, Body: body})
}

func (c nodeEditCommand) cluster(ctx context.Context, to *client.Client, body fields) (fields, error) {
	if c.Cluster == nil {
		return body, nil
	}
	found := ""
	if *c.Cluster != "" {
		var err error
		if found, err = clusters.find(ctx, to, *c.Cluster); err != nil {
			return nil, err
		}
	}
	body["cluster_id"] = found
	return body, nil
}

// labels are those that the node has, with the change over them: the API
// takes them as a whole.
func (c nodeEditCommand) labels(ctx context.Context, to *client.Client, path string) (map[string]string, error) {
	var node struct{ Labels map[string]string }
	if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: path}, &node); err != nil {
		return nil, err
	}
	if node.Labels == nil {
		node.Labels = map[string]string{}
	}
	for key, value := range c.Labels {
		if node.Labels[key] = value; value == "" {
			delete(node.Labels, key)
		}
	}
	return node.Labels, nil
}

func (c nodeEditCommand) pools(body fields) (fields, error) {
	if len(c.Pools) == 0 {
		return body, nil
	}
	list := []fields{}
	for _, text := range c.Pools {
		if text == "" {
			continue
		}
		pool, err := parsePool(text)
		if err != nil {
			return nil, err
		}
		list = append(list, pool)
	}
	body["portPools"] = list
	return body, nil
}

// parsePool reads [ip:]first-last.
func parsePool(text string) (fields, error) {
	ip, ports := cutAddress(text)
	begin, last, isRange := strings.Cut(ports, "-")
	first, err := strconv.Atoi(begin)
	end, endErr := strconv.Atoi(last)
	if !isRange || err != nil || endErr != nil {
		return nil, &client.Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("--port-pool %.60q: write it like 20000-29999 or 10.0.0.5:25565-25600", text)}
	}
	pool := fields{"first": first, "last": end}
	pool.text("ip", ip)
	return pool, nil
}

type drainCommand struct {
	access          `embed:""`
	following       `embed:""`
	Node            string        `arg:"" help:"The node's name or id."`
	Timeout         time.Duration `name:"timeout" default:"10m" help:"What has not left by then is moved by force."`
	IncludeStandard bool          `name:"include-standard" help:"Standard containers leave as well, but for those with data in volumes of their own."`
	Reason          string        `name:"reason" placeholder:"TEXT" help:"Why, for those who read it later."`
	Cancel          bool          `name:"cancel" help:"Call a drain off; the node stays cordoned."`
}

// Run drains the node and shows how far that has come.
func (c drainCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, nodes, c.Node)
	if err != nil {
		return err
	}
	defer done()
	if c.Cancel {
		if err := to.Do(ctx, client.Request{Method: http.MethodDelete, Path: path + "/drain"}, nil); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.Out, "The drain of %s is called off. It stays cordoned: lormas node uncordon %s ends that.\n", c.Node, c.Node)
		return err
	}
	seconds := int(c.Timeout.Seconds())
	if seconds < 1 {
		return &client.Problem{Status: http.StatusUnprocessableEntity, Detail: "--timeout must be a second or more"}
	}
	body := fields{"timeoutSeconds": seconds, "includeStandard": c.IncludeStandard}
	body.text("reason", c.Reason)
	return c.follow(ctx, s, to, client.Request{Method: http.MethodPost, Path: path + "/drain", Body: body})
}

// following waits for the job of a verb.
type following struct {
	NoWait bool `name:"no-wait" help:"Do not wait for the outcome: print the job's id."`
}

// job is as much of a job as its waiting needs.
type job struct {
	ID, Kind, State, Step, Error string
	Progress                     int
	Job                          *struct{ ID string } // in the answer to a create
}

// lookEvery is how often a job is looked at while somebody waits for it.
const lookEvery = 300 * time.Millisecond

// follow sends a request that gives a job, and shows the job's progress until
// it is over.
func (f following) follow(ctx context.Context, s Streams, to *client.Client, r client.Request) error {
	var raw json.RawMessage
	if err := to.Do(ctx, r, &raw); err != nil {
		return err
	}
	var started job
	if err := json.Unmarshal(raw, &started); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	id := started.ID
	if started.Job != nil {
		id = started.Job.ID
	}
	if f.NoWait {
		_, err := fmt.Fprintln(s.Out, id)
		return err
	}
	return wait(ctx, s, to, id)
}

// wait shows how far a job comes, a line for each change.
func wait(ctx context.Context, s Streams, to *client.Client, id string) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := ""
	for {
		var j job
		err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: "/jobs/" + id}, &j)
		if ctx.Err() != nil {
			return fmt.Errorf("not waited for any longer: job %s goes on, see lormas job show %s", id, id)
		}
		if err != nil {
			return err
		}
		if line := j.line(); line != last {
			fmt.Fprintln(s.Out, line)
			last = line
		}
		if over, err := j.over(); over {
			return err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (j job) line() string {
	line := fmt.Sprintf("%s  %-10s %3d%%", j.Kind, j.State, j.Progress)
	if j.Step != "" {
		line += "  " + cell(j.Step)
	}
	return line
}

func (j job) over() (bool, error) {
	switch j.State {
	case "succeeded":
		return true, nil
	case "failed", "expired", "superseded":
		if j.Error == "" {
			j.Error = "job " + j.ID + " is " + j.State
		}
		return true, errors.New(j.Error)
	}
	return false, nil
}
