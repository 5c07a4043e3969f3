package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/dockerd"
)

// GameImage runs what its volume has been installed with; ShellImage installs.
const (
	GameImage  = "lormas/game:1"
	ShellImage = "lormas/shell:1"
)

func gameImages() ([]dockerd.Image, error) {
	shell, err := dockerd.Busybox(ShellImage)
	if err != nil {
		return nil, err
	}
	game, err := dockerd.Busybox(GameImage)
	game.Config.Entrypoint = []string{"/bin/sh", "-c", "cd /home/container && exec sh ./start.sh"}
	return []dockerd.Image{shell, game}, err
}

// gameScript installs a server that keeps how often it was installed, and
// leaves what it finds alone. Its lines end as on Windows.
const gameScript = `#!/bin/sh
cd /mnt/server || exit 1
echo "installing $WORLD as $(id -u)"
[ -e world ] || echo "$WORLD" >world
echo again >>installs
cat >start.sh <<'END'
echo "world $(cat world), installed $(busybox wc -l <installs) times"
printf '\033[32mreally\033[0m ready\n'
while read -r line; do
  echo "did $line"
  [ "$line" = quit ] && exit 0
done
END
`

// An egg as people write them for Pterodactyl, from its installation to its
// reinstallation on another node.
func TestAnEggsLife(t *testing.T) {
	s := begin(t)
	from, to := s.lab.Nodes[0], s.lab.Nodes[1]
	egg := s.egg("game", GameImage, map[string]any{
		"tty": true, "stop": "quit", "done": []string{"never", "regex:^really ready$"}, "strip_ansi": true,
		"volumes":   []any{map[string]any{"name": "home", "container": "/home/container"}},
		"variables": []any{map[string]any{"name": "World", "env": "WORLD", "default": "one", "rules": []string{"required"}}},
		"install": map[string]any{
			"image": ShellImage, "entrypoint": "sh", "script": strings.ReplaceAll(gameScript, "\n", "\r\n"),
		},
	})
	made := s.create("game", egg, from, nil)
	c := s.awaitPhase(made.Container, "running")
	s.awaitJob(made.Job, "succeeded")
	s.prints(c, "installing one as 0", "world one, installed 1 times", "really")

	s.typed(c, "hello")
	s.prints(c, "did hello")
	s.typed(c, "quit")
	s.awaitPhase(c, "stopped")
	s.prints(c, "did quit")
	s.awaitJob(s.verb(c, "start"), "succeeded")
	s.awaitPhase(c, "running")
	s.prints(c, "world one, installed 1 times")

	s.awaitJob(s.verb(c, "reinstall"), "succeeded")
	s.awaitPhase(c, "running")
	s.prints(c, "world one, installed 2 times")

	s.awaitJob(s.migrate(c, map[string]any{"targetNodeId": to.ID, "acceptDataLoss": true}), "succeeded")
	if seen := s.awaitPhase(c, "running"); seen.NodeID != to.ID {
		t.Errorf("it runs on %s", s.node(seen.NodeID).Name)
	}
	s.prints(c, "installing one as 0", "world one, installed 1 times")

	plain := s.create("plain", s.egg("plain", ProbeImage, nil), to, nil)
	if text := s.refused(http.StatusConflict, http.MethodPost, "/containers/"+plain.Container.ID+"/reinstall", nil); !strings.Contains(text, "has no installation") {
		t.Errorf("the refusal reads %s", text)
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
	if left := s.inspect(to, c); len(left) != 0 {
		t.Errorf("after the delete the engine has %+v", left)
	}
	s.checkAudit(c, "container.create", "container.command", "container.start", "container.reinstall", "container.delete")
}

// An installation that takes for ever is cancelled by stopping its container.
func TestAnInstallationIsCancelledByAStop(t *testing.T) {
	s := begin(t)
	egg := s.egg("slow", GameImage, map[string]any{
		"volumes": []any{map[string]any{"name": "home", "container": "/home/container"}},
		"install": map[string]any{"image": ShellImage, "entrypoint": "sh", "script": "echo waiting; while true; do sleep 1; done"},
	})
	made := s.create("slow", egg, s.lab.Nodes[0], nil)
	c := s.awaitPhase(made.Container, "installing")
	s.prints(c, "waiting")
	s.awaitJob(s.verb(c, "stop"), "succeeded")
	s.awaitPhase(c, "stopped")
	if left := s.inspect(s.lab.Nodes[0], c); len(left) != 0 {
		t.Errorf("after the stop the engine has %+v", left)
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}

func (s scenario) typed(c container, line string) {
	s.Helper()
	var j job
	s.call(http.MethodPost, "/containers/"+c.ID+"/command", map[string]string{"command": line}, &j)
	s.awaitJob(j, "succeeded")
}

// prints waits until a container's console has lines with these texts.
func (s scenario) prints(c container, texts ...string) {
	s.Helper()
	s.await(fmt.Sprintf("%s to print %q", c.Name, texts), func(ctx context.Context) (bool, string, error) {
		log, err := s.lab.API.Text(ctx, "/containers/"+c.ID+"/logs?tail=100")
		for _, text := range texts {
			if !strings.Contains(log, text) {
				return false, log, err
			}
		}
		return true, log, err
	})
}

// realEgg is shaped as the eggs of games are that people share.
const realEgg = `{
	"meta": {"version": "PTDL_v2"}, "name": "Real game", "author": "e2e@lormas.local",
	"docker_images": {"only": "` + GameImage + `"}, "startup": "sh ./start.sh --port {{SERVER_PORT}} --world {{WORLD}}",
	"config": {
		"files": "{\"server.properties\":{\"parser\":\"properties\",\"find\":{\"server-port\":\"{{server.build.default.port}}\",\"level-name\":\"{{server.build.env.WORLD}}\"}}}",
		"startup": "{\"done\":\"ready on port\"}", "logs": "{}", "stop": "quit"},
	"scripts": {"installation": {"container": "` + ShellImage + `", "entrypoint": "sh", "script": ` + realScript + `}},
	"variables": [{"name": "World", "description": "", "env_variable": "WORLD", "default_value": "one", "user_viewable": true, "user_editable": true, "rules": "required|alpha_dash"}]
}`

// realScript is in JSON already.
const realScript = `"#!/bin/sh\ncd /mnt/server\necho again >>installs\nprintf '# written by the author\\nserver-port=1\\nmotd=hello\\nlevel-name=none\\n' >server.properties\ncat >start.sh <<'END'\nsed 's/^/file: /' server.properties\necho \"installed $(wc -l <installs) times, asked: $STARTUP, user $(id -u)\"\necho \"ready on port $(sed -n 's/^server-port=//p' server.properties)\"\nwhile read -r line; do\n  echo \"did $line\"\n  [ \"$line\" = quit ] && exit 0\ndone\nEND\n"`

// An egg as it is shared, from its import to its reinstallation on another
// node, where its port was taken.
func TestAnImportedEggsLife(t *testing.T) {
	s := begin(t)
	from, to := s.lab.Nodes[0], s.lab.Nodes[1]
	var imported struct{ Egg struct{ ID string } }
	s.call(http.MethodPost, "/eggs/import", json.RawMessage(realEgg), &imported)
	made := s.create("real", imported.Egg.ID, from, map[string]any{"ports": []any{map[string]any{}}})
	c := s.awaitPhase(made.Container, "running")
	port := s.mainPort(c)
	s.prints(c, "file: # written by the author", fmt.Sprintf("file: server-port=%d", port), "file: motd=hello", "file: level-name=one",
		"installed 1 times, asked: sh ./start.sh --port {{SERVER_PORT}} --world {{WORLD}}, user 988", fmt.Sprintf("ready on port %d", port))

	other := s.create("in-its-way", s.egg("in-its-way", ProbeImage, nil), to, map[string]any{"ports": []any{map[string]any{"host": port, "container": 80}}})
	s.awaitJob(other.Job, "succeeded")
	s.awaitJob(s.migrate(c, map[string]any{"targetNodeId": to.ID, "acceptDataLoss": true}), "succeeded")
	c = s.awaitPhase(c, "running")
	moved := s.mainPort(c)
	if c.NodeID != to.ID || moved == port {
		t.Errorf("it is on %s with port %d, where it had %d", s.node(c.NodeID).Name, moved, port)
	}
	s.prints(c, fmt.Sprintf("file: server-port=%d", moved), fmt.Sprintf("ready on port %d", moved))
	s.tellsOfPort(c, port, moved)

	s.awaitJob(s.verb(c, "reinstall"), "succeeded")
	s.awaitPhase(c, "running")
	s.prints(c, "installed 2 times", fmt.Sprintf("ready on port %d", moved))
	s.awaitJob(s.verb(c, "stop"), "succeeded")
	s.awaitPhase(c, "stopped")
	s.prints(c, "did quit")
}

func (s scenario) mainPort(c container) int {
	s.Helper()
	var seen struct{ Ports []struct{ Host int } }
	s.call(http.MethodGet, "/containers/"+c.ID, nil, &seen)
	if len(seen.Ports) == 0 {
		s.Fatalf("%s has no port", c.Name)
	}
	return seen.Ports[0].Host
}

// tellsOfPort looks for a change of port in the history, and in the news of
// the container.
func (s scenario) tellsOfPort(c container, from, to int) {
	s.Helper()
	want := fmt.Sprintf(`"from":%d,"to":%d`, from, to)
	var past struct {
		Migrations []struct{ Ports json.RawMessage }
	}
	s.call(http.MethodGet, "/containers/"+c.ID+"/migration-history", nil, &past)
	if len(past.Migrations) != 1 || !strings.Contains(string(past.Migrations[0].Ports), want) {
		s.Errorf("the history says %+v", past)
	}
	s.await("news of the port", func(context.Context) (bool, string, error) {
		heard, err := s.lab.Events.Messages("lormas/v1/containers/" + c.ID + "/events")
		var last string
		for _, m := range heard {
			if last = string(m.Payload); strings.Contains(last, "migration_completed") && strings.Contains(last, want) {
				return true, last, err
			}
		}
		return false, last, err
	})
}

// What fills its volumes beyond its limit is stopped, where the agent is told
// to do that, and goes on when the limit is raised.
func TestAContainerThatFillsItsVolumesStops(t *testing.T) {
	s := begin(t)
	egg := s.egg("hoarder", GameImage, map[string]any{
		"volumes": []any{map[string]any{"name": "home", "container": "/home/container"}},
		"install": map[string]any{"image": ShellImage, "entrypoint": "sh", "script": `cat >/mnt/server/start.sh <<'END'
echo "holding $(ls)"
while read -r line; do dd if=/dev/zero of=hoard bs=1M count="$line"; echo "hoarded $line"; done
END`},
	})
	made := s.create("hoarder", egg, s.lab.Nodes[0], nil) // with 16m of disk
	c := s.awaitPhase(made.Container, "running")
	s.typed(c, "20")
	s.prints(c, "hoarded 20")
	c = s.awaitPhase(c, "failed")
	var seen struct{ Observed struct{ Reason string } }
	if s.call(http.MethodGet, "/containers/"+c.ID, nil, &seen); !strings.Contains(seen.Observed.Reason, "the limit is 16m") {
		t.Errorf("the reason is %q", seen.Observed.Reason)
	}
	if refused := s.awaitJob(s.verb(c, "start"), "failed"); !strings.Contains(refused.Error, "the limit is 16m") {
		t.Errorf("the start was refused with %q", refused.Error)
	}
	var edited created
	s.call(http.MethodPatch, "/containers/"+c.ID, map[string]any{"resources": map[string]string{"disk": "64m"}}, &edited)
	s.awaitPhase(c, "running")
	s.prints(c, "holding hoard")
}
