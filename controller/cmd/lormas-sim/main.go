// Command lormas-sim plays the protocol of node loss and failover through bad
// weather; see controller/internal/sim.
package main

import (
	"os"

	"github.com/lormas/lormas/controller/internal/sim"
)

func main() { os.Exit(sim.Main(os.Args[1:], os.Stdout)) }
