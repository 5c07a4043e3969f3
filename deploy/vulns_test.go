package deploy_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scanner is the govulncheck of make vuln, which make builds where it is not
// there yet.
func scanner(t *testing.T) string {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^GOVULNCHECK := (\S+)$`).FindSubmatch(makefile)
	if version == nil {
		t.Fatal("the Makefile names no GOVULNCHECK")
	}
	name := "bin/govulncheck-" + string(version[1])
	if out, err := exec.CommandContext(t.Context(), "make", "-s", "-C", "..", name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	path, err := filepath.Abs("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// write makes files, by name.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// program is a module that calls what the database below calls vulnerable, or
// only imports its package.
func program(call string) string {
	return "package main\n\nimport \"strings\"\n\nfunc main() { println(" + call + ") }\n"
}

const (
	reached = `strings.Title("x")`
	beside  = `strings.ToUpper("x")`

	// finding says of one function of the standard library that all versions
	// of it are vulnerable.
	finding = `{"schema_version":"1.3.1","id":"GO-2099-0001","modified":"2026-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z",
		"summary":"made up","details":"made up","affected":[{"package":{"name":"stdlib","ecosystem":"Go"},
		"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"ecosystem_specific":{"imports":[{"path":"strings","symbols":["Title"]}]}}],
		"database_specific":{"url":"https://pkg.go.dev/vuln/GO-2099-0001"}}`

	clean   = `echo '{"auditReportVersion":2,"vulnerabilities":{}}'`
	unclean = `echo '{"auditReportVersion":2,"vulnerabilities":{"left-pad":{"severity":"high"}}}'; exit 1`
	silent  = `echo '{"message":"request failed, reason: no route"}'; exit 1`
)

// What make vuln fails on: what is known and reached. What could not be asked
// is said, and fails nothing.
func TestWhatIsKnownAndReachedFails(t *testing.T) {
	govulncheck := scanner(t)
	db := t.TempDir()
	write(t, db, map[string]string{
		"index/db.json":        `{"modified":"2026-01-01T00:00:00Z"}`,
		"index/modules.json":   `[{"path":"stdlib","vulns":[{"id":"GO-2099-0001","modified":"2026-01-01T00:00:00Z"}]}]`,
		"ID/GO-2099-0001.json": finding,
	})
	known, nobody := "file://"+db, "file://"+filepath.Join(db, "nowhere")
	const goAway, npmAway = "NOT CHECKED: Go's vulnerability database", "NOT CHECKED: the npm registry"
	tests := map[string]struct {
		db, call, npm string
		fails         bool
		says, not     []string
	}{
		"reached":              {known, reached, clean, true, []string{"GO-2099-0001"}, []string{"NOT CHECKED"}},
		"not reached":          {known, beside, clean, false, []string{"nothing high or critical"}, []string{"NOT CHECKED"}},
		"no database":          {nobody, reached, clean, false, []string{goAway, "nothing high or critical"}, []string{npmAway}},
		"nobody to ask at all": {nobody, reached, silent, false, []string{goAway, npmAway}, nil},
		"npm found, Go away":   {nobody, reached, unclean, true, []string{goAway, "left-pad"}, nil},
		"reached, npm away":    {known, reached, silent, true, []string{"GO-2099-0001", npmAway}, nil},
	}
	script, err := filepath.Abs("check-vulns.sh")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"good/go.mod": "module example.test/good\n\ngo 1.26\n", "good/main.go": program(beside),
				"one/go.mod": "module example.test/one\n\ngo 1.26\n", "one/main.go": program(tt.call),
				"frontend/package.json": "{}", "tools/npm": "#!/bin/sh\n" + tt.npm + "\n",
			})
			c := exec.CommandContext(t.Context(), script, govulncheck, "one", "good") // what comes last is good
			c.Dir = dir
			c.Env = append(os.Environ(), "GOVULNDB="+tt.db, "GOWORK=off", "PATH="+filepath.Join(dir, "tools")+":"+os.Getenv("PATH"))
			out, err := c.CombinedOutput()
			var ended *exec.ExitError
			if err != nil && !errors.As(err, &ended) {
				t.Fatal(err)
			}
			if failed := err != nil; failed != tt.fails {
				t.Errorf("it fails: %t, want %t", failed, tt.fails)
			}
			for _, text := range tt.says {
				if !strings.Contains(string(out), text) {
					t.Errorf("it does not say %q", text)
				}
			}
			for _, text := range tt.not {
				if strings.Contains(string(out), text) {
					t.Errorf("it says %q", text)
				}
			}
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}
