package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/lormas/lormas/controller/internal/client"
)

type logsCommand struct {
	access    `embed:""`
	Container string `arg:"" help:"The container's name or id."`
	Follow    bool   `name:"follow" short:"f" help:"Go on with whatever comes."`
	Tail      int    `name:"tail" default:"100" placeholder:"LINES" help:"Lines of the past (default: ${default})."`
}

// Run prints the log as it comes.
func (c logsCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, containers, c.Container)
	if err != nil {
		return err
	}
	defer done()
	log := consoleLog{to: to, path: path + "/logs", tail: c.Tail, out: s.Out, err: s.Err}
	return log.print(ctx, c.Follow)
}

type attachCommand struct {
	access    `embed:""`
	Container string `arg:"" help:"The container's name or id."`
	Tail      int    `name:"tail" default:"50" placeholder:"LINES" help:"Lines of the past (default: ${default})."`
}

// Run prints what the container prints, and hands it what is typed, line by
// line. It ends with the log, at the end of what is typed, or with Ctrl-C,
// which the container does not notice.
func (c attachCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, containers, c.Container)
	if err != nil {
		return err
	}
	defer done()
	var seen struct{ Power string }
	if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: path}, &seen); err != nil {
		return err
	}
	if seen.Power != "running" {
		return &client.Problem{Status: http.StatusConflict, Detail: fmt.Sprintf("container %s is stopped: start it first, or see lormas container logs %s", c.Container, c.Container)}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() { stop(c.typed(ctx, s, to, path)) }()
	log := consoleLog{to: to, path: path + "/logs", tail: c.Tail, out: s.Out, err: s.Err}
	if err := log.print(ctx, true); err != nil {
		return err
	}
	if why := context.Cause(ctx); why != nil && !errors.Is(why, context.Canceled) {
		return why
	}
	return nil
}

// typed sends the lines of the standard input to the console.
func (c attachCommand) typed(ctx context.Context, s Streams, to *client.Client, path string) error {
	lines := bufio.NewScanner(s.In)
	for lines.Scan() {
		r := client.Request{Method: http.MethodPost, Path: path + "/command", Body: fields{"command": lines.Text()}}
		var j job
		err := to.Do(ctx, r, &j)
		var away *client.Unreachable
		switch {
		case errors.As(err, &away): // whether it arrived nobody knows: it is not sent twice
			fmt.Fprintf(s.Err, "lormas: %q may not have been delivered: %v\n", lines.Text(), err)
		case err != nil:
			return err
		}
	}
	return lines.Err()
}

type historyCommand struct {
	access    `embed:""`
	output    `embed:""`
	Container string `arg:"" help:"The container's name or id."`
}

// Run lists the moves that are over, newest first.
func (c historyCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, containers, c.Container)
	if err != nil {
		return err
	}
	defer done()
	past := noun{name: "move", columns: []column{
		{"AT", "timestamp"}, {"STATUS", "status"}, {"TRIGGER", "trigger"}, {"FROM", "fromNodeId|node"}, {"TO", "toNodeId|node"},
		{"MS", "durationMs"}, {"OVERLAP MS", "overlapMs"}, {"WHY", "reason"}, {"ERROR", "error"},
	}}
	var all []json.RawMessage
	query := url.Values{"limit": {"200"}}
	for {
		var page struct {
			Migrations []json.RawMessage `json:"migrations"`
			Next       string            `json:"next_cursor"`
		}
		if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: path + "/migration-history", Query: query}, &page); err != nil {
			return err
		}
		all = append(all, page.Migrations...)
		if page.Next == "" {
			return c.list(ctx, s, to, past, all)
		}
		query.Set("cursor", page.Next)
	}
}
