package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/shared/id"
)

// stopContainers ends the containers that a node has running on the machine's
// own engine, so that lormas dev leaves no process behind. What they should
// be stays as it is: the agent starts them again on the next run. Call it
// when the agent has ended, or it would start them at once.
func stopContainers(ctx context.Context, socket string, node id.NodeID) error {
	docker := dockerClient(socket)
	defer docker.CloseIdleConnections()
	filters, err := json.Marshal(map[string][]string{"label": {"lormas.node=" + node.String()}})
	if err != nil {
		return err
	}
	var running []struct{ ID string }
	if err := ask(ctx, docker, http.MethodGet, "/containers/json?"+url.Values{"filters": {string(filters)}}.Encode(), &running); err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range running {
		group.Go(func() error { return ask(ctx, docker, http.MethodPost, "/containers/"+c.ID+"/stop?t=5", nil) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("stop containers: %w", err)
	}
	return nil
}

// dockerClient speaks to the engine at a unix socket. The SDK stays in the
// agent: all that is wanted here are two requests.
func dockerClient(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
}

// ask sends a request and decodes the answer into out, unless that is nil.
func ask(ctx context.Context, docker *http.Client, method, path string, out any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, nil)
	if err != nil {
		return err
	}
	response, err := docker.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	// Stopping what has stopped meanwhile answers "not modified".
	if response.StatusCode >= http.StatusBadRequest {
		return errors.New(response.Status + ": " + string(text))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
