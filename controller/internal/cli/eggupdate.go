package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/lormas/lormas/controller/internal/client"
)

type eggUpdateCommand struct {
	access `embed:""`
	DryRun bool   `name:"dry-run" help:"Only show what would change."`
	Yes    bool   `name:"yes" short:"y" help:"Do not ask."`
	Egg    string `arg:"" help:"The egg's name or id."`
}

// Run shows what the newest file changes, asks, and changes it.
func (c eggUpdateCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	key, err := eggs.find(ctx, to, c.Egg)
	if err != nil {
		return err
	}
	r := client.Request{Method: http.MethodPost, Path: "/eggs/update/" + url.PathEscape(key), Query: url.Values{"dryRun": {"true"}}}
	var would importedEgg
	if err := to.Do(ctx, r, &would); err != nil {
		return err
	}
	if would.Outcome == "unchanged" {
		_, err := fmt.Fprintf(s.Out, "%s is up to date.\n", would.Egg.Name)
		return err
	}
	if err := would.printChanges(s.Out); err != nil || c.DryRun {
		return err
	}
	if !c.Yes {
		if err := s.agree(fmt.Sprintf("%s becomes this; containers keep what they were made with.", would.Egg.Name), "yes", "--yes"); err != nil {
			return err
		}
	}
	var got importedEgg
	r.Query = nil
	if err := to.Do(ctx, r, &got); err != nil {
		return err
	}
	return got.print(s.Out, c.Egg)
}

// printChanges shows each field as it was and as it is to be.
func (got importedEgg) printChanges(out io.Writer) error {
	for _, change := range got.Changes {
		_, err := fmt.Fprintf(out, "%s\n  - %s\n  + %s\n", change.Field, cmp.Or(string(change.Before), "(nothing)"), cmp.Or(string(change.After), "(nothing)"))
		if err != nil {
			return err
		}
	}
	return nil
}
