// Command chaos hurts a lab at random and judges what its containers wrote
// down; see package chaos. It exits with 1 when an invariant did not hold.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/lormas/lormas/deploy/e2e"
	"github.com/lormas/lormas/deploy/e2e/chaos"
)

type options struct {
	Bin      string        `default:"bin" help:"The folder of the programs."`
	Duration time.Duration `default:"5m" help:"How long it storms."`
	Seed     int64         `help:"What the weather is made from; 0: chance."`
	Nodes    int           `default:"4" help:"How many nodes."`
	Keep     string        `default:"artifacts/chaos" help:"Where the logs are kept when something is wrong."`
}

func main() {
	var opt options
	parsed := kong.Parse(&opt, kong.Name("chaos"), kong.Description("Random faults on a lab, and a judgement."))
	parsed.FatalIfErrorf(opt.Run())
}

// Run storms over a lab of its own.
func (o options) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.Seed == 0 {
		o.Seed = rand.Int64N(1_000_000)
	}
	fmt.Printf("again with: make chaos DURATION=%s SEED=%d\n", o.Duration, o.Seed)
	cluster := &e2e.Cluster{Name: "chaos", Profile: chaos.Profile}
	lab, err := e2e.Start(ctx, e2e.Options{Nodes: o.Nodes, Bin: o.Bin, CPU: 16, Cluster: cluster, Log: os.Stdout})
	if err != nil {
		return err
	}
	report, err := chaos.Run(ctx, lab, chaos.Plan{Duration: o.Duration, Seed: o.Seed, Log: os.Stdout})
	if err == nil && len(report.Violations) > 0 {
		err = fmt.Errorf("%d violations", len(report.Violations))
	}
	if err != nil {
		err = errors.Join(err, lab.KeepLogs(o.Keep))
	}
	err = errors.Join(err, lab.Close())
	report.Print(os.Stdout)
	return err
}
