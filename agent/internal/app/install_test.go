package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const deploy = "../../../deploy"

// What is installed as services: agent and guard, each with its own unit, in
// the same directory, and the agent leaves the guard to systemd.
func TestTheInstalledUnitsBelongTogether(t *testing.T) {
	root, bin := t.TempDir(), t.TempDir()
	for _, program := range []string{"lormas-agent", "lormas-guard"} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(deploy, "install-agent.sh"), "mqtt://controller:1883")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DESTDIR=" + root, "LORMAS_BIN=" + bin, "LORMAS_AGENT_TOKEN=a.b.c"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	read := func(path string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	agentUnit, guardUnit := read("etc/systemd/system/lormas-agent.service"), read("etc/systemd/system/lormas-guard.service")
	for text, unit := range map[string]string{
		"/usr/local/bin/lormas-agent --guard external --guard-dir /run/lormas --data-dir /var/lib/lormas-agent": agentUnit,
		"Wants=network-online.target lormas-guard.service":                                                      agentUnit,
		"--node-file /var/lib/lormas-agent/node --dir /run/lormas":                                              guardUnit,
		"Restart=always":               guardUnit,
		"OOMScoreAdjust=-1000":         guardUnit,
		"Nice=-10":                     guardUnit,
		"RuntimeDirectoryPreserve=yes": guardUnit,
	} {
		if !strings.Contains(unit, text) {
			t.Errorf("%q is missing in:\n%s", text, unit)
		}
	}
	if read("usr/local/bin/lormas-guard") != "lormas-guard" || !strings.Contains(read("etc/lormas/agent.env"), "LORMAS_AGENT_TOKEN=a.b.c") {
		t.Error("guard or credential is missing")
	}
	if info, err := os.Stat(filepath.Join(root, "etc/lormas/agent.env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("everybody can read the credential: %v, %v", info.Mode(), err)
	}
}
