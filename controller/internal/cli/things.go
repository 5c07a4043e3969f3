package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/lormas/lormas/controller/internal/client"
)

// clusterCommands are what is done to clusters.
type clusterCommands struct {
	List   listCommand          `cmd:"" aliases:"ls" help:"List clusters."`
	Show   showCommand          `cmd:"" help:"Show a cluster."`
	Create clusterCreateCommand `cmd:"" help:"Add a cluster."`
	Edit   clusterEditCommand   `cmd:"" help:"Rename a cluster, or change how its nodes are watched."`
	Delete deleteCommand        `cmd:"" aliases:"rm" help:"Remove clusters that nothing refers to."`
}

func newClusterCommands() clusterCommands {
	return clusterCommands{List: listCommand{of: clusters}, Show: showCommand{of: clusters}, Delete: deleteCommand{of: clusters}}
}

// watched is how the nodes of a cluster are watched, as flags.
type watched struct {
	Description  *string `name:"description" placeholder:"TEXT" help:"What it is."`
	NodeProfile  *string `name:"node-profile" placeholder:"PROFILE" help:"How fast nodes are given up: standard, fast, lan, metered, or custom with --window."`
	Window       *string `name:"window" placeholder:"DURATION" help:"Of a custom profile, such as 12s."`
	OutagePolicy *string `name:"outage-policy" placeholder:"POLICY" help:"failover, hold, or failover_after, when the whole cluster falls silent."`
	OutageAfter  *string `name:"outage-after" placeholder:"DURATION" help:"With failover_after."`
}

func (w watched) fields() fields {
	f := fields{}
	put(f, "description", w.Description)
	put(f, "profile", w.NodeProfile)
	put(f, "window", w.Window)
	put(f, "outage_policy", w.OutagePolicy)
	put(f, "outage_after", w.OutageAfter)
	return f
}

type clusterCreateCommand struct {
	access  `embed:""`
	output  `embed:""`
	watched `embed:""`
	Name    string `arg:"" help:"The cluster's name."`
}

// Run adds the cluster.
func (c clusterCreateCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	body := c.fields()
	body["name"] = c.Name
	return c.send(ctx, s, to, clusters, client.Request{Method: http.MethodPost, Path: "/clusters", Body: body})
}

type clusterEditCommand struct {
	access  `embed:""`
	output  `embed:""`
	watched `embed:""`
	Cluster string  `arg:"" help:"The cluster's name or id."`
	Name    *string `name:"name" placeholder:"NAME" help:"Its new name."`
}

// Run changes what was said and leaves the rest.
func (c clusterEditCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, clusters, c.Cluster)
	if err != nil {
		return err
	}
	defer done()
	body := c.fields()
	put(body, "name", c.Name)
	if err := body.something(); err != nil {
		return err
	}
	return c.send(ctx, s, to, clusters, client.Request{Method: http.MethodPatch, Path: path, Body: body})
}

// eggCommands are what is done to eggs.
type eggCommands struct {
	List   listCommand      `cmd:"" aliases:"ls" help:"List eggs."`
	Show   showCommand      `cmd:"" help:"Show an egg."`
	Create eggCommand       `cmd:"" help:"Add an egg that was written down."`
	Edit   eggCommand       `cmd:"" help:"Replace an egg by what was written down."`
	Delete deleteCommand    `cmd:"" aliases:"rm" help:"Remove eggs that no container uses."`
	Import eggImportCommand `cmd:"" help:"Add eggs of Pterodactyl and Pelican, or bring those that are there up to their files."`
	Update eggUpdateCommand `cmd:"" help:"Bring an imported egg up to its newest file, from where it says that this is."`
	Export eggExportCommand `cmd:"" help:"Write an egg as a file for Pterodactyl or Pelican."`
	Check  eggCheckCommand  `cmd:"" help:"Read eggs of Pterodactyl and Pelican, and say what is wrong with them; needs no controller."`
}

func newEggCommands() eggCommands {
	return eggCommands{
		List: listCommand{of: eggs}, Show: showCommand{of: eggs}, Delete: deleteCommand{of: eggs},
		Create: eggCommand{method: http.MethodPost}, Edit: eggCommand{method: http.MethodPut},
	}
}

type eggCommand struct {
	access `embed:""`
	output `embed:""`
	method string

	Name string `arg:"" help:"The egg's name."`
	File string `name:"file" short:"f" required:"" placeholder:"FILE" help:"The egg in JSON or YAML; - is the standard input."`
}

// Run adds the egg, or replaces it.
func (c eggCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	path := eggs.path
	named := fields{"name": c.Name}
	if c.method == http.MethodPut {
		if path, err = eggs.at(ctx, to, c.Name); err != nil {
			return err
		}
		named = fields{} // the file may well rename it
	}
	body, err := file{c.File}.body(s, named)
	if err != nil {
		return err
	}
	if _, given := body["name"]; !given {
		body["name"] = c.Name
	}
	for _, ours := range []string{"id", "createdAt", "updatedAt", "generation"} {
		delete(body, ours) // show prints them, too
	}
	return c.send(ctx, s, to, eggs, client.Request{Method: c.method, Path: path, Body: body})
}

// jobCommands show jobs.
type jobCommands struct {
	List listCommand `cmd:"" aliases:"ls" help:"List jobs."`
	Show showCommand `cmd:"" help:"Show a job and its receipts."`
	Wait waitCommand `cmd:"" help:"Wait for a job's outcome."`
}

func newJobCommands() jobCommands {
	return jobCommands{List: listCommand{of: jobs}, Show: showCommand{of: jobs}}
}

type waitCommand struct {
	access `embed:""`
	Job    string `arg:"" help:"The job's id."`
}

// Run shows how far the job comes until it is over.
func (c waitCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	return wait(ctx, s, to, c.Job)
}

// tokenCommands are for one's own API tokens.
type tokenCommands struct {
	List   listCommand        `cmd:"" aliases:"ls" help:"List your API tokens."`
	Create tokenCreateCommand `cmd:"" help:"Make an API token; it is printed this once."`
	Revoke deleteCommand      `cmd:"" aliases:"rm" help:"Take API tokens back."`
}

func newTokenCommands() tokenCommands {
	own := tokens
	own.key = "" // the API lists them without looking for names
	return tokenCommands{List: listCommand{of: tokens}, Revoke: deleteCommand{of: own}}
}

type tokenCreateCommand struct {
	access      `embed:""`
	Name        string        `arg:"" help:"What it is for."`
	Permissions []string      `name:"permission" short:"p" required:"" placeholder:"PERMISSION" help:"What it may do of what you may do, such as container.view; may be repeated."`
	For         time.Duration `name:"for" placeholder:"DURATION" help:"How long it is good, such as 720h; empty: until it is taken back."`
}

// Run makes the token and prints it alone, so that it can be caught.
func (c tokenCreateCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	body := fields{"name": c.Name, "permissions": c.Permissions}
	if c.For != 0 {
		body["expiresAt"] = time.Now().Add(c.For).UTC().Format(time.RFC3339)
	}
	var made struct{ Token string }
	if err := to.Do(ctx, client.Request{Method: http.MethodPost, Path: "/auth/tokens", Body: body}, &made); err != nil {
		return err
	}
	fmt.Fprintln(s.Err, "The token is shown this once:")
	_, err = fmt.Fprintln(s.Out, made.Token)
	return err
}

// auditCommands read the audit trail.
type auditCommands struct {
	List   auditListCommand   `cmd:"" aliases:"ls" default:"withargs" help:"Read the audit trail, newest first."`
	Export auditExportCommand `cmd:"" help:"Write the audit trail as JSON lines."`
}

func newAuditCommands() auditCommands {
	return auditCommands{List: auditListCommand{listCommand: listCommand{of: audit}}}
}

// chosen narrows the audit trail, as flags.
type chosen struct {
	Verb       string `name:"verb" placeholder:"VERB" help:"Such as container.create, or container.* for all of a noun."`
	Outcome    string `name:"outcome" placeholder:"OUTCOME" help:"ok, denied or failed."`
	Actor      string `name:"actor" placeholder:"ID" help:"Who did it: id of a user, API token or node."`
	TargetKind string `name:"target-kind" placeholder:"NOUN" help:"What sort of thing it was done to, such as container."`
	Target     string `name:"target" placeholder:"ID" help:"What it was done to."`
	Address    string `name:"address" placeholder:"IP" help:"Where it came from."`
	Since      string `name:"since" placeholder:"TIME" help:"At this time (RFC 3339) or later; or how long ago, such as 2h."`
	Until      string `name:"until" placeholder:"TIME" help:"Before this time, in the same way."`
}

func (c chosen) query() (url.Values, error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"verb": c.Verb, "outcome": c.Outcome, "actor": c.Actor, "targetKind": c.TargetKind, "target": c.Target, "address": c.Address,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, value := range map[string]string{"since": c.Since, "until": c.Until} {
		if value == "" {
			continue
		}
		at, err := moment(value)
		if err != nil {
			return nil, &client.Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("--%s: %.40q is neither a time like 2026-11-26T09:00:00Z nor a duration like 2h", name, value)}
		}
		query.Set(name, at.UTC().Format(time.RFC3339))
	}
	return query, nil
}

// moment is a time, or how long ago it was.
func moment(text string) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(-ago), nil
	}
	return time.Parse(time.RFC3339, text)
}

type auditListCommand struct {
	listCommand `embed:""`
	chosen      `embed:""`
}

// Run prints the entries.
func (c auditListCommand) Run(ctx context.Context, s Streams) error {
	query, err := c.query()
	if err != nil {
		return err
	}
	return c.run(ctx, s, query)
}

type auditExportCommand struct {
	access `embed:""`
	chosen `embed:""`
	Query  string `name:"search" aliases:"query" short:"q" placeholder:"TEXT" help:"Only what has this in the name of who did it or of what it was done to."`
}

// Run copies the export to the standard output.
func (c auditExportCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	query, err := c.query()
	if err != nil {
		return err
	}
	if c.Query != "" {
		query.Set("q", c.Query)
	}
	body, err := to.Stream(ctx, client.Request{Method: http.MethodGet, Path: "/audit/export", Query: query})
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err = io.Copy(s.Out, body); err != nil && ctx.Err() == nil {
		return &client.Unreachable{Server: to.Server(), Err: fmt.Errorf("the export broke off: %w", err)}
	}
	return nil
}

// fleetCommands are about failovers as a whole.
type fleetCommands struct {
	Show    fleetShowCommand `cmd:"" help:"Show whether failovers are held, and why."`
	Hold    fleetVerbCommand `cmd:"" help:"Hold all failovers."`
	Release fleetVerbCommand `cmd:"" help:"Release held failovers."`
}

func newFleetCommands() fleetCommands {
	return fleetCommands{Hold: fleetVerbCommand{word: "hold"}, Release: fleetVerbCommand{word: "release"}}
}

type fleetShowCommand struct {
	access `embed:""`
	output `embed:""`
}

// Run shows it.
func (c fleetShowCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	return c.show(ctx, s, to, noun{}, "/fleet")
}

type fleetVerbCommand struct {
	access `embed:""`
	output `embed:""`
	word   string

	Reason string `name:"reason" placeholder:"TEXT" help:"Why, for those who read it later."`
}

// Run holds or releases.
func (c fleetVerbCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	r := client.Request{Method: http.MethodPost, Path: "/fleet/" + c.word}
	if c.Reason != "" {
		r.Body = fields{"reason": c.Reason}
	}
	return c.send(ctx, s, to, noun{}, r)
}
