package docker

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

// imported is a container as an imported egg makes it, with its home volume,
// and the directory of that.
func imported(t *testing.T, e *Engine, text string, files ...spec.File) (runtime.Instance, string) {
	t.Helper()
	in := script(text)
	in.Spec.Wings, in.Spec.ReadOnly, in.Spec.Files = true, true, files
	in.Spec.Volumes = []spec.Volume{{Host: spec.HomeVolume, Container: spec.HomePath}}
	in.Spec.Env = map[string]string{"NAME": "a world", "UP": "../../../"}
	in.Spec.Ports = []spec.Port{{Host: 25565, Container: 25565, Protocol: "tcp"}}
	if err := e.Create(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Remove(t.Context(), in.ID) })
	return in, filepath.Join(e.mounts.volumes, in.ID.String(), spec.HomeVolume)
}

func ownerOf(t *testing.T, path string) (uid uint32, mode os.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid, info.Mode().Perm()
}

func TestConfigurationFilesAreWrittenForTheContainersUser(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	set := []spec.Setting{{Key: "server-port", Value: "{{server.build.default.port}}"}, {Key: "motd", Value: "{{env.NAME}}"}}
	in, home := imported(t, e, "true",
		spec.File{Path: "/conf/{{UP}}{{SERVER_PORT}}.properties", Parser: "properties", Set: set},
		spec.File{Path: "old.properties", Parser: "properties", Set: set},
		spec.File{Path: "absent.properties", Parser: "properties", Existing: true, Set: set},
		spec.File{Path: "deep/er/new.ini", Parser: "file"},
		spec.File{Path: "link.properties", Parser: "properties", Set: set},
	)
	old := filepath.Join(home, "old.properties")
	if err := os.WriteFile(old, []byte("# mine\nmotd=x\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(old, 7, 7); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(spec.HomePath+"/target.properties", filepath.Join(home, "link.properties")); err != nil {
		t.Fatal(err)
	}
	if err := e.Configure(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		want string
		uid  uint32
		mode os.FileMode
	}{
		"25565.properties":  {"server-port=25565\nmotd=a world\n", 988, 0o644},
		"old.properties":    {"# mine\nmotd=a world\nserver-port=25565\n", 7, 0o640},
		"target.properties": {"server-port=25565\nmotd=a world\n", 988, 0o644},
	} {
		text, err := os.ReadFile(filepath.Join(home, name))
		if err != nil || string(text) != c.want {
			t.Errorf("%s: %q, %v", name, text, err)
			continue
		}
		if uid, mode := ownerOf(t, filepath.Join(home, name)); uid != c.uid || mode != c.mode {
			t.Errorf("%s belongs to %d with mode %o", name, uid, mode)
		}
	}
	if _, err := os.Stat(filepath.Join(home, "absent.properties")); err == nil {
		t.Error("a file was made that only had to be changed where it is")
	}
	if uid, _ := ownerOf(t, filepath.Join(home, "deep/er")); uid != 988 {
		t.Errorf("its directory belongs to %d", uid)
	}
	before, _ := os.Stat(old)
	if err := e.Configure(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(old); !os.SameFile(before, after) {
		t.Error("a file that was right already was written again")
	}
}

func TestWhatCannotBeConfiguredIsLeftAsItIs(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	outside := t.TempDir()
	for name, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"does not parse":   {func(path string) error { return os.WriteFile(path, []byte("{\n  oops"), 0o644) }, "a.json: line 2"},
		"a link out":       {func(path string) error { return os.Symlink(outside+"/x", path) }, "outside of the volume"},
		"a relative one":   {func(path string) error { return os.Symlink("../../x", path) }, "outside of the volume"},
		"a pipe":           {func(path string) error { return syscall.Mkfifo(path, 0o644) }, "no ordinary file"},
		"a directory":      {func(path string) error { return os.Mkdir(path, 0o755) }, "no ordinary file"},
		"too large a file": {func(path string) error { return errOr(os.WriteFile(path, nil, 0o644), os.Truncate(path, 65<<20)) }, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			in, home := imported(t, e, "true", spec.File{Path: "a.json", Parser: "json", Set: []spec.Setting{{Key: "a", Value: "1"}}})
			path := filepath.Join(home, "a.json")
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(path)
			err := e.Configure(t.Context(), in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want it to say %q", err, c.want)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) || after.Size() != before.Size() {
				t.Errorf("it was touched: %v", err)
			}
		})
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("something was written outside: %v", left)
	}
}

func errOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestAContainerOfAnImportedEggIsMadeAsWingsWould(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	in, home := imported(t, e, `echo "$SERVER_MEMORY $SERVER_IP $SERVER_PORT $P_SERVER_UUID $TZ $(id -u):$(id -g)"; touch $HOME/made /tmp/x 2>/dev/null || touch /home/container/made /tmp/x; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; touch /root-is-ro 2>/dev/null || echo read-only`)
	// A volume that came from elsewhere: another owner, and something in it.
	if err := os.WriteFile(filepath.Join(home, "world"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	in.Spec.Env["SERVER_TIMEZONE"] = "UTC"
	text := output(t, e, in)
	for _, want := range []string{"32 0.0.0.0 25565 " + in.ID.String() + " UTC 988:988", "read-only"} {
		if !strings.Contains(text, want) {
			t.Errorf("it says %q, which is missing %q", text, want)
		}
	}
	for _, name := range []string{".", "world", "made"} {
		if uid, _ := ownerOf(t, filepath.Join(home, name)); uid != 988 {
			t.Errorf("%s belongs to %d", name, uid)
		}
	}
	found, err := e.one(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	details, err := e.api.ContainerInspect(t.Context(), found.DockerID)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := details.HostConfig.Memory, int64(withOverhead(32*spec.MiB)); got != want {
		t.Errorf("it may use %d bytes, want %d", got, want)
	}
}

func TestTheOverheadOfWings(t *testing.T) {
	for limit, want := range map[spec.Bytes]spec.Bytes{0: 0, 1000: 1150, 2048 * spec.MiB: 2048 * spec.MiB / 100 * 115, 4096 * spec.MiB: 4096 * spec.MiB / 100 * 110, 5000 * spec.MiB: 5000 * spec.MiB / 100 * 105} {
		if got := withOverhead(limit); got != want {
			t.Errorf("%d becomes %d, want %d", limit, got, want)
		}
	}
}
