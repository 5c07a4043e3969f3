package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lormas/lormas/controller/internal/client"
)

// containerCommands are what is done to containers.
type containerCommands struct {
	List      containerListCommand   `cmd:"" aliases:"ls" help:"List containers."`
	Show      showCommand            `cmd:"" help:"Show a container."`
	Create    containerCreateCommand `cmd:"" help:"Create a container out of an egg."`
	Edit      containerEditCommand   `cmd:"" help:"Change a container."`
	Delete    orderCommand           `cmd:"" aliases:"rm" help:"Delete containers."`
	Start     orderCommand           `cmd:"" help:"Start containers."`
	Stop      orderCommand           `cmd:"" help:"Stop containers."`
	Restart   orderCommand           `cmd:"" help:"Restart containers within a minute, or not at all."`
	Kill      orderCommand           `cmd:"" help:"Kill containers."`
	Reinstall orderCommand           `cmd:"" help:"Run the installation of containers again, over the files that are there."`
	Logs      logsCommand            `cmd:"" help:"Print what a container prints."`
	Attach    attachCommand          `cmd:"" help:"See a container's console and write to it."`
	Assign    assignCommand          `cmd:"" help:"Give a container to another owner."`
	Migrate   moveCommand            `cmd:"" help:"Move a container to another node, and watch it."`
	History   historyCommand         `cmd:"" help:"Show how a container moved."`
}

func newContainerCommands() containerCommands {
	post := func(word string) orderCommand { return orderCommand{method: http.MethodPost, suffix: "/" + word} }
	return containerCommands{
		List: containerListCommand{listCommand: listCommand{of: containers}}, Show: showCommand{of: containers},
		Delete: orderCommand{method: http.MethodDelete}, Start: post("start"), Stop: post("stop"), Restart: post("restart"), Kill: post("kill"), Reinstall: post("reinstall"),
	}
}

type containerListCommand struct {
	listCommand `embed:""`
	Node        string `name:"node" placeholder:"NODE" help:"Only those on this node."`
	Egg         string `name:"egg" placeholder:"EGG" help:"Only those of this egg."`
	Phase       string `name:"phase" placeholder:"PHASE" help:"Only those in this phase, such as failed."`
}

// Run prints the list.
func (c containerListCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	query := url.Values{}
	for _, by := range []struct {
		field, ref string
		of         noun
	}{{"nodeId", c.Node, nodes}, {"eggId", c.Egg, eggs}} {
		if by.ref == "" {
			continue
		}
		found, err := by.of.find(ctx, to, by.ref)
		if err != nil {
			return err
		}
		query.Set(by.field, found)
	}
	if c.Phase != "" {
		query.Set("phase", c.Phase)
	}
	return c.tell(ctx, s, to, query)
}

// making is what a container is made of, as flags.
type making struct {
	Image     string            `name:"image" placeholder:"NAME" help:"One of the egg's images."`
	Startup   string            `name:"startup" placeholder:"NAME" help:"One of the egg's start commands."`
	CPU       *float64          `name:"cpu" placeholder:"CORES" help:"Such as 1.5."`
	Memory    string            `name:"memory" placeholder:"SIZE" help:"Such as 512m."`
	Disk      string            `name:"disk" placeholder:"SIZE" help:"Such as 10g."`
	Env       map[string]string `name:"env" short:"e" mapsep:"none" placeholder:"KEY=VALUE" help:"A value of the environment; may be repeated."`
	Secrets   map[string]string `name:"secret" mapsep:"none" placeholder:"KEY=VALUE" help:"One that is never shown again; may be repeated."`
	Ports     []string          `name:"port" short:"p" placeholder:"[IP:]HOST:CONTAINER[/udp]" help:"A port; HOST 0: one is chosen. May be repeated."`
	Type      string            `name:"type" placeholder:"TYPE" help:"standard, or ha: it moves when its node is lost."`
	HAPolicy  string            `name:"ha-policy" placeholder:"POLICY" help:"available or exclusive."`
	Group     string            `name:"group" placeholder:"NAME" help:"Those of one group are kept on different nodes where possible."`
	Preferred string            `name:"preferred-cluster" placeholder:"CLUSTER" help:"Where it should rather be."`
}

// fields are what was said, as the API wants it.
func (m making) fields(ctx context.Context, to *client.Client) (fields, error) {
	f := fields{}
	for name, value := range map[string]string{"image": m.Image, "startup": m.Startup, "type": m.Type, "ha_policy": m.HAPolicy, "group": m.Group} {
		f.text(name, value)
	}
	resources := fields{}
	put(resources, "cpu", m.CPU)
	resources.text("memory", m.Memory)
	resources.text("disk", m.Disk)
	if len(resources) > 0 {
		f["resources"] = resources
	}
	if len(m.Env) > 0 {
		f["environment"] = m.Env
	}
	if len(m.Secrets) > 0 {
		f["secrets"] = m.Secrets
	}
	if err := f.ref(ctx, to, "preferred_cluster_id", clusters, m.Preferred); err != nil {
		return nil, err
	}
	return m.ports(f)
}

func (m making) ports(f fields) (fields, error) {
	if len(m.Ports) == 0 {
		return f, nil
	}
	list := make([]fields, len(m.Ports))
	for i, text := range m.Ports {
		port, err := parsePort(text)
		if err != nil {
			return nil, err
		}
		list[i] = port
	}
	f["ports"] = list
	return f, nil
}

// parsePort reads [ip:]host:container[/protocol], as Docker has it.
func parsePort(text string) (fields, error) {
	fault := &client.Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("--port %.60q: write it like 8080:80, 127.0.0.1:8080:80 or 0:25565/udp", text)}
	rest, protocol, _ := strings.Cut(text, "/")
	at := strings.LastIndex(rest, ":")
	if at < 0 {
		return nil, fault
	}
	container, err := strconv.Atoi(rest[at+1:])
	if err != nil {
		return nil, fault
	}
	ip, host := cutAddress(rest[:at])
	port := fields{"container": container}
	port.text("ip", ip)
	port.text("protocol", protocol)
	if number, err := strconv.Atoi(host); err != nil {
		return nil, fault
	} else if number != 0 {
		port["host"] = number
	}
	return port, nil
}

// cutAddress reads [ip:]rest; an IPv6 address stands in brackets.
func cutAddress(text string) (ip, rest string) {
	at := strings.LastIndex(text, ":")
	return strings.Trim(text[:max(at, 0)], "[]"), text[at+1:]
}

type containerCreateCommand struct {
	access    `embed:""`
	following `embed:""`
	file      `embed:""`
	making    `embed:""`
	Name      string   `arg:"" help:"The container's name."`
	Egg       string   `name:"egg" placeholder:"EGG" help:"The egg that it is made of."`
	Node      string   `name:"node" placeholder:"NODE" help:"Where; empty: it is chosen."`
	Owner     string   `name:"owner" placeholder:"USER" help:"Whose it is, by e-mail or id; empty: yours."`
	Volumes   []string `name:"volume" short:"v" placeholder:"HOST:CONTAINER[:ro][:shared]" help:"A volume: a path of the node, or a name. May be repeated."`
}

// Run creates it and shows how far that has come.
func (c containerCreateCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	body, err := c.making.fields(ctx, to)
	if err != nil {
		return err
	}
	body["name"] = c.Name
	if err := body.ref(ctx, to, "eggId", eggs, c.Egg); err != nil {
		return err
	}
	if err := body.ref(ctx, to, "nodeId", nodes, c.Node); err != nil {
		return err
	}
	if err := body.ref(ctx, to, "ownerId", users, c.Owner); err != nil {
		return err
	}
	if body["volumes"], err = parseVolumes(c.Volumes); err != nil {
		return err
	}
	if len(c.Volumes) == 0 {
		delete(body, "volumes")
	}
	if body, err = c.body(s, body); err != nil {
		return err
	}
	return c.follow(ctx, s, to, client.Request{Method: http.MethodPost, Path: "/containers", Body: body})
}

func parseVolumes(texts []string) ([]fields, error) {
	list := make([]fields, len(texts))
	for i, text := range texts {
		parts := strings.Split(text, ":")
		fault := &client.Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("--volume %.100q: write it like data:/var/lib/data, or /srv/data:/data:ro", text)}
		if len(parts) < 2 {
			return nil, fault
		}
		list[i] = fields{"host": parts[0], "container": parts[1]}
		for _, word := range parts[2:] {
			switch word {
			case "ro":
				list[i]["read_only"] = true
			case "shared":
				list[i]["shared"] = true
			default:
				return nil, fault
			}
		}
	}
	return list, nil
}

type assignCommand struct {
	access    `embed:""`
	Container string `arg:"" help:"The container's name or id."`
	Owner     string `arg:"" optional:"" name:"user" help:"Whose it is from now on, by e-mail or id; left out: nobody's."`
}

// Run gives the container away.
func (c assignCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, containers, c.Container)
	if err != nil {
		return err
	}
	defer done()
	body := fields{}
	if err := body.ref(ctx, to, "ownerId", users, c.Owner); err != nil {
		return err
	}
	if err := to.Do(ctx, client.Request{Method: http.MethodPost, Path: path + "/assign", Body: body}, nil); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "container %s belongs to %s\n", c.Container, cmp.Or(c.Owner, "nobody"))
	return nil
}

type containerEditCommand struct {
	access    `embed:""`
	following `embed:""`
	making    `embed:""`
	Container string   `arg:"" help:"The container's name or id."`
	Unset     []string `name:"unset" placeholder:"KEY" help:"A value of the environment, or a secret, to take away; may be repeated."`
}

// Run changes what was said and leaves the rest.
func (c containerEditCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, containers, c.Container)
	if err != nil {
		return err
	}
	defer done()
	body, err := c.making.fields(ctx, to)
	if err != nil {
		return err
	}
	if len(c.Unset) > 0 {
		if err := c.unset(ctx, to, path, body); err != nil {
			return err
		}
	}
	if err := body.something(); err != nil {
		return err
	}
	if body.only("environment", "secrets") { // which somebody may do who may do no more
		path += "/environment"
	}
	return c.follow(ctx, s, to, client.Request{Method: http.MethodPatch, Path: path, Body: body})
}

// unset takes values away, from among the secrets where they are some.
func (c containerEditCommand) unset(ctx context.Context, to *client.Client, path string, body fields) error {
	var have struct{ Secrets []string }
	if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: path}, &have); err != nil {
		return err
	}
	secret := map[string]bool{}
	for _, name := range have.Secrets {
		secret[name] = true
	}
	environment, secrets := map[string]any{}, map[string]any{}
	for name, value := range c.Env {
		environment[name] = value
	}
	for name, value := range c.Secrets {
		secrets[name] = value
	}
	for _, name := range c.Unset {
		if secret[name] {
			secrets[name] = nil
		} else {
			environment[name] = nil
		}
	}
	for field, values := range map[string]map[string]any{"environment": environment, "secrets": secrets} {
		if len(values) > 0 {
			body[field] = values
		}
	}
	return nil
}

// orderCommand is a verb that gives each container a job.
type orderCommand struct {
	access `embed:""`
	method string
	suffix string

	Names []string `arg:"" name:"name" help:"Names or ids."`
	Wait  bool     `name:"wait" help:"Wait for the outcome."`
}

// Run orders all, then waits for each where that is wanted.
func (c orderCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	var waiting []string
	for _, name := range c.Names {
		path, err := containers.at(ctx, to, name)
		if err != nil {
			return err
		}
		var j job
		if err := to.Do(ctx, client.Request{Method: c.method, Path: path + c.suffix}, &j); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(s.Out, "%s: %s %s (job %s)\n", name, j.Kind, j.State, j.ID)
		waiting = append(waiting, j.ID)
	}
	for _, id := range waiting {
		if !c.Wait {
			break
		}
		if err := wait(ctx, s, to, id); err != nil {
			return err
		}
	}
	return nil
}

type moveCommand struct {
	access         `embed:""`
	following      `embed:""`
	Container      string `arg:"" help:"The container's name or id."`
	To             string `name:"to" placeholder:"NODE" help:"Where to; empty: it is chosen."`
	Force          bool   `name:"force" help:"Do not wait for a node that does not answer."`
	Overlap        bool   `name:"overlap" help:"Start the new copy before the old one is stopped."`
	AcceptDataLoss bool   `name:"accept-data-loss" help:"What is in volumes that are not shared stays behind."`
	Reason         string `name:"reason" placeholder:"TEXT" help:"Why, for those who read it later."`
}

// Run moves it and shows how far that has come.
func (c moveCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, containers, c.Container)
	if err != nil {
		return err
	}
	defer done()
	body := fields{"force": c.Force, "overlap": c.Overlap, "acceptDataLoss": c.AcceptDataLoss}
	body.text("reason", c.Reason)
	if err := body.ref(ctx, to, "targetNodeId", nodes, c.To); err != nil {
		return err
	}
	return c.follow(ctx, s, to, client.Request{Method: http.MethodPost, Path: path + "/migrate", Body: body})
}
