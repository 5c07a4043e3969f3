// Command lab starts a lab (see package e2e) to play with: it prints how to
// reach it, takes commands on standard input (help lists them), and removes
// everything at the end.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/lormas/lormas/deploy/e2e"
)

type options struct {
	Nodes   int    `default:"3" help:"How many nodes."`
	Profile string `default:"standard" enum:"standard,fast,lan,metered" help:"How fast they are given up when they fall silent: standard (30 s), fast (8 s), lan (5 s) or metered (180 s)."`
	Bin     string `default:"bin" help:"The folder of the programs."`
	API     string `default:"127.0.0.1:7171" help:"Where this machine reaches the lab's API and dashboard."`
	MQTT    string `default:"127.0.0.1:1884" help:"Where this machine reaches the lab's broker."`
}

func main() {
	var opt options
	parsed := kong.Parse(&opt, kong.Name("lab"), kong.Description("A Lormas installation on one machine, to play with."))
	parsed.FatalIfErrorf(opt.Run())
}

// Run holds the lab from start to end.
func (o options) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cluster := &e2e.Cluster{Name: "room", Profile: o.Profile}
	lab, err := e2e.Start(ctx, e2e.Options{Nodes: o.Nodes, Bin: o.Bin, Cluster: cluster, Log: os.Stdout})
	if err != nil {
		return err
	}
	err = o.serve(ctx, lab)
	fmt.Println("closing the lab")
	if closeErr := lab.Close(); closeErr != nil {
		return closeErr
	}
	return err
}

// serve opens the doors to the lab and obeys the console until it says quit,
// ends, or ctx does.
func (o options) serve(ctx context.Context, lab *e2e.Lab) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	api, err := lab.Forward(ctx, o.API, e2e.APIAddress)
	if err != nil {
		return err
	}
	mqtt, err := lab.Forward(ctx, o.MQTT, e2e.MQTTAddress)
	if err != nil {
		return err
	}
	welcome(os.Stdout, lab, api, mqtt)
	lines := readLines(os.Stdin)
	shell := console{lab: lab, out: os.Stdout}
	for {
		fmt.Print("lab> ")
		select {
		case <-ctx.Done():
			fmt.Println()
			return nil
		case line, open := <-lines:
			if !open {
				<-ctx.Done() // without a console: until Ctrl-C
				return nil
			}
			if quit := shell.obey(ctx, line); quit {
				return nil
			}
		}
	}
}

func welcome(out io.Writer, lab *e2e.Lab, api, mqtt string) {
	fmt.Fprintf(out, "\n  dashboard and API  http://%s\n", api)
	fmt.Fprintf(out, "  MQTT               %s (user: any, password: an access or API token)\n", mqtt)
	fmt.Fprintf(out, "  login              %s / %s\n", e2e.AdminEmail, e2e.AdminPassword)
	for _, node := range lab.Nodes {
		fmt.Fprintf(out, "  %-18s %s  DOCKER_HOST=unix://%s  ip netns exec %s\n", node.Name, node.IP, node.Socket(), node.Namespace())
	}
	fmt.Fprint(out, "\nhelp lists the commands; quit or Ctrl-C removes everything.\n")
}

// readLines hands over lines as they come; its goroutine ends with the input,
// at the latest with the process.
func readLines(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}
