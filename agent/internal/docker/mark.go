package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// mark is what the home volume keeps of its installation: it goes where the
// data goes. The container can write it too, so it is believed only in what
// harms nobody but the container, and it is reached through os.Root: a link in
// the volume leads nowhere else.
type mark struct {
	Container id.ContainerID `json:"container"`
	Number    int64          `json:"number"`
	At        time.Time      `json:"at"`
}

const (
	markDir  = ".lormas"
	markFile = markDir + "/installed"
)

// readMark says which installation of a container a volume has had. A mark
// that cannot be read, or is of another container, counts as none.
func readMark(home string, c id.ContainerID) (number int64, done bool, err error) {
	root, err := os.OpenRoot(home)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look whether the volume is installed: %w", err)
	}
	defer root.Close()
	text, err := root.ReadFile(markFile)
	if err != nil {
		return 0, false, nil
	}
	var m mark
	if json.Unmarshal(text, &m) != nil || m.Container != c {
		return 0, false, nil
	}
	return m.Number, true, nil
}

// writeMark writes the mark whole or not at all.
func writeMark(home string, m mark) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the mark of an installation: %w", err)
	}
	root, err := os.OpenRoot(home)
	if err != nil {
		return fmt.Errorf("mark the volume as installed: %w", err)
	}
	defer root.Close()
	err = root.Mkdir(markDir, dirMode)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("mark the volume as installed: %w", err)
	}
	if err := root.WriteFile(markFile+".new", text, 0o644); err != nil {
		return fmt.Errorf("mark the volume as installed: %w", err)
	}
	if err := root.Rename(markFile+".new", markFile); err != nil {
		return fmt.Errorf("mark the volume as installed: %w", err)
	}
	return nil
}

// handOver gives everything in a volume to the user that the container runs
// as, where that is a number: the installer was root. Links are given away
// themselves, not what they point to.
func handOver(home, user string) error {
	uid, gid, numeric := numbers(user)
	if !numeric {
		return nil
	}
	root, err := os.OpenRoot(home)
	if err != nil {
		return fmt.Errorf("give the volume to its user: %w", err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && path != "." {
			err = root.Lchown(path, uid, gid)
		}
		if errors.Is(err, fs.ErrNotExist) { // others may use a shared volume
			return nil
		}
		return err
	})
	if err == nil {
		err = root.Lchown(".", uid, gid) // last: see adopt
	}
	if err != nil {
		return fmt.Errorf("give the volume to its user: %w", err)
	}
	return nil
}
