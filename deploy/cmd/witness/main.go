// Command lormas-witness is the program of the lab's witness image: see
// deploy/witness.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/lormas/lormas/deploy/witness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	copy, err := witness.FromEnv(os.Getenv)
	if err == nil {
		err = copy.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
