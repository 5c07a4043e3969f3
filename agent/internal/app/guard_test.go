package app_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/app"
	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/mqttlink/mosquittotest"
	"github.com/lormas/lormas/shared/wire"
)

// asProgram has the test binary be an agent or a guard, so that they can be
// killed.
const asProgram = "LORMAS_TEST_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "agent":
		os.Exit(app.Main{Version: "9.9", Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr}.Run(context.Background()))
	case "guard":
		os.Exit(beGuard())
	}
	os.Exit(m.Run())
}

func beGuard() int {
	node, dir := flag.String("node", "", ""), flag.String("dir", "", "")
	guest := flag.Bool("guest", false, "")
	flag.Parse()
	o := guard.Options{Dir: *dir, Guest: *guest, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	err := o.Node.UnmarshalText([]byte(*node))
	if err == nil {
		err = guard.Run(context.Background(), o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// site is a node whose agent and guard are processes.
type site struct {
	*testing.T
	node   id.NodeID
	dir    string
	args   []string
	heard  <-chan wire.Heartbeat
	client *guard.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	broker, node := mosquittotest.Start(t), id.New[id.NodeID]()
	dir, err := os.MkdirTemp("", "site") // short: the path of a socket has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "lormas-guard")
	script := fmt.Sprintf("#!/bin/sh\n%s=guard exec %q \"$@\"\n", asProgram, os.Args[0])
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &site{T: t, node: node, dir: dir, heard: beats(t, broker), client: guard.NewClient(dir, node)}
	s.args = []string{
		"--controller", broker.URL(), "--data-dir", filepath.Join(dir, "data"), "--docker-host", "unix://" + dir + "/none.sock",
		"--token", token(node), "--guard", program, "--guard-dir", dir,
	}
	t.Cleanup(s.client.Close)
	t.Cleanup(func() {
		if pid := s.guardPid(); pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return s
}

// guardPid is the process that the guard's lock names; 0 when there is none.
func (s *site) guardPid() int {
	text, _ := os.ReadFile(filepath.Join(s.dir, "guard-"+s.node.String()+".lock"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// agent starts the agent and waits until it has said that a guard answers.
func (s *site) agent() *child.Process {
	s.Helper()
	cmd := exec.Command(os.Args[0], s.args...)
	cmd.Env = append(os.Environ(), asProgram+"=agent")
	p, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(p.Kill)
	for len(s.heard) > 0 {
		<-s.heard
	}
	until(s.T, "a heartbeat that tells of a guard", func() bool {
		select {
		case h := <-s.heard:
			return h.Status == wire.Online && h.GuardOK
		default:
			return false
		}
	})
	return p
}

// keeps is whether the guard still has a copy, with the lease that it had.
func (s *site) keeps(c lease.Copy, t lease.Term) bool {
	s.Helper()
	state, err := s.client.State()
	if err != nil {
		s.Fatal(err)
	}
	for _, w := range state {
		if w.Copy == c {
			return w.Term.Until >= t.Until && !w.Fenced
		}
	}
	return false
}

func TestI1AgentAndGuardOutliveEachOther(t *testing.T) {
	s := newSite(t)
	first := s.agent()
	c := lease.Copy{Container: id.New[id.ContainerID](), Epoch: 4}
	term := lease.Term{Epoch: 4, Soft: guard.Now() + time.Hour, Until: guard.Now() + 2*time.Hour}
	if err := s.client.Expect(c, term, guard.Start{Signal: int(syscall.SIGTERM)}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(s.dir, "guard-"+s.node.String()+".sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the guard's socket: %v, %v", info.Mode(), err)
	}

	guardian := s.guardPid()
	first.Kill()
	if !s.keeps(c, term) {
		t.Error("the guard did not count on without its agent")
	}
	second := s.agent()
	if got := s.guardPid(); got != guardian || !s.keeps(c, term) {
		t.Errorf("the next agent did not take the guard over: it was process %d and is %d", guardian, got)
	}

	s.killGuard(guardian)
	until(t, "another guard", func() bool { return s.client.Ping() == nil })
	if !s.keeps(c, term) {
		t.Error("the guard that the agent started does not know the lease")
	}

	second.Kill() // and the guard, and the agent is started again, as systemd does
	s.killGuard(s.guardPid())
	s.agent()
	until(t, "an answer", func() bool { return s.client.Ping() == nil }) // the first one breaks on the old line
	if !s.keeps(c, term) {
		t.Error("after both were killed the lease is unknown")
	}
}

// killGuard ends the guard and waits until it is gone.
func (s *site) killGuard(pid int) {
	s.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.Fatal(err)
	}
	until(s.T, "the guard's end", func() bool { return syscall.Kill(pid, 0) != nil || zombie(pid) })
}

// zombie is a process that is dead, and whose parent has not noticed.
func zombie(pid int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(state, "Z")
}
