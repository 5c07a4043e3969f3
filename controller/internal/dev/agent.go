package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/lormas/lormas/shared/child"
)

// startAgent makes the node, runs its agent as a child of this process and
// waits until it has joined.
func (s *session) startAgent(ctx context.Context) (string, error) {
	program, err := agentProgram()
	if err != nil {
		return "", err
	}
	tokenFile := s.state.path("agent.token")
	if s.node, err = s.demo.node(ctx, tokenFile); err != nil {
		return "", err
	}
	log, err := s.state.log("agent")
	if err != nil {
		return "", err
	}
	cmd := exec.Command(program)
	// Nothing else is inherited: a LORMAS_AGENT_… or DOCKER_… of another
	// installation must not end up here.
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"LORMAS_AGENT_CONTROLLER=" + s.controller.AgentURL(),
		"LORMAS_AGENT_TOKEN_FILE=" + tokenFile,
		"LORMAS_AGENT_DATA_DIR=" + s.state.path("agent"),
		"LORMAS_AGENT_DOCKER_HOST=unix://" + s.engine.socket,
	}
	cmd.Stdout, cmd.Stderr = log, log
	agent, err := child.Start(cmd, syscall.SIGTERM)
	if err != nil {
		return "", errors.Join(err, log.Close())
	}
	s.watch("the agent", agent.Done())
	s.onStop("agent", func(ctx context.Context) error {
		return errors.Join(agent.Stop(ctx, syscall.SIGTERM), log.Close())
	})
	return "node " + s.node.Name, s.demo.awaitNode(ctx, s.node)
}

// agentProgram is the agent beside our own program: the two are built
// together.
func agentProgram() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	program := filepath.Join(filepath.Dir(self), "lormas-agent")
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("the agent's program is missing: run make build: %w", err)
	}
	return program, nil
}
