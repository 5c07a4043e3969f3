package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/mqttlink"
)

// listen runs mosquitto_sub with an API token until ctx ends and returns
// what it printed.
func (s scenario) listen(ctx context.Context, token string, count int) string {
	s.Helper()
	args := switchNamespace(s.lab.Name).inside("mosquitto_sub", "-h", controllerIP, "-p", mqttPort,
		"-u", "tool", "-P", token, "-t", "lormas/v1/#", "-F", "%t", "-C", fmt.Sprint(count))
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		s.Fatalf("mosquitto_sub: %v: %s", err, out)
	}
	return string(out)
}

func (s scenario) apiToken(permissions ...string) (id, token string) {
	s.Helper()
	var out struct{ ID, Token string }
	s.call(http.MethodPost, "/auth/tokens", map[string]any{"name": "tool", "permissions": permissions}, &out)
	return out.ID, out.Token
}

// A tool with a token subscribes to everything and is sent what the token
// may see.
func TestATokenSeesAsMuchAsItMay(t *testing.T) {
	s := begin(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, narrow := s.apiToken("node.health.view")
	for line := range strings.Lines(s.listen(ctx, narrow, len(s.lab.Nodes))) {
		if !strings.HasSuffix(line, "/health\n") {
			t.Errorf("a token for the health of nodes was sent %s", line)
		}
	}
	_, wide := s.apiToken("*")
	if heard := s.listen(ctx, wide, 10); !strings.Contains(heard, "/heartbeat") {
		t.Errorf("a token for everything heard no heartbeat:\n%s", heard)
	}
}

func TestARevokedTokenIsTurnedAway(t *testing.T) {
	s := begin(t)
	id, token := s.apiToken("*")
	s.call(http.MethodDelete, "/auth/tokens/"+id, nil, nil)
	args := switchNamespace(s.lab.Name).inside("mosquitto_sub", "-h", controllerIP, "-p", mqttPort, "-u", "tool", "-P", token, "-t", "lormas/v1/#", "-C", "1")
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err == nil || !strings.Contains(strings.ToLower(string(out)), "not authorised") {
		t.Errorf("mosquitto_sub with a revoked token: %v: %s", err, out)
	}
}

// Taking a node's credential away ends its connection at once, and it is not
// let in again.
func TestRevokingACredentialCutsTheNode(t *testing.T) {
	s := begin(t)
	var made struct{ ID, Token string }
	s.call(http.MethodPost, "/nodes", map[string]string{"name": "short-lived"}, &made)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	up, down := make(chan struct{}, 1), make(chan error, 10)
	ended := make(chan error, 1)
	go func() {
		ended <- mqttlink.Run(ctx, mqttlink.Options{
			Servers: []string{"mqtt://" + MQTTAddress}, ClientID: made.ID, Username: made.ID,
			Credentials: func() string { return made.Token },
			Dial: func(ctx context.Context, _ *url.URL) (net.Conn, error) {
				return switchNamespace(s.lab.Name).dial(ctx, "tcp", MQTTAddress)
			},
			OnUp:   func(*mqttlink.Session) { up <- struct{}{} },
			OnDown: func(err error) { down <- err },
		})
	}()
	await(t, ctx, up)
	s.call(http.MethodDelete, "/nodes/"+made.ID+"/credential", nil, nil)
	var causes []mqttlink.Cause
	for len(causes) < 2 {
		var fault *mqttlink.Fault
		if !errors.As(await(t, ctx, down), &fault) {
			t.Fatal("the connection ended without a cause")
		}
		causes = append(causes, fault.Cause)
	}
	if want := []mqttlink.Cause{mqttlink.Lost, mqttlink.Refused}; !slices.Equal(causes, want) {
		t.Errorf("the connection went down because of %v, want %v", causes, want)
	}
	cancel()
	<-ended
	s.call(http.MethodDelete, "/nodes/"+made.ID, nil, nil)
}

// await receives, or fails the test when ctx ends first.
func await[T any](t *testing.T, ctx context.Context, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-ctx.Done():
		t.Fatal("nothing came in time")
	}
	return got
}

// What cannot be is refused with the field that is wrong, and nothing is
// made.
func TestBadContainersAreRefused(t *testing.T) {
	s := begin(t)
	egg := s.egg("bad", ProbeImage, map[string]any{
		"variables": []any{map[string]any{"name": "Key", "env": "KEY", "default": "", "rules": []string{"required"}, "user_viewable": true, "user_editable": true}},
	})
	taken := s.create("taken", s.egg("taken", DemoImage, nil), s.lab.Nodes[0], map[string]any{"ports": []any{map[string]any{"host": 8111, "container": 8080}}})
	s.awaitJob(taken.Job, "succeeded")
	for name, c := range map[string]struct {
		status int
		edit   func(map[string]any)
		says   string
	}{
		"an unknown egg":          {422, func(in map[string]any) { in["eggId"] = s.lab.Nodes[0].ID }, "eggId"},
		"a missing variable":      {422, func(in map[string]any) { delete(in, "environment") }, "environment.KEY"},
		"an image not of the egg": {422, func(in map[string]any) { in["image"] = "other" }, "image"},
		"a size that is none":     {422, func(in map[string]any) { in["resources"] = map[string]any{"cpu": 0.1, "memory": "much", "disk": "1g"} }, "resources.memory"},
		"more than any node":      {409, func(in map[string]any) { in["resources"] = map[string]any{"cpu": 999, "memory": "32m", "disk": "1m"} }, "cpu"},
		"a port that is taken": {409, func(in map[string]any) {
			in["ports"] = []any{map[string]any{"host": 8111, "container": 80}}
			in["nodeId"] = s.lab.Nodes[0].ID
		}, "ports[0].host"},
		"a name that is taken": {409, func(in map[string]any) { in["name"] = "taken" }, "name"},
		"an unknown field":     {422, func(in map[string]any) { in["colour"] = "red" }, "colour"},
		"a wrong type":         {422, func(in map[string]any) { in["name"] = 5 }, "name"},
	} {
		in := map[string]any{
			"name": "bad", "eggId": egg, "environment": map[string]string{"KEY": "x"},
			"resources": map[string]any{"cpu": 0.1, "memory": "32m", "disk": "16m"},
		}
		c.edit(in)
		if said := s.refused(c.status, http.MethodPost, "/containers", in); !strings.Contains(said, c.says) {
			t.Errorf("%s: the answer does not name %s: %s", name, c.says, said)
		}
	}
	var list struct{ Items []container }
	s.call(http.MethodGet, "/containers?limit=200", nil, &list)
	for _, c := range list.Items {
		if c.Name == "bad" {
			t.Errorf("a refused container was made: %+v", c)
		}
	}
	s.awaitJob(s.verb(taken.Container, "delete"), "succeeded")
}

// An image that nobody has fails the job with the cause and the next step,
// and leaves nothing on the node.
func TestAnImageThatCannotBePulledFailsTheJob(t *testing.T) {
	s := begin(t)
	made := s.create("no-image", s.egg("no-image", "127.0.0.1:1/none:1", nil), s.lab.Nodes[0], nil)
	done := s.awaitJob(made.Job, "failed")
	if !strings.Contains(done.Error, "127.0.0.1:1/none:1") {
		t.Errorf("the job's error does not name the image: %q", done.Error)
	}
	c := s.awaitPhase(made.Container, "failed")
	if left := s.inspect(s.lab.Nodes[0], c); len(left) != 0 {
		t.Errorf("the engine was left with %+v", left)
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}
