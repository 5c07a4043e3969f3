package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/dockerd"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/spec"
)

// The names that a second run finds its things by.
const (
	nodeName      = "local"
	eggName       = "Demo web server"
	containerName = "demo"
	demoImage     = "lormas/demo:1"
	demoPort      = 8080
)

// demo makes what a new installation shows, unless it is there already.
type demo struct {
	verbs *actions.Service
	actor authz.Actor
}

// node returns the local node, and the token of its agent, which is kept in
// tokenFile.
func (d demo) node(ctx context.Context, tokenFile string) (fleet.Node, error) {
	known, found, err := search(func(page store.Page) ([]fleet.Node, string, error) {
		return d.verbs.Nodes(ctx, d.actor, store.NodeFilter{Page: page})
	}, func(n fleet.Node) bool { return n.Name == nodeName })
	if err != nil {
		return known, err
	}
	if _, err := os.Stat(tokenFile); found && err == nil {
		return known, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return known, err
	}
	enrolled, err := d.enrol(ctx, known, found)
	if err != nil {
		return known, err
	}
	return enrolled.Node, os.WriteFile(tokenFile, []byte(enrolled.Token+"\n"), 0o600)
}

// enrol gives the agent a token: a new node's, or a new one of a node whose
// token was lost.
func (d demo) enrol(ctx context.Context, known fleet.Node, found bool) (actions.Enrolment, error) {
	if found {
		return d.verbs.RotateCredential(ctx, d.actor, known.ID, "")
	}
	return d.verbs.CreateNode(ctx, d.actor, actions.NewNode{Name: nodeName, Description: "this machine, made by lormas dev"})
}

// awaitNode waits until the agent has joined: before, nothing is known of the
// room on its machine.
func (d demo) awaitNode(ctx context.Context, node fleet.Node) error {
	return await(ctx, "the agent to join", func() (bool, string, error) {
		n, err := d.verbs.Node(ctx, d.actor, node.ID)
		return n.Health.State == fleet.NodeHealthy, string(n.Health.State), err
	})
}

// egg returns the template that the demo container is made from.
func (d demo) egg(ctx context.Context) (fleet.Egg, error) {
	known, found, err := search(func(page store.Page) ([]fleet.Egg, string, error) {
		return d.verbs.Eggs(ctx, d.actor, store.EggFilter{Page: page})
	}, func(e fleet.Egg) bool { return e.Egg.Name == eggName })
	if err != nil || found {
		return known, err
	}
	return d.verbs.CreateEgg(ctx, d.actor, actions.NewEgg{Egg: demoEgg()})
}

func demoEgg() egg.Egg {
	return egg.Egg{
		Name:        eggName,
		Description: "Greets its visitors over HTTP. Made by lormas dev; its image was built on this machine.",
		Author:      "Lormas",
		Images:      []egg.Image{{Name: "demo", Image: demoImage}},
		Ports:       []egg.Port{{Container: demoPort}},
		Done:        []string{"listening"},
		Variables: []egg.Variable{{
			Name: "Greeting", Description: "What visitors are told.", Env: "GREETING", Default: "Hello from Lormas",
			Rules: []string{"required", "string", "max:80"}, Viewable: true, Editable: true,
		}},
	}
}

// container returns the demo container on the node, to be awaited. One that
// somebody has stopped is started: to show it is what lormas dev is for.
func (d demo) container(ctx context.Context, node fleet.Node, from fleet.Egg) (fleet.Container, error) {
	known, found, err := search(func(page store.Page) ([]fleet.Container, string, error) {
		return d.verbs.Containers(ctx, d.actor, store.ContainerFilter{Page: page, Node: &node.ID})
	}, func(c fleet.Container) bool { return c.Name == containerName })
	if err != nil {
		return known, err
	}
	if found {
		if known.Power != spec.Running {
			_, err = d.verbs.StartContainer(ctx, d.actor, known.ID)
		}
		return known, err
	}
	made, err := d.verbs.CreateContainer(ctx, d.actor, actions.NewContainer{
		Name: containerName, EggID: from.ID, NodeID: &node.ID, Type: fleet.Standard,
		Resources: spec.Resources{CPU: 500, Memory: 64 * spec.MiB, Disk: 100 * spec.MiB},
	})
	return made.Container, err
}

// awaitContainer waits until the container runs.
func (d demo) awaitContainer(ctx context.Context, c fleet.Container) error {
	return await(ctx, "the demo container to run", func() (bool, string, error) {
		seen, err := d.verbs.Container(ctx, d.actor, c.ID)
		if err != nil {
			return false, "", err
		}
		state := string(seen.Phase())
		if seen.Observed != nil {
			state = strings.TrimSpace(state + " " + seen.Observed.Reason)
		}
		return seen.Phase() == spec.Up, state, nil
	})
}

// awaitTimeout bounds each wait: what takes longer does not come.
const awaitTimeout = 60 * time.Second

// awaitEvery is how often we look.
const awaitEvery = 50 * time.Millisecond

// await waits for a level. It says what was waited for and what was seen
// last when it does not come.
func await(ctx context.Context, what string, look func() (done bool, seen string, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for {
		done, seen, err := look()
		if done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waited for %s in vain: it is %q: %w", what, seen, context.Cause(ctx))
		}
	}
}

// search walks the pages of a list until something matches.
func search[T any](list func(store.Page) ([]T, string, error), match func(T) bool) (found T, ok bool, err error) {
	page := store.Page{Limit: 200}
	for {
		items, next, err := list(page)
		if err != nil {
			return found, false, err
		}
		for _, item := range items {
			if match(item) {
				return item, true, nil
			}
		}
		if next == "" {
			return found, false, nil
		}
		page.Cursor = next
	}
}

// loadDemoImage builds the image from the static program beside ours: no
// registry is asked.
func loadDemoImage(ctx context.Context, socket, bin string) error {
	program, err := dockerd.Program(filepath.Join(bin, "lormas-demo"))
	if err != nil {
		return err
	}
	return dockerd.Load(ctx, socket, dockerd.Image{
		Ref:    demoImage,
		Files:  map[string]dockerd.File{"lormas-demo": program},
		Config: dockerd.Config{User: "65534", Entrypoint: []string{"/lormas-demo"}},
	})
}
