package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/lormas/lormas/agent/internal/configfile"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

// Configure writes the configuration files of an instance in its home volume,
// as its spec wants them. It is called before every start; a file that is
// right already is not touched, and one that cannot be read is left as it is.
func (e *Engine) Configure(ctx context.Context, in runtime.Instance) error {
	if len(in.Spec.Files) == 0 {
		return nil
	}
	facts := e.facts(ctx, in)
	home, err := e.homeDir(in)
	if err != nil {
		return err
	}
	user, err := e.userOf(ctx, in)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(home)
	if err != nil {
		return fmt.Errorf("open the home volume: %w", err)
	}
	defer root.Close()
	v := volume{root: root}
	v.uid, v.gid, v.owned = numbers(user)
	for _, f := range in.Spec.Files {
		f.Path = configfile.ExpandPath(f.Path, facts)
		if err := v.configure(f, configfile.Fill(f.Set, facts)); err != nil {
			return fmt.Errorf("configuration file %s: %w", f.Path, err)
		}
	}
	return nil
}

// volume is a home volume, and whose new files are in it. The container can
// put anything there: all is reached through root, so no link leads out.
type volume struct {
	root     *os.Root
	uid, gid int
	owned    bool // uid and gid are known
}

// maxLinks is how many links one path may go through.
const maxLinks = 8

func (v volume) configure(f spec.File, settings []spec.Setting) error {
	name, err := v.follow(f.Path)
	if err != nil {
		return err
	}
	before, info, err := v.read(name)
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && f.Existing {
		return nil
	}
	if err != nil && !missing {
		return err
	}
	after, err := configfile.Apply(f.Parser, before, settings)
	if err != nil {
		return fmt.Errorf("%w: mend the file, or delete it so that it is made anew, and start again", err)
	}
	if !missing && bytes.Equal(before, after) {
		return nil
	}
	if missing {
		if err := v.makeDirs(path.Dir(name)); err != nil {
			return err
		}
	}
	return v.replace(name, after, info)
}

// follow finds where a path leads. Links to where the container sees the
// volume are followed as well; os.Root refuses those that lead out of it.
func (v volume) follow(name string) (string, error) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	for range maxLinks {
		if name == "" || name == markDir || strings.HasPrefix(name, markDir+"/") {
			return "", errors.New("this path is not for a configuration file: change it in the egg")
		}
		info, err := v.root.Lstat(name)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return name, nil
		}
		target, err := v.root.Readlink(name)
		if err != nil {
			return "", err
		}
		inside, absolute := strings.CutPrefix(target, spec.HomePath+"/")
		switch {
		case absolute:
			name = path.Clean(inside)
		case path.IsAbs(target):
			return "", fmt.Errorf("it is a link to %s, outside of the volume: replace it by a file", target)
		default:
			name = path.Join(path.Dir(name), target)
		}
		if name == ".." || strings.HasPrefix(name, "../") {
			return "", fmt.Errorf("it is a link to %s, outside of the volume: replace it by a file", target)
		}
	}
	return "", errors.New("it is a link that leads to too many others: replace it by a file")
}

// read reads a whole file. What is none, such as a pipe that nobody writes
// to, must not hold up the agent.
func (v volume) read(name string) ([]byte, fs.FileInfo, error) {
	file, err := v.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("it is no ordinary file: delete it, and start again")
	case info.Size() > configfile.MaxSize:
		return nil, nil, fmt.Errorf("it is too large to be edited (%d MiB, at most %d)", info.Size()>>20, configfile.MaxSize>>20)
	}
	content, err := io.ReadAll(io.LimitReader(file, configfile.MaxSize+1))
	return content, info, err
}

// makeDirs makes a directory and those above it, for the container's user.
func (v volume) makeDirs(dir string) error {
	if dir == "." {
		return nil
	}
	if info, err := v.root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := v.makeDirs(path.Dir(dir)); err != nil {
		return err
	}
	if err := v.root.Mkdir(dir, dirMode); err != nil {
		return err
	}
	if v.owned {
		return v.root.Lchown(dir, v.uid, v.gid)
	}
	return nil
}

// replace writes a file beside the old one and puts it in its place, so that
// whatever happens there is the one or the other. Owner and mode stay.
func (v volume) replace(name string, content []byte, was fs.FileInfo) (err error) {
	temp := path.Join(path.Dir(name), ".lormas-"+path.Base(name))
	if err := v.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := v.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = v.root.Remove(temp)
		}
	}()
	_, err = file.Write(content)
	err = errors.Join(err, v.dress(file, was), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := v.root.Rename(temp, name); err != nil {
		return err
	}
	dir, err := v.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// dress gives a new file the owner and mode of the one that it replaces.
func (v volume) dress(file *os.File, was fs.FileInfo) error {
	uid, gid, owned, mode := v.uid, v.gid, v.owned, fs.FileMode(0o644)
	if was != nil {
		mode = was.Mode().Perm()
		if old, is := was.Sys().(*syscall.Stat_t); is {
			uid, gid, owned = int(old.Uid), int(old.Gid), true
		}
	}
	if owned {
		if err := file.Chown(uid, gid); err != nil {
			return err
		}
	}
	return file.Chmod(mode)
}
