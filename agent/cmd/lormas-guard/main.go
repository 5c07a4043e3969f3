// Command lormas-guard ends exclusive containers of one node when their lease
// is over. The agent starts it, or systemd.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/shared/id"
)

var version = "dev" // set by the build

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP) // whoever reads the log may go
	if err := run(ctx); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "lormas-guard:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	flags := flag.NewFlagSet("lormas-guard", flag.ContinueOnError)
	node := flags.String("node", "", "whose exclusive containers it guards")
	nodeFile := flags.String("node-file", "", "a file with that, which the agent writes; it is waited for")
	dir := flags.String("dir", "/run/lormas", "where its socket and its record are; in memory")
	guest := flags.Bool("guest", false, "end when nothing is left to guard and no agent speaks to it")
	show := flags.Bool("version", false, "print the version and end")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	if *show {
		fmt.Println(version)
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("it has to run as root: else it could not end containers")
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	whose, err := name(ctx, *node, *nodeFile)
	if err != nil {
		return err
	}
	for _, fault := range guard.Harden() {
		log.Warn("under pressure it may be late", "why", fault)
	}
	return guard.Run(ctx, guard.Options{Node: whose, Dir: *dir, Guest: *guest, Log: log})
}

// name finds out which node this is.
func name(ctx context.Context, node, file string) (whose id.NodeID, err error) {
	if node != "" || file == "" {
		if err := whose.UnmarshalText([]byte(node)); err != nil {
			return whose, fmt.Errorf("--node: %w", err)
		}
		return whose, nil
	}
	for {
		if text, err := os.ReadFile(file); err == nil {
			if err := whose.UnmarshalText(bytes.TrimSpace(text)); err != nil {
				return whose, fmt.Errorf("%s: %w", file, err)
			}
			return whose, nil
		}
		select {
		case <-ctx.Done():
			return whose, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
