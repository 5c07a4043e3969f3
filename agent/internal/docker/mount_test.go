package docker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// site is a node's file system: data may be mounted, secret may not, and
// there are ways from the one to the other.
func site(t *testing.T) (root string, m mounts) {
	t.Helper()
	root = t.TempDir()
	for _, dir := range []string{"data/app", "data-too", "secret", "volumes"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"data/out":      root + "/secret",
		"data/in":       root + "/data/app",
		"data/up":       "..",
		"data/dangling": root + "/secret/new",
		"way-in":        root + "/data",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	return root, mounts{volumes: root + "/volumes", allowed: []string{root + "/nowhere", root + "/way-in"}}
}

func one(v spec.Volume) runtime.Instance {
	return runtime.Instance{ID: id.New[id.ContainerID](), Spec: spec.Container{Volumes: []spec.Volume{v}}}
}

func TestWhichPathsMayBeMounted(t *testing.T) {
	for path, want := range map[string]string{ // "" is refused
		"/data":                      "/data",
		"/data/app":                  "/data/app",
		"/data/new/deep":             "/data/new/deep",
		"/data/in":                   "/data/app",
		"/data/in/new":               "/data/app/new",
		"/way-in/app":                "/data/app",
		"/data-too":                  "",
		"/secret":                    "",
		"/data/out":                  "",
		"/data/out/new":              "",
		"/data/up":                   "",
		"/data/up/secret":            "",
		"/data/dangling":             "",
		"/data/dangling/new":         "",
		"/data/../secret":            "",
		"/data/new/../../secret/new": "",
	} {
		t.Run(path, func(t *testing.T) {
			root, m := site(t)
			got, err := m.prepare(one(spec.Volume{Host: root + path, Container: "/x"}), "")
			switch {
			case want == "" && err == nil:
				t.Errorf("%s was mounted", got.binds[0].Source)
			case want == "" && !errors.Is(err, runtime.ErrMount):
				t.Errorf("got %v, want an error of kind %q", err, runtime.ErrMount)
			case want != "" && (err != nil || got.binds[0].Source != root+want):
				t.Errorf("got %+v, %v, want %s", got.binds, err, root+want)
			}
			if left, err := os.ReadDir(root + "/secret"); err != nil || len(left) != 0 {
				t.Errorf("something was made where nothing may be: %v, %v", left, err)
			}
		})
	}
}

func TestTheRefusalNamesTheFlag(t *testing.T) {
	root, m := site(t)
	_, err := m.prepare(one(spec.Volume{Host: root + "/data/out", Container: "/x"}), "")
	if err == nil || !strings.Contains(err.Error(), "--allow-mount "+root+"/secret") {
		t.Errorf("got %v", err)
	}
}

func TestANameIsNoPath(t *testing.T) {
	for _, name := range []string{"", "..", "../../secret", "a/b", "."} {
		_, m := site(t)
		if got, err := m.prepare(one(spec.Volume{Host: name, Container: "/x"}), ""); !errors.Is(err, runtime.ErrMount) {
			t.Errorf("%q: %+v, %v, want an error of kind %q", name, got.binds, err, runtime.ErrMount)
		}
	}
}

func TestNamedVolumesBelongToTheContainerAndItsUser(t *testing.T) {
	for name, c := range map[string]struct {
		user, imageUser string
		uid, gid        uint32
	}{
		"nobody said":        {"", "", 0, 0},
		"the spec's user":    {"1000:1001", "5", 1000, 1001},
		"the image's user":   {"", "33", 33, 33},
		"a name means no id": {"www", "33", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			root, m := site(t)
			in := one(spec.Volume{Host: "saves", Container: "/x", ReadOnly: true})
			in.Spec.User = c.user
			got, err := m.prepare(in, c.imageUser)
			if err != nil {
				t.Fatal(err)
			}
			want := filepath.Join(root, "volumes", in.ID.String(), "saves")
			if bind := got.binds[0]; bind.Source != want || bind.Target != "/x" || !bind.ReadOnly {
				t.Errorf("got %+v, want %s read-only on /x", bind, want)
			}
			info, err := os.Stat(want)
			if err != nil {
				t.Fatal(err)
			}
			if owner := info.Sys().(*syscall.Stat_t); owner.Uid != c.uid || owner.Gid != c.gid {
				t.Errorf("owned by %d:%d, want %d:%d", owner.Uid, owner.Gid, c.uid, c.gid)
			}
			if info.Mode().Perm() != dirMode {
				t.Errorf("mode %v", info.Mode())
			}
		})
	}
}

func TestAFailureLaterOnLeavesNoDirectories(t *testing.T) {
	root, m := site(t)
	in := one(spec.Volume{Host: root + "/data/fresh/deep", Container: "/x"})
	in.Spec.Volumes = append(in.Spec.Volumes, spec.Volume{Host: root + "/secret", Container: "/y"})
	if _, err := m.prepare(in, ""); err == nil {
		t.Fatal("it was not refused")
	}
	if _, err := os.Stat(root + "/data/fresh"); !os.IsNotExist(err) {
		t.Errorf("a directory was left behind: %v", err)
	}
}

func TestUndoSparesWhatIsUsed(t *testing.T) {
	root, m := site(t)
	done, err := m.prepare(one(spec.Volume{Host: root + "/data/fresh/deep", Container: "/x"}), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/data/fresh/mine", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	done.undo()
	if _, err := os.Stat(root + "/data/fresh/mine"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(root + "/data/fresh/deep"); !os.IsNotExist(err) {
		t.Errorf("the unused directory is still there: %v", err)
	}
}
