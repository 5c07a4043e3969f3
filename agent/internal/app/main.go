package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// Main is the whole program.
type Main struct {
	Version string
	Args    []string // without the program's name
	Stdout  io.Writer
	Stderr  io.Writer
}

// Run runs the agent until ctx ends, and returns the exit code of the
// program.
func (m Main) Run(ctx context.Context) int {
	config, run, err := parse(m.Args, m.Version, m.Stdout)
	if err != nil {
		fmt.Fprintf(m.Stderr, "lormas-agent: %v\n", err)
		return 2
	}
	if !run {
		return 0
	}
	log := config.logger(m.Stderr)
	if err := m.agent(ctx, config, log); err != nil {
		log.Error("the agent cannot run", "error", err)
		return 1
	}
	return 0
}

func (m Main) agent(ctx context.Context, config Config, log *slog.Logger) error {
	a, err := open(config, m.Version, log)
	if err != nil {
		return err
	}
	log.Info("agent started", "version", m.Version, "node", a.credential.node, "data", config.DataDir)
	err = a.run(ctx)
	log.Info("agent stopped; containers run on")
	return err
}
