// Command lormas-agent runs the containers of one machine for a Lormas
// controller.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/lormas/lormas/agent/internal/app"
)

var version = "dev" // set by the build

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(app.Main{Version: version, Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr}.Run(ctx))
}
