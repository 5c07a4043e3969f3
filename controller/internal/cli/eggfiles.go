package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/lormas/lormas/controller/internal/client"
	"github.com/lormas/lormas/shared/egg"
)

type eggImportCommand struct {
	access   `embed:""`
	Category string   `name:"category" placeholder:"ID" help:"Of the category to file them in (default: none, or as they are)."`
	DryRun   bool     `name:"dry-run" help:"Change nothing, and say what would be."`
	Same     string   `name:"egg" placeholder:"EGG" help:"The egg, by its name or id, that the file is a newer one of: for a file without a uuid."`
	Files    []string `arg:"" name:"file" help:"Files of eggs, folders and zips of them, and addresses from which the controller fetches them; - is the standard input."`
}

// importedEgg is what the controller says of a file.
type importedEgg struct {
	Egg      struct{ ID, Name string }
	Outcome  string
	Warnings []egg.Diagnostic
	Changes  []struct {
		Field         string
		Before, After json.RawMessage
	}
}

// Run sends one file after the other, and says of each by a line what became
// of it. One that is refused does not keep the others back.
func (c eggImportCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	if c.Same != "" {
		if c.Same, err = eggs.find(ctx, to, c.Same); err != nil {
			return err
		}
	}
	return countEggs(s.In, c.Files, "were not imported", func(name string, data []byte, unreadable error) (bool, error) {
		got, err := importedEgg{}, unreadable
		if at := isAddress(name); err == nil || at {
			err = to.Do(ctx, c.request(name, data, at), &got)
		}
		if gone(err) {
			return false, err
		}
		if err != nil {
			_, err = fmt.Fprintf(s.Out, "%s: failed: %v\n", name, err)
			return false, err
		}
		return true, got.print(s.Out, name)
	})
}

// isAddress reports whether a file is to be fetched by the controller.
func isAddress(name string) bool {
	return strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://")
}

func (c eggImportCommand) request(name string, data []byte, fetched bool) client.Request {
	query := url.Values{}
	if fetched {
		query.Set("url", name)
	}
	if c.Same != "" {
		query.Set("eggId", c.Same)
	}
	if c.Category != "" {
		query.Set("categoryId", c.Category)
	}
	if c.DryRun {
		query.Set("dryRun", "true")
	}
	r := client.Request{Method: http.MethodPost, Path: "/eggs/import", Query: query}
	if !fetched {
		r.Body, r.Header = data, map[string]string{"Content-Type": "application/octet-stream"}
	}
	return r
}

// gone is an error after which no other file fares better.
func gone(err error) bool {
	var u *client.Unreachable
	var p *client.Problem
	return errors.As(err, &u) || errors.Is(err, context.Canceled) || errors.As(err, &p) && p.Status == http.StatusUnauthorized
}

func (got importedEgg) print(out io.Writer, name string) error {
	line := fmt.Sprintf("%s: %s %q (%s)", name, got.Outcome, got.Egg.Name, got.Egg.ID)
	var changed []string
	for _, c := range got.Changes {
		changed = append(changed, c.Field)
	}
	if len(changed) > 0 {
		line += ", changed: " + strings.Join(changed, ", ")
	}
	for _, w := range got.Warnings {
		line += fmt.Sprintf("\n  warning: line %d, %s: %s", w.Line, w.Field, w.Message)
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

type eggExportCommand struct {
	access `embed:""`
	Format string `name:"format" enum:"PTDL_v2,PLCN_v3" default:"PLCN_v3" help:"PTDL_v2 for Pterodactyl or PLCN_v3 for Pelican (default: ${default})."`
	Source bool   `name:"source" help:"The file that it was imported from instead, byte for byte."`
	To     string `name:"to" short:"f" placeholder:"FILE" help:"Where to write it; empty: to the standard output."`
	Egg    string `arg:"" help:"The egg's name or id."`
}

// Run writes the file.
func (c eggExportCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	key, err := eggs.find(ctx, to, c.Egg)
	if err != nil {
		return err
	}
	r := client.Request{Method: http.MethodGet, Path: "/eggs/export/" + url.PathEscape(key), Query: url.Values{"format": {c.Format}}}
	if c.Source {
		r.Path, r.Query = "/eggs/source/"+url.PathEscape(key), nil
	}
	body, err := to.Stream(ctx, r)
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return &client.Unreachable{Server: to.Server(), Err: fmt.Errorf("the export broke off: %w", err)}
	}
	if c.To != "" {
		return os.WriteFile(c.To, text, 0o644)
	}
	_, err = s.Out.Write(text)
	return err
}
