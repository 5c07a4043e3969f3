package dockerd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/dockerd"
)

// nap is how long a sleeper sleeps: a number that no other program has among
// its arguments.
const nap = "918273645"

func start(t *testing.T, dir string) *dockerd.Engine {
	t.Helper()
	e, err := dockerd.Start(t.Context(), dockerd.Options{Dir: dir, NetNS: dockerd.PrivateNet, BIP: "172.31.251.1/24"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func engineDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "engine")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// ask sends a request to the engine and decodes the answer.
func ask(t *testing.T, socket, method, path string, body any) map[string]any {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://docker"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var out map[string]any
	if response.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
	}
	if response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %v", method, path, response.Status, out)
	}
	return out
}

// sleeper makes and starts a container that does nothing, and returns its id.
func sleeper(t *testing.T, socket string) string {
	t.Helper()
	image, err := dockerd.Busybox("lormas-test/busybox:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := dockerd.Load(t.Context(), socket, image); err != nil {
		t.Fatal(err)
	}
	made := ask(t, socket, http.MethodPost, "/containers/create", map[string]any{
		"Image": image.Ref, "Cmd": []string{"sleep", nap}, "StopTimeout": 1,
	})
	name := made["Id"].(string)
	ask(t, socket, http.MethodPost, "/containers/"+name+"/start", nil)
	return name
}

func running(t *testing.T, socket, name string) bool {
	t.Helper()
	state := ask(t, socket, http.MethodGet, "/containers/"+name+"/json", nil)["State"].(map[string]any)
	return state["Running"].(bool)
}

func traces(t *testing.T, dir string) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	processes, err := exec.Command("ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(mounts) + string(processes)) {
		if strings.Contains(line, dir+"/") || strings.Contains(line, "sleep "+nap) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func TestAnEngineSurvivesKillAndPowerOffAndLeavesNothing(t *testing.T) {
	dir := engineDir(t)
	e := start(t, dir)
	name := sleeper(t, e.Socket())
	if !running(t, e.Socket(), name) {
		t.Fatal("the container does not run")
	}

	e.Kill()
	if dockerd.Ping(t.Context(), e.Socket()) == nil {
		t.Fatal("a killed engine answers")
	}
	if !strings.Contains(traces(t, dir), "sleep "+nap) {
		t.Error("killing dockerd killed the container too")
	}
	e = start(t, dir)
	ask(t, e.Socket(), http.MethodPost, "/containers/"+name+"/start", nil)

	if err := e.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, dir); left != "" {
		t.Errorf("left after power-off:\n%s", left)
	}
	e = start(t, dir)
	if running(t, e.Socket(), name) {
		t.Error("a container came back by itself after power-off")
	}
	ask(t, e.Socket(), http.MethodPost, "/containers/"+name+"/start", nil)

	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, dir); left != "" {
		t.Errorf("left after close:\n%s", left)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestPauseAndResume(t *testing.T) {
	e := start(t, engineDir(t))
	if err := e.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if dockerd.Ping(ctx, e.Socket()) == nil {
		t.Error("a frozen engine answers")
	}
	if err := e.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := dockerd.Ping(t.Context(), e.Socket()); err != nil {
		t.Error(err)
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStartSaysWhyItCannot(t *testing.T) {
	for name, c := range map[string]struct {
		opt  dockerd.Options
		want string
	}{
		"long path":  {dockerd.Options{Dir: "/tmp/" + strings.Repeat("x", 60)}, "at most 60 bytes"},
		"dead flags": {dockerd.Options{Dir: engineDir(t), NetNS: dockerd.PrivateNet, Args: []string{"--no-such-flag"}}, "no-such-flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { _ = os.RemoveAll(c.opt.Dir) })
			_, err := dockerd.Start(t.Context(), c.opt)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
