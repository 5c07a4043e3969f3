// Command lormas is the controller and its command line.
package main

import (
	"context"
	"os"

	"github.com/lormas/lormas/controller/internal/cli"
)

func main() { os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Standard())) }
