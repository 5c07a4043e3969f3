// Command bench-failover measures how fast containers come back when a node is
// lost, by Docker Swarm and by Lormas; see package bench.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/lormas/lormas/deploy/e2e"
	"github.com/lormas/lormas/deploy/e2e/bench"
)

type options struct {
	Bin      string `default:"bin" help:"The folder of the programs."`
	Rounds   int    `default:"5" help:"How often each is measured."`
	Replicas []int  `default:"1,20" help:"How many containers are on the lost node."`
	Only     string `help:"Measure but settings that begin so, such as 'lormas lan'."`
}

func main() {
	var opt options
	parsed := kong.Parse(&opt, kong.Name("bench-failover"), kong.Description("How fast containers come back when a node is lost."))
	parsed.FatalIfErrorf(opt.Run())
}

// Run measures on a lab of its own.
func (o options) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cluster := &e2e.Cluster{Name: "bench", Profile: "standard"}
	lab, err := e2e.Start(ctx, e2e.Options{Nodes: 3, Bin: o.Bin, CPU: 24, Cluster: cluster, Log: os.Stdout})
	if err != nil {
		return err
	}
	plan := bench.Plan{Rounds: o.Rounds, Replicas: o.Replicas, Only: o.Only, Log: os.Stdout}
	results, err := plan.Run(ctx, lab, cluster)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, lab.Report())
	}
	fmt.Println()
	bench.Print(os.Stdout, results)
	return errors.Join(err, lab.Close())
}
