package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// Ring is the keys, newest first. It is safe for concurrent use.
type Ring struct {
	path string // "": it came as text

	mu   sync.RWMutex
	keys []key
}

// Use is the ring that a setting names: the keys themselves, or a file, which
// is made where there is none; an empty setting means the file otherwise.
func Use(setting, otherwise string) (*Ring, error) {
	if setting == "" {
		return LoadOrCreate(otherwise)
	}
	if _, err := parseKey(firstLine(setting)); err == nil {
		return Parse(setting)
	}
	return LoadOrCreate(setting)
}

// Find is Use for a ring that must be there already.
func Find(setting, otherwise string) (*Ring, error) {
	if setting == "" {
		return Load(otherwise)
	}
	if _, err := parseKey(firstLine(setting)); err == nil {
		return Parse(setting)
	}
	return Load(setting)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

// Parse reads a ring that came as text, which nobody can rotate from here.
func Parse(text string) (*Ring, error) {
	keys, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	return &Ring{keys: keys}, nil
}

// Load reads a ring's file.
func Load(path string) (*Ring, error) {
	keys, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	return &Ring{path: path, keys: keys}, nil
}

// LoadOrCreate reads a ring's file, or makes one with one key at the first
// start. Two controllers that start at once end up with one key.
func LoadOrCreate(path string) (*Ring, error) {
	r, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err := createFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create secret key: %w", err)
	}
	return Load(path)
}

func parse(text string) ([]key, error) {
	var keys []key
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if slices.ContainsFunc(keys, func(other key) bool { return other.id == k.id }) {
			return nil, fmt.Errorf("line %d: this key is there twice", n)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return keys, nil
}

// Newest is the id of the key to seal with where nothing says otherwise.
func (r *Ring) Newest() string { return r.IDs()[0] }

// IDs name the keys, the newest first.
func (r *Ring) IDs() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// Path is the ring's file, or "" where it came as text.
func (r *Ring) Path() string { return r.path }

// Seal seals a text with a key of the ring. of is what it is of, and has to
// be said again to open it.
func (r *Ring) Seal(id, of, plain string) (string, error) {
	k, err := r.key(id)
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", of, err)
	}
	return k.seal(of, plain), nil
}

// Open opens what was sealed. Its errors never hold any of it.
func (r *Ring) Open(of, sealed string) (string, error) {
	id, body, ok := split(sealed)
	if !ok {
		return "", fmt.Errorf("open %s: %w", of, ErrBroken)
	}
	k, err := r.key(id)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", of, err)
	}
	plain, err := k.open(of, body)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", of, err)
	}
	return plain, nil
}

// key finds a key, in the file where it is not in the ring yet.
func (r *Ring) key(id string) (key, error) {
	if k, ok := r.find(id); ok {
		return k, nil
	}
	if err := r.reload(); err != nil {
		return key{}, fmt.Errorf("%w (%s), and its file cannot be read again: %w", ErrUnknownKey, id, err)
	}
	if k, ok := r.find(id); ok {
		return k, nil
	}
	return key{}, fmt.Errorf("%w (%s; here are %s): copy the secret key of the other controllers, or of the backup, to %s",
		ErrUnknownKey, id, strings.Join(r.IDs(), ", "), r.place())
}

func (r *Ring) place() string {
	if r.path == "" {
		return "LORMAS_SECRET_KEY, and start again"
	}
	return r.path
}

func (r *Ring) find(id string) (key, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.id == id })
	if i < 0 {
		return key{}, false
	}
	return r.keys[i], true
}

func (r *Ring) reload() error {
	if r.path == "" {
		return nil
	}
	keys, err := readFile(r.path)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
	return nil
}
