package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	agentruntime "github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/dockerd"
	"github.com/lormas/lormas/shared/wire"
)

func TestFollowPull(t *testing.T) {
	for name, c := range map[string]struct {
		stream   string
		percents []int
		fault    string
	}{
		"two layers": {
			`{"status":"Pulling from library/web","id":"1"}
			 {"status":"Pulling fs layer","id":"a"} {"status":"Pulling fs layer","id":"b"}
			 {"status":"Downloading","id":"a","progressDetail":{"current":50,"total":100}}
			 {"status":"Downloading","id":"a","progressDetail":{"current":51,"total":100}}
			 {"status":"Download complete","id":"a"}
			 {"status":"Already exists","id":"b"}
			 {"status":"Extracting","id":"a","progressDetail":{"current":50,"total":100}}
			 {"status":"Pull complete","id":"a"}
			 {"status":"Status: Downloaded newer image for web:1"}`,
			[]int{0, 20, 40, 90, 95, 100}, "",
		},
		"never backwards": {
			`{"status":"Pulling fs layer","id":"a"} {"status":"Pull complete","id":"a"}
			 {"status":"Pulling fs layer","id":"b"} {"status":"Downloading","id":"b","progressDetail":{"current":5}}`,
			[]int{0, 100}, "",
		},
		"an error inside": {
			`{"status":"Pulling fs layer","id":"a"} {"errorDetail":{"message":"no space"},"error":"no space"}`,
			[]int{0}, "no space",
		},
		"cut off":          {`{"status":"Pulling fs`, nil, "follow the pull"},
		"nothing to fetch": {`{"status":"Status: Image is up to date for web:1"}`, []int{0, 100}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var percents []int
			err := followPull(strings.NewReader(c.stream), func(p wire.Progress) { percents = append(percents, p.Percent) })
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("got %v, want %q", err, c.fault)
			}
			if diff := cmp.Diff(c.percents, percents); diff != "" {
				t.Errorf("percents (-want +got):\n%s", diff)
			}
		})
	}
}

// registry serves one image as any name, in the engine's network.
type registry struct {
	blobs    map[string][]byte
	manifest []byte
	cut      atomic.Bool // breaks off in the middle of a layer
	stall    atomic.Bool // sends no layer at all
	asked    atomic.Int32
}

const manifestType = "application/vnd.docker.distribution.manifest.v2+json"

func newRegistry(t *testing.T, image dockerd.Image) *registry {
	t.Helper()
	archive, err := image.Archive()
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{blobs: map[string][]byte{}}
	refer := func(mediaType string, data []byte) map[string]any {
		name := fmt.Sprintf("sha256:%x", sha256.Sum256(data))
		r.blobs[name] = data
		return map[string]any{"mediaType": mediaType, "size": len(data), "digest": name}
	}
	manifest := map[string]any{"schemaVersion": 2, "mediaType": manifestType}
	for name, data := range unpack(t, archive) {
		switch {
		case name == "layer.tar":
			manifest["layers"] = []any{refer("application/vnd.docker.image.rootfs.diff.tar.gzip", data)}
		case name != "manifest.json":
			manifest["config"] = refer("application/vnd.docker.container.image.v1+json", data)
		}
	}
	if r.manifest, err = json.Marshal(manifest); err != nil {
		t.Fatal(err)
	}
	return r
}

func unpack(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[head.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	name := path.Base(req.URL.Path)
	blob, known := r.blobs[name]
	switch {
	case req.URL.Path == "/v2/":
	case strings.Contains(req.URL.Path, "/manifests/"):
		r.asked.Add(1)
		w.Header().Set("Content-Type", manifestType)
		_, _ = w.Write(r.manifest) // the engine notices when it is short
	case known && r.stall.Load():
		<-req.Context().Done()
	case known && r.cut.Load():
		w.Header().Set("Content-Length", fmt.Sprint(len(blob)))
		_, _ = w.Write(blob[:len(blob)/2])
	case known:
		_, _ = w.Write(blob)
	default:
		http.NotFound(w, req)
	}
}

// serve makes the registry reachable for the engine and returns its address.
func (r *registry) serve(t *testing.T) string {
	t.Helper()
	listener := listenBeside(t, testEngine)
	server := &http.Server{Handler: r}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return listener.Addr().String()
}

// listenBeside listens in the network namespace of an engine: a socket stays
// in the one that it was made in.
func listenBeside(t *testing.T, e *dockerd.Engine) net.Listener {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	enter := func(path string) {
		ns, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Fatal(err)
		}
	}
	enter(fmt.Sprintf("/proc/%d/ns/net", e.Pid()))
	defer enter(fmt.Sprintf("/proc/%d/ns/net", os.Getpid()))
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func pullable(t *testing.T) *registry {
	t.Helper()
	image, err := dockerd.Busybox("unnamed:1")
	if err != nil {
		t.Fatal(err)
	}
	image.Config.Labels = map[string]string{"made-for": t.Name()} // else it is there already
	return newRegistry(t, image)
}

func TestAMissingImageIsPulledOnceWithProgress(t *testing.T) {
	r, e := pullable(t), engineAt(t, testEngine.Socket())
	address := r.serve(t)
	in := script("echo pulled")
	in.Spec.Image = address + "/made/up" // no tag: latest, not all
	var seen []wire.Progress
	if err := e.Create(t.Context(), in, func(p wire.Progress) { seen = append(seen, p) }); err != nil {
		t.Fatal(err)
	}
	if len(seen) == 0 || seen[len(seen)-1].Percent != 100 || seen[0].Step != StepPull {
		t.Errorf("progress %+v", seen)
	}
	if !slices.IsSortedFunc(seen, func(a, b wire.Progress) int { return a.Percent - b.Percent }) {
		t.Errorf("progress goes backwards: %+v", seen)
	}
	if got := output(t, e, in); got != "pulled\n" {
		t.Errorf("it printed %q", got)
	}
	asked := r.asked.Load()
	in.Generation++
	if err := e.Create(t.Context(), in, nil); err != nil {
		t.Fatal(err)
	}
	if r.asked.Load() != asked {
		t.Error("an image that is there was asked for again")
	}
}

func TestAPullThatBreaksOffIsAnImageFault(t *testing.T) {
	r, e := pullable(t), engineAt(t, testEngine.Socket())
	r.cut.Store(true)
	in := script("true")
	in.Spec.Image = r.serve(t) + "/made/up:1"
	err := e.Create(t.Context(), in, nil)
	if !errors.Is(err, agentruntime.ErrImage) || !strings.Contains(err.Error(), "docker load") {
		t.Errorf("got %v, want an error of kind %q that names the way out", err, agentruntime.ErrImage)
	}
	list, err := e.List(t.Context())
	if err != nil || len(list) != 0 {
		t.Errorf("left behind: %+v, %v", list, err)
	}
}

func TestAPullThatTakesTooLongIsAnImageFault(t *testing.T) {
	r, e := pullable(t), engineAt(t, testEngine.Socket())
	r.stall.Store(true)
	in := script("true")
	in.Spec.Image = r.serve(t) + "/made/up:1"
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := e.Create(ctx, in, nil)
	if !errors.Is(err, agentruntime.ErrImage) || errors.Is(err, agentruntime.ErrUnavailable) {
		t.Errorf("got %v, want an error of kind %q", err, agentruntime.ErrImage)
	}
}

func TestAReferenceThatIsNone(t *testing.T) {
	for _, ref := range []string{"web::1", "Web", "web:1@sha256:abc", "http://web"} {
		in := script("true")
		in.Spec.Image = ref
		err := engineAt(t, testEngine.Socket()).Create(t.Context(), in, nil)
		if !errors.Is(err, agentruntime.ErrImage) || !strings.Contains(err.Error(), ref) {
			t.Errorf("%s: %v, want an error of kind %q that names it", ref, err, agentruntime.ErrImage)
		}
	}
}
