package dockerd_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/dockerd"
)

// asVictim makes this binary start an engine and wait to be killed.
const asVictim = "LORMAS_TEST_ENGINE_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(asVictim) == "" {
		os.Exit(m.Run())
	}
	e, err := dockerd.Temp(context.Background())
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(e.Socket())
	select {}
}

// victim starts the other process and returns its engine's socket.
func victim(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), asVictim+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be dead by now
		_ = cmd.Wait()
	})
	var socket string
	if _, err := fmt.Fscanln(out, &socket); err != nil || !filepath.IsAbs(socket) {
		t.Fatalf("the other process says %q, %v", socket, err)
	}
	return cmd, socket
}

func TestTheEngineOfAKilledTestEndsAndIsSwept(t *testing.T) {
	other, socket := victim(t)
	sleeper(t, socket)
	dir := filepath.Dir(socket)

	mine, err := dockerd.Temp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := dockerd.Ping(t.Context(), socket); err != nil {
		t.Fatalf("the engine of a living test was swept: %v", err)
	}
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}

	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	deadline := time.Now().Add(30 * time.Second)
	for strings.Contains(traces(t, dir), "dockerd") {
		if time.Now().After(deadline) {
			t.Fatalf("dockerd outlives its test:\n%s", traces(t, dir))
		}
		time.Sleep(50 * time.Millisecond) // a pause of the poll, not a wait for the end
	}
	mine, err = dockerd.Temp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, dir); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("its directory is still there: %v", err)
	}
}
