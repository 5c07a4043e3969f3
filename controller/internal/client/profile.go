package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Profile is a controller, and who one is there.
type Profile struct {
	Server  string    `json:"server"`
	Email   string    `json:"email,omitempty"`
	Token   string    `json:"token,omitempty"`   // an API token; else the session below
	Access  string    `json:"access,omitempty"`  // access token
	Expires time.Time `json:"expires,omitzero"`  // of Access
	Refresh string    `json:"refresh,omitempty"` // refresh token: good once
}

// Profiles is the file that keeps them: readable by its owner only.
type Profiles struct{ path string }

// Default is the name of the profile where none was given.
const Default = "default"

// OpenProfiles names the file: path, or the place for it among the user's
// settings. It need not exist.
func OpenProfiles(path string) (Profiles, error) {
	if path != "" {
		return Profiles{path}, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return Profiles{}, fmt.Errorf("where are your settings? Set HOME, or name the file with LORMAS_PROFILES: %w", err)
	}
	return Profiles{filepath.Join(dir, "lormas", "profiles.json")}, nil
}

// Path is where the file is.
func (p Profiles) Path() string { return p.path }

// Load reads one profile. One that is not there is empty.
func (p Profiles) Load(name string) (Profile, error) {
	all, err := p.read()
	return all[name], err
}

// Save writes one profile; an empty one is taken out.
func (p Profiles) Save(name string, profile Profile) error {
	return p.Change(name, func(Profile) (Profile, error) { return profile, nil })
}

// Change reads, changes and writes one profile, while others who want to do
// the same wait. When change fails nothing is written.
func (p Profiles) Change(name string, change func(Profile) (Profile, error)) error {
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	lock, err := os.OpenFile(p.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	defer lock.Close() // gives the lock back
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("profiles: lock: %w", err)
	}
	all, err := p.read()
	if err != nil {
		return err
	}
	next, err := change(all[name])
	if err != nil {
		return err
	}
	if all[name] = next; next == (Profile{}) {
		delete(all, name)
	}
	return p.write(all)
}

// read refuses a file that others can read: whoever has it is its owner.
func (p Profiles) read() (map[string]Profile, error) {
	all := map[string]Profile{}
	info, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("profiles: %s can be read by others (mode %04o): run chmod 600 on it", p.path, info.Mode().Perm())
	}
	text, err := os.ReadFile(p.path)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("profiles: %s is not what lormas login wrote: mend it, or remove it and sign in again: %w", p.path, err)
	}
	return all, nil
}

// write puts the file into place, whole or not at all.
func (p Profiles) write(all map[string]Profile) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	aside, err := os.CreateTemp(filepath.Dir(p.path), ".profiles-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	defer os.Remove(aside.Name()) // gone already, if all is well
	_, err = aside.Write(append(text, '\n'))
	if err := errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	if err := os.Rename(aside.Name(), p.path); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	return nil
}
