package dockerd

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
)

// Image is an image of one layer, made from nothing: no registry is needed.
type Image struct {
	Ref    string // such as lormas/demo:1
	Files  map[string]File
	Config Config
}

// File is one entry of an image. With Link it is a symbolic link.
type File struct {
	Mode int64 // 0: 0644
	Data []byte
	Link string
}

// Config is the part of an image's configuration that tests want to set.
type Config struct {
	User       string              `json:",omitempty"`
	Env        []string            `json:",omitempty"`
	Entrypoint []string            `json:",omitempty"`
	Cmd        []string            `json:",omitempty"`
	WorkingDir string              `json:",omitempty"`
	StopSignal string              `json:",omitempty"`
	Exposed    map[string]struct{} `json:"ExposedPorts,omitempty"`
	Labels     map[string]string   `json:",omitempty"`
}

// Program reads an executable of this machine as a file of an image. It must
// be linked statically.
func Program(hostPath string) (File, error) {
	data, err := os.ReadFile(hostPath)
	if err != nil {
		return File{}, fmt.Errorf("read a program for an image: %w (run make deps)", err)
	}
	return File{Mode: 0o755, Data: data}, nil
}

// Busybox is an image with a shell and the common tools, made from this
// machine's static busybox.
func Busybox(ref string) (Image, error) {
	program, err := Program("/bin/busybox")
	if err != nil {
		return Image{}, err
	}
	files := map[string]File{
		"bin/busybox": program,
		"etc/passwd":  {Data: []byte("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")},
		"etc/group":   {Data: []byte("root:x:0:\nnobody:x:65534:\n")},
	}
	for _, name := range strings.Fields("sh cat dd echo env head httpd id kill ls mkdir mount nc ping ps pwd rm seq sleep stat tail test touch true false wget yes") {
		files["bin/"+name] = File{Link: "busybox"}
	}
	return Image{Ref: ref, Files: files, Config: Config{
		Env: []string{"PATH=/bin"}, Cmd: []string{"/bin/sh"},
	}}, nil
}

// Archive is the image as "docker load" takes it.
func (i Image) Archive() ([]byte, error) {
	layer, err := pack(i.Files)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": "2000-01-01T00:00:00Z", "config": i.Config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the image's configuration: %w", err)
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": digest(config) + ".json", "RepoTags": []string{i.Ref}, "Layers": []string{"layer.tar"},
	}})
	if err != nil {
		return nil, fmt.Errorf("encode the image's manifest: %w", err)
	}
	return pack(map[string]File{
		digest(config) + ".json": {Data: config}, "layer.tar": {Data: layer}, "manifest.json": {Data: manifest},
	})
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func pack(files map[string]File) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	dirs := map[string]bool{".": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := packDir(w, dirs, path.Dir(name)); err != nil {
			return nil, err
		}
		file := files[name]
		head := &tar.Header{Name: name, Mode: file.Mode, Size: int64(len(file.Data)), Typeflag: tar.TypeReg}
		if file.Mode == 0 {
			head.Mode = 0o644
		}
		if file.Link != "" {
			head.Typeflag, head.Linkname = tar.TypeSymlink, file.Link
		}
		if err := w.WriteHeader(head); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
		if _, err := w.Write(file.Data); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack an image: %w", err)
	}
	return out.Bytes(), nil
}

func packDir(w *tar.Writer, done map[string]bool, dir string) error {
	if done[dir] {
		return nil
	}
	if err := packDir(w, done, path.Dir(dir)); err != nil {
		return err
	}
	done[dir] = true
	if err := w.WriteHeader(&tar.Header{Name: dir + "/", Mode: 0o755, Typeflag: tar.TypeDir}); err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	return nil
}

// Load puts an image into the engine at a unix socket.
func Load(ctx context.Context, socket string, image Image) error {
	archive, err := image.Archive()
	if err != nil {
		return err
	}
	answer, err := call(ctx, socket, http.MethodPost, "/images/load?quiet=1", bytes.NewReader(archive))
	if err != nil {
		return fmt.Errorf("load image %s: %w", image.Ref, err)
	}
	// The engine answers 200 and reports a failure inside the stream.
	if bytes.Contains(answer, []byte(`"errorDetail"`)) {
		return fmt.Errorf("load image %s: %s", image.Ref, answer)
	}
	return nil
}

// Ping reports whether the engine at a unix socket answers.
func Ping(ctx context.Context, socket string) error {
	_, err := call(ctx, socket, http.MethodGet, "/_ping", nil)
	return err
}

func call(ctx context.Context, socket, method, path string, body io.Reader) ([]byte, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-tar")
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the engine answered %s: %s", response.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}
