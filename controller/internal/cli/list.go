package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/lormas/lormas/controller/internal/client"
)

// listCommand lists what one may see of a noun.
type listCommand struct {
	access `embed:""`
	output `embed:""`
	of     noun

	Query string `name:"search" aliases:"query" short:"q" placeholder:"TEXT" help:"Only those with this in their name, or what else one would look for."`
	Sort  string `name:"sort" placeholder:"FIELD" help:"Such as name or createdAt; with a - before it (--sort=-createdAt), the other way round."`
	Limit int    `name:"limit" placeholder:"N" help:"Stop after so many; 0: all there are."`
	Watch bool   `name:"watch" short:"w" help:"Go on, and print what changes."`
}

// Run prints the list, and with Watch what comes of it.
func (c listCommand) Run(ctx context.Context, s Streams) error { return c.run(ctx, s, nil) }

func (c listCommand) run(ctx context.Context, s Streams, query url.Values) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	return c.tell(ctx, s, to, query)
}

func (c listCommand) tell(ctx context.Context, s Streams, to *client.Client, query url.Values) error {
	asked := url.Values{}
	for key, values := range query {
		asked[key] = values
	}
	for name, value := range map[string]string{"q": c.Query, "sort": c.Sort} {
		if value != "" {
			asked.Set(name, value)
		}
	}
	if c.Watch {
		return c.watch(ctx, s, to, asked)
	}
	items, err := c.items(ctx, to, asked)
	if err != nil {
		return err
	}
	return c.list(ctx, s, to, c.of, items)
}

func (c listCommand) items(ctx context.Context, to *client.Client, query url.Values) ([]json.RawMessage, error) {
	items := []json.RawMessage{}
	for item, err := range to.List(ctx, c.of.path, query) {
		if err != nil {
			return nil, err
		}
		if items = append(items, item); len(items) == c.Limit {
			break
		}
	}
	return items, nil
}

// showCommand shows one thing.
type showCommand struct {
	access `embed:""`
	output `embed:""`
	of     noun

	Name string `arg:"" help:"Its name or id."`
}

// Run shows it with all it has.
func (c showCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, c.of, c.Name)
	if err != nil {
		return err
	}
	defer done()
	return c.show(ctx, s, to, c.of, path)
}

// deleteCommand removes things, or does something else to each that needs no
// words: DELETE at what they end in.
type deleteCommand struct {
	access `embed:""`
	of     noun

	Names []string `arg:"" name:"name" help:"Names or ids."`
}

// Run removes them one after the other, and stops at the first that it cannot.
func (c deleteCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	for _, name := range c.Names {
		path, err := c.of.at(ctx, to, name)
		if err != nil {
			return err
		}
		if err := to.Do(ctx, client.Request{Method: http.MethodDelete, Path: path}, nil); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(s.Out, "%s %s removed\n", c.of.name, name)
	}
	return nil
}
