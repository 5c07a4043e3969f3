package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

// notes remembers, one small file per container, what an update in place has
// made of it: Docker cannot change a label. A note for another Docker id than
// the container has now is out of date and ignored.
type notes struct {
	dir string
}

type note struct {
	DockerID   string `json:"docker_id"`
	Epoch      int64  `json:"epoch"`
	Generation int64  `json:"generation"`
	SpecHash   string `json:"spec_hash"`
}

func (n notes) path(c id.ContainerID) string { return filepath.Join(n.dir, c.String()+".json") }

// apply corrects what the labels say. A note that cannot be read counts as
// none: the container then looks old and is updated once more.
func (n notes) apply(f runtime.Found) runtime.Found {
	text, err := os.ReadFile(n.path(f.ID))
	if err != nil {
		return f
	}
	var kept note
	if err := json.Unmarshal(text, &kept); err != nil || kept.DockerID != f.DockerID {
		return f
	}
	f.Epoch, f.Generation, f.SpecHash = kept.Epoch, kept.Generation, kept.SpecHash
	return f
}

// keep writes a note whole or not at all.
func (n notes) keep(f runtime.Found, in runtime.Instance) error {
	text, err := json.Marshal(note{f.DockerID, in.Epoch, in.Generation, in.SpecHash})
	if err != nil {
		return fmt.Errorf("encode the note of an update: %w", err)
	}
	draft := n.path(f.ID) + ".new"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return fmt.Errorf("write the note of an update: %w", err)
	}
	if err := os.Rename(draft, n.path(f.ID)); err != nil {
		return fmt.Errorf("write the note of an update: %w", err)
	}
	return nil
}

func (n notes) drop(c id.ContainerID) error {
	if err := os.Remove(n.path(c)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the note of an update: %w", err)
	}
	return nil
}
