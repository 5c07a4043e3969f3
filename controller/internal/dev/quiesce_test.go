package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/lormas/lormas/shared/dockerd"
	"github.com/lormas/lormas/shared/id"
)

// sleeper starts a container with labels and returns its id.
func sleeper(t *testing.T, socket string, labels map[string]string) string {
	t.Helper()
	in, err := json.Marshal(map[string]any{"Image": "lormas-test/busybox:1", "Cmd": []string{"sleep", "600"}, "Labels": labels})
	if err != nil {
		t.Fatal(err)
	}
	docker := dockerClient(socket)
	defer docker.CloseIdleConnections()
	response, err := docker.Post("http://docker/containers/create", "application/json", bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil {
		t.Fatal(err)
	}
	if err := ask(t.Context(), docker, http.MethodPost, "/containers/"+made.ID+"/start", nil); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func TestOnlyTheNodesOwnContainersAreStopped(t *testing.T) {
	e, err := dockerd.Temp(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	image, err := dockerd.Busybox("lormas-test/busybox:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := dockerd.Load(t.Context(), e.Socket(), image); err != nil {
		t.Fatal(err)
	}
	ours, theirs := id.New[id.NodeID](), id.New[id.NodeID]()
	sleeper(t, e.Socket(), map[string]string{"lormas.node": ours.String()})
	other := sleeper(t, e.Socket(), map[string]string{"lormas.node": theirs.String()})

	if err := stopContainers(t.Context(), e.Socket(), ours); err != nil {
		t.Fatal(err)
	}
	var running []struct{ ID string }
	if err := ask(t.Context(), dockerClient(e.Socket()), http.MethodGet, "/containers/json", &running); err != nil {
		t.Fatal(err)
	}
	if len(running) != 1 || running[0].ID != other {
		t.Errorf("running are %v, want only %s", running, other)
	}
}
