package e2e

import (
	"context"
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
