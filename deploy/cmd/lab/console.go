package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lormas/lormas/deploy/e2e"
)

// console turns typed lines into deeds.
type console struct {
	lab *e2e.Lab
	out io.Writer
}

// commandTimeout is for one command.
const commandTimeout = 60 * time.Second

// nodeVerbs are the commands that take the number of a node.
var nodeVerbs = map[string]func(context.Context, *e2e.Node) error{
	"cut":         func(ctx context.Context, n *e2e.Node) error { return n.CutLink(ctx) },
	"cut-one-way": func(ctx context.Context, n *e2e.Node) error { return n.CutOneWay(ctx) },
	"heal":        func(ctx context.Context, n *e2e.Node) error { return n.HealLink(ctx) },
	"power-off":   func(_ context.Context, n *e2e.Node) error { return n.PowerLoss() },
	"power-on":    func(ctx context.Context, n *e2e.Node) error { return n.PowerOn(ctx) },
}

// partVerbs are the commands that take the name of a part.
var partVerbs = map[string]func(context.Context, *e2e.Part) error{
	"kill":   func(_ context.Context, p *e2e.Part) error { return p.Kill() },
	"stop":   func(ctx context.Context, p *e2e.Part) error { return p.Stop(ctx) },
	"start":  func(ctx context.Context, p *e2e.Part) error { return p.Start(ctx) },
	"pause":  func(_ context.Context, p *e2e.Part) error { return p.Pause() },
	"resume": func(_ context.Context, p *e2e.Part) error { return p.Resume() },
}

// obey carries out one line and reports whether it says to quit.
func (c console) obey(ctx context.Context, line string) (quit bool) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return false
	}
	if words[0] == "quit" || words[0] == "exit" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	if err := c.do(ctx, words[0], words[1:]); err != nil {
		fmt.Fprintln(c.out, err)
	}
	return false
}

func (c console) do(ctx context.Context, verb string, args []string) error {
	switch {
	case verb == "help":
		c.help()
		return nil
	case verb == "status":
		return c.status(ctx)
	case verb == "logs":
		fmt.Fprint(c.out, c.lab.Report())
		return nil
	case len(args) != 1:
		return fmt.Errorf("%s wants one word after it, or is not known; help lists the commands", verb)
	case nodeVerbs[verb] != nil:
		node, err := c.node(args[0])
		if err != nil {
			return err
		}
		return nodeVerbs[verb](ctx, node)
	case partVerbs[verb] != nil:
		part, err := c.part(args[0])
		if err != nil {
			return err
		}
		return partVerbs[verb](ctx, part)
	}
	return fmt.Errorf("%s is not known; help lists the commands", verb)
}

func (c console) help() {
	names := func(verbs []string) string { return strings.Join(slices.Sorted(slices.Values(verbs)), ", ") }
	fmt.Fprintf(c.out, "  status, logs, help, quit\n")
	fmt.Fprintf(c.out, "  %s  and the number of a node\n", names(slices.Collect(maps.Keys(nodeVerbs))))
	fmt.Fprintf(c.out, "  %s  and one of:", names(slices.Collect(maps.Keys(partVerbs))))
	for _, part := range c.lab.Parts() {
		fmt.Fprintf(c.out, " %s", part.Name)
	}
	fmt.Fprintln(c.out)
}

func (c console) status(ctx context.Context) error {
	for _, part := range c.lab.Parts() {
		state := map[bool]string{true: "runs", false: "is down"}[part.Running()]
		fmt.Fprintf(c.out, "  %-12s %s\n", part.Name, state)
	}
	for _, node := range c.lab.Nodes {
		state, err := c.lab.NodeState(ctx, node)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "  %-12s %s at %s, id %s\n", node.Name, state, node.IP, node.ID)
	}
	return nil
}

func (c console) node(word string) (*e2e.Node, error) {
	number, err := strconv.Atoi(word)
	if err != nil || number < 1 || number > len(c.lab.Nodes) {
		return nil, fmt.Errorf("there is no node %s: the nodes are 1 to %d", word, len(c.lab.Nodes))
	}
	return c.lab.Nodes[number-1], nil
}

func (c console) part(word string) (*e2e.Part, error) {
	for _, part := range c.lab.Parts() {
		if part.Name == word {
			return part, nil
		}
	}
	return nil, fmt.Errorf("there is no part %s; help lists them", word)
}
