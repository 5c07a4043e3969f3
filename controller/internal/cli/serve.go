package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/reign"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/migrations"
)

type serveCommand struct {
	config.Config `embed:""`
}

// Run runs the controller until it is told to stop. When another one takes
// over, it begins anew and stands by.
func (c serveCommand) Run(ctx context.Context, s Streams) error {
	log := Logger(c.LogFormat, c.LogLevel, s.Err)
	for {
		main, err := app.New(ctx, c.Config, app.Options{Version: Version(), Log: log, Out: s.Out})
		if err != nil {
			return err
		}
		err = main.Run(ctx)
		if !errors.Is(err, reign.ErrDeposed) || ctx.Err() != nil {
			return err
		}
		log.Warn("deposed; beginning anew, to stand by", "reason", err)
	}
}

// Logger writes text for people on a terminal, and JSON elsewhere.
func Logger(format, level string, out *os.File) *slog.Logger {
	var from slog.Level
	if err := from.UnmarshalText([]byte(level)); err != nil {
		from = slog.LevelInfo // the configuration was checked; be of use anyway
	}
	onTerminal := term.IsTerminal(int(out.Fd()))
	if format == "text" || format == "auto" && onTerminal {
		return slog.New(tint.NewHandler(out, &tint.Options{Level: from, NoColor: !onTerminal}))
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: from}))
}

// database is the flag of commands that work on the database alone.
type database struct {
	DatabaseURL string `name:"database-url" required:"" placeholder:"URL" help:"Postgres, such as postgres://lormas:secret@db:5432/lormas."`
}

type migrateCommand struct {
	database `embed:""`
}

// Run brings the schema up to date.
func (c migrateCommand) Run(ctx context.Context, s Streams) error {
	applied, err := migrations.Up(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "The schema is up to date; %d migrations were applied.\n", applied)
	return err
}

type seedCommand struct {
	database      `embed:""`
	AdminEmail    string `name:"admin-email" default:"admin@lormas.local" placeholder:"EMAIL" help:"Of the first superuser."`
	AdminPassword string `name:"admin-password" placeholder:"PASSWORD" help:"Its password; better through LORMAS_ADMIN_PASSWORD_FILE. Empty: one is generated and printed."`
}

// Run makes the first superuser.
func (c seedCommand) Run(ctx context.Context, s Streams) error {
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	done, err := authn.Seed(ctx, db, authn.SeedOptions{Email: c.AdminEmail, Password: c.AdminPassword})
	switch {
	case err != nil:
		return err
	case !done.Created:
		_, err = fmt.Fprintln(s.Out, "There are users already: nothing was changed but the built-in roles.")
	case done.Generated != "":
		_, err = fmt.Fprintf(s.Out, "Superuser %s was made. Its password, shown this once: %s\n", done.Email, done.Generated)
	default:
		_, err = fmt.Fprintf(s.Out, "Superuser %s was made.\n", done.Email)
	}
	return err
}
