package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin is where the programs under test are.
var bin string

// TestMain takes the programs from LORMAS_BIN, where make has built them, or
// builds them.
func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	bin = os.Getenv("LORMAS_BIN")
	if bin == "" {
		dir, err := os.MkdirTemp("", "lormas-bin")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := build(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		bin = dir
	}
	if os.Getenv(asOwner) != "" {
		return playOwner()
	}
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// build makes the programs with the flags of the Makefile: others would
// compile everything anew.
func build(dir string) error {
	for name, source := range map[string]string{
		"lormas":         "controller/cmd/lormas",
		"lormas-agent":   "agent/cmd/lormas-agent",
		"lormas-guard":   "agent/cmd/lormas-guard",
		"lormas-demo":    "deploy/demo",
		"lormas-witness": "deploy/cmd/witness",
	} {
		cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-buildvcs=false", "-o", filepath.Join(dir, name), "./"+source)
		cmd.Dir = "../.." // the root of the workspace
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}
