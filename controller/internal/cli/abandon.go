package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
)

type secretsAbandonCommand struct {
	database  `embed:""`
	StateDir  string `name:"state-dir" default:"/var/lib/lormas" placeholder:"DIR" help:"That of a controller: its secret key is the new one, unless --secret-key names a file; where there is none it is made (default: ${default})."`
	SecretKey string `name:"secret-key" placeholder:"FILE" help:"The keys that seal secrets in the database from now on."`
	DryRun    bool   `name:"dry-run" help:"Only list what is lost."`
	Sure      bool   `name:"yes-the-key-is-lost" help:"Do not ask."`
}

// Run lists what is lost, asks, and gives it up.
func (c secretsAbandonCommand) Run(ctx context.Context, s Streams) error {
	ring, err := seal.Use(c.SecretKey, filepath.Join(c.StateDir, "secret.key"))
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	lost, err := db.Abandon(ctx, ring, true)
	if err != nil {
		return err
	}
	if err := printLost(s.Out, lost); err != nil || c.DryRun {
		return err
	}
	if !c.Sure {
		if err := s.agree("This cannot be taken back, not even when the key is found.", "lost", "--yes-the-key-is-lost"); err != nil {
			return err
		}
	}
	if lost, err = db.Abandon(ctx, ring, false); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "Given up: the second factors of %d people, secrets of %d containers. Start a controller with %s; "+
		"then set each secret again (lormas container edit NAME --secret KEY=VALUE) and start its container.\n",
		len(lost.Factors), len(lost.Containers), keyPlace(ring))
	return err
}

func keyPlace(ring *seal.Ring) string {
	if ring.Path() == "" {
		return "this key in LORMAS_SECRET_KEY"
	}
	return ring.Path()
}

func printLost(out io.Writer, lost store.Lost) error {
	var text strings.Builder
	for _, f := range lost.Factors {
		fmt.Fprintf(&text, "user %s: the second factor\n", f.Email)
	}
	for _, c := range lost.Containers {
		state := ""
		switch {
		case c.Deleted:
			state = " (deleted)"
		case c.Stopped:
			state = ", and it stops"
		}
		fmt.Fprintf(&text, "container %s: %s%s\n", c.Name, strings.Join(c.Secrets, ", "), state)
	}
	if text.Len() == 0 {
		text.WriteString("Nothing was sealed with the lost key but what controllers can make anew.\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}
