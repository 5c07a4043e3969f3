package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// head stands above the keys in their file.
const head = `# The keys that seal secrets in the database of Lormas, the newest first. Without
# them the secrets are lost: keep a copy apart from the database's backups.
# Replace them with: lormas secrets rotate
`

// readFile reads a ring. Whoever can read it can read all secrets, so a file
// that others may read is refused.
func readFile(path string) ([]key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 on it, and then lormas secrets rotate if somebody may have read it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: restore it from a backup", path, err)
	}
	return keys, nil
}

// newKey is a line of a ring.
func newKey() string {
	var raw [keySize]byte
	rand.Read(raw[:]) // never fails
	return base64.StdEncoding.EncodeToString(raw[:])
}

// createFile makes a ring of one key. It appears whole or not at all, and
// never over one that is there.
func createFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	aside, err := writeAside(path, []string{newKey()})
	if err != nil {
		return err
	}
	defer os.Remove(aside)
	return errors.Join(os.Link(aside, path), syncDir(path))
}

// replaceFile writes a ring over the one that is there, at once and for good.
func replaceFile(path string, lines []string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	aside, err := writeAside(path, lines)
	if err != nil {
		return err
	}
	defer os.Remove(aside)
	if owner, ok := info.Sys().(*syscall.Stat_t); ok { // root rotates for the controller's own user
		if err := os.Chown(aside, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return errors.Join(os.Rename(aside, path), syncDir(path))
}

// writeAside writes a ring next to its place.
func writeAside(path string, lines []string) (name string, err error) {
	aside, err := os.CreateTemp(filepath.Dir(path), ".key-*") // of mode 0600
	if err != nil {
		return "", err
	}
	_, err = aside.WriteString(head + strings.Join(lines, "\n") + "\n")
	if err := errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return "", errors.Join(err, os.Remove(aside.Name()))
	}
	return aside.Name(), nil
}

// syncDir makes sure that a new name survives a crash of the machine.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
