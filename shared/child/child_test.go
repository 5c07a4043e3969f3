package child_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/child"
)

// asParent makes this test binary start a child, print its pid and wait to be
// killed.
const asParent = "LORMAS_CHILD_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(asParent) != "" {
		p, err := child.Start(exec.Command("sleep", "600"), syscall.SIGTERM)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.Pid())
		_ = p.Err()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func start(t *testing.T, name string, args ...string) *child.Process {
	t.Helper()
	p, err := child.Start(exec.Command(name, args...), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestTheChildOfAKilledParentEnds(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), asParent+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed; that is the point

	for deadline := time.Now().Add(10 * time.Second); alive(pid); {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("process %d outlived its parent", pid)
		}
		time.Sleep(time.Millisecond) // between looks; the deadline decides
	}
}

// alive is false for a process that nobody has waited for yet, too.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestStop(t *testing.T) {
	t.Run("a willing program", func(t *testing.T) {
		p := start(t, "sleep", "600")
		if err := p.Stop(t.Context(), syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if p.Err() == nil {
			t.Error("a signalled program counts as a success")
		}
	})
	t.Run("a stubborn program is killed", func(t *testing.T) {
		p := stubborn(t)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := p.Stop(ctx, syscall.SIGTERM); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		select {
		case <-p.Done():
		default:
			t.Error("it still runs")
		}
	})
	t.Run("a program that has ended", func(t *testing.T) {
		p := start(t, "true")
		if err := p.Err(); err != nil {
			t.Error(err)
		}
		if err := p.Stop(t.Context(), syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
}

// stubborn starts a program that ignores SIGTERM, and returns once it does.
func stubborn(t *testing.T) *child.Process {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
	cmd.Stdout = write
	p, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAMissingProgramIsAnError(t *testing.T) {
	if _, err := child.Start(exec.Command("/no/such/program"), syscall.SIGKILL); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
