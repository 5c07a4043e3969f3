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

// installed is a script's container whose home is filled by another script.
func installed(text, install string) runtime.Instance {
	in := script(text)
	in.Spec.Volumes = []spec.Volume{{Host: spec.HomeVolume, Container: spec.HomePath}}
	in.Spec.Install = &spec.Install{Image: shellImage, Entrypoint: "/bin/sh", Script: install}
	return in
}

// runInstall installs and returns what the script printed.
func runInstall(t *testing.T, e *Engine, in runtime.Instance) (string, error) {
	t.Helper()
	t.Cleanup(func() { _ = e.Remove(t.Context(), in.ID) })
	if _, err := e.PrepareInstall(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := e.StartInstall(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	err := e.Logs(t.Context(), in.ID, runtime.LogOptions{Tail: -1, Follow: true}, func(data []byte) error {
		text.Write(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text.String(), "\r", ""), e.AwaitInstall(t.Context(), in)
}

func TestWhatAnInstallationIsGiven(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	in := installed("cat world/level", strings.ReplaceAll(`
		cd /mnt/server || exit 1
		mkdir -p world && echo made by $(id -u) with $GREETING >world/level
		touch /root-file && echo wrote the root
		touch /tmp/file && echo wrote /tmp
		ls -d /mnt/install/install.sh && echo on a $(tty)
		echo called $(busybox hostname) for epoch $LORMAS_EPOCH
	`, "\n", "\r\n"))
	in.Spec.Env = map[string]string{"GREETING": "hello"}
	in.Spec.ReadOnly, in.Spec.User = true, "1234:2345"
	got, err := runInstall(t, e, in)
	if err != nil {
		t.Fatalf("%v; it said:\n%s", err, got)
	}
	for _, want := range []string{"wrote the root", "wrote /tmp", "/mnt/install/install.sh\non a /dev/pts/0", "called installer for epoch 5"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	level := filepath.Join(e.mounts.volumes, in.ID.String(), spec.HomeVolume, "world/level")
	text, err := os.ReadFile(level)
	if err != nil || string(text) != "made by 0 with hello\n" {
		t.Errorf("the volume has %q, %v", text, err)
	}
	info, err := os.Stat(level)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 1234 || owner.Gid != 2345 {
		t.Errorf("it belongs to %d:%d, want the container's user", owner.Uid, owner.Gid)
	}
	if _, err := os.Stat(e.scriptDir(in.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the script is still there: %v", err)
	}
	in.Spec.Command[2] = "cd " + spec.HomePath + "; cat world/level; cat .lormas/installed; echo"
	if got := output(t, e, in); !strings.Contains(got, "made by 0 with hello") || !strings.Contains(got, `"number":0`) {
		t.Errorf("the container finds %q", got)
	}
}

func TestLimitsOfAnInstallation(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	for name, test := range map[string]struct{ memory, want spec.Bytes }{
		"a small container": {64 * spec.MiB, spec.GiB},
		"a large container": {2 * spec.GiB, 2 * spec.GiB},
	} {
		in := installed("", "")
		in.Spec.Resources.Memory = test.memory
		made, err := e.PrepareInstall(t.Context(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Remove(t.Context(), in.ID) })
		details, err := e.api.ContainerInspect(t.Context(), made.DockerID)
		if err != nil {
			t.Fatal(err)
		}
		host := details.HostConfig
		if host.Memory != int64(test.want) || host.MemorySwap != int64(test.want) || host.CPUQuota != cpuPeriod ||
			host.PidsLimit != nil && *host.PidsLimit > 0 || len(host.CapDrop) != 0 || host.ReadonlyRootfs {
			t.Errorf("%s: %d bytes of memory, %d with swap, %d of the processor, processes %v, without %v", name,
				host.Memory, host.MemorySwap, host.CPUQuota, host.PidsLimit, host.CapDrop)
		}
	}
}

// The entrypoint of an image stays in front, as with Wings.
func TestTheImagesEntrypointStays(t *testing.T) {
	in := installed("", "echo unread")
	in.Spec.Install.Image, in.Spec.Install.Entrypoint = actorImage, "say" // runs: act say /mnt/install/install.sh
	in.Spec.Install.Timeout = 1
	got, err := installTimedOut(t, in)
	if !errors.Is(err, runtime.ErrInstallTime) || !strings.Contains(got, "/mnt/install/install.sh") {
		t.Errorf("it said %q, and ended with %v", got, err)
	}
}

// installTimedOut is runInstall for one that does not end by itself.
func installTimedOut(t *testing.T, in runtime.Instance) (string, error) {
	t.Helper()
	e := engineAt(t, testEngine.Socket())
	t.Cleanup(func() { _ = e.Remove(t.Context(), in.ID) })
	if _, err := e.PrepareInstall(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := e.StartInstall(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	err := e.AwaitInstall(t.Context(), in)
	return err.Error(), err
}

func TestALongLogIsQuotedShort(t *testing.T) {
	e := engineAt(t, testEngine.Socket())
	in := installed("", `i=0; while [ $i -lt 300 ]; do printf "line $i \033[31mred\033[0m\n"; i=$((i+1)); done; exit 3`)
	got, err := runInstall(t, e, in)
	if !strings.Contains(got, "line 0 ") {
		t.Errorf("the log begins with %.100q", got)
	}
	if err == nil || !strings.HasSuffix(err.Error(), "line 299 red") || strings.Contains(err.Error(), "line 200 ") || strings.ContainsRune(err.Error(), 0x1b) {
		t.Errorf("the failure reads %q", err)
	}
}

// Whoever has filled the volume before may have left links: nothing outside
// is written or given away.
func TestLinksInAVolumeLeadNowhere(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(home, markDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(home, "mine")); err != nil {
		t.Fatal(err)
	}
	if err := handOver(home, "1234"); err != nil {
		t.Error(err)
	}
	for _, path := range []string{outside, secret} {
		info, err := os.Stat(path)
		if err != nil || info.Sys().(*syscall.Stat_t).Uid == 1234 {
			t.Errorf("%s was given away, %v", path, err)
		}
	}
	info, err := os.Lstat(filepath.Join(home, "mine"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 1234 {
		t.Errorf("the link itself was not, %v", err)
	}
	if err := writeMark(home, mark{Container: id.New[id.ContainerID]()}); err == nil {
		t.Error("the mark was written through a link")
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside there is %v, %v", entries, err)
	}
}

func TestMarks(t *testing.T) {
	home, mine := t.TempDir(), id.New[id.ContainerID]()
	expect := func(when string, c id.ContainerID, number int64, done bool) {
		t.Helper()
		n, d, err := readMark(home, c)
		if err != nil || n != number || d != done {
			t.Errorf("%s: %d, %v, %v; want %d, %v", when, n, d, err, number, done)
		}
	}
	expect("none", mine, 0, false)
	for _, number := range []int64{0, 4} {
		if err := writeMark(home, mark{Container: mine, Number: number}); err != nil {
			t.Fatal(err)
		}
		expect("written", mine, number, true)
	}
	expect("of another container", id.New[id.ContainerID](), 0, false)
	if err := os.WriteFile(filepath.Join(home, markFile), []byte("no mark"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("that cannot be read", mine, 0, false)
	home = filepath.Join(home, "missing")
	expect("without a volume", mine, 0, false)
}
