package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/mount"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

// AllowMountFlag is the agent's flag that fills Options.AllowedMounts.
const AllowMountFlag = "--allow-mount"

// mounts turns the volumes of a spec into directories of this node.
type mounts struct {
	volumes string   // where named volumes are kept, one directory per container
	allowed []string // where absolute ones may point
}

// prepared is what a container's volumes have become.
type prepared struct {
	binds []mount.Mount
	made  []string // directories that were not there before, parents first
}

// undo removes the directories that were made, where nobody has used them.
func (p prepared) undo() {
	for i := len(p.made) - 1; i >= 0; i-- {
		_ = os.Remove(p.made[i]) // refuses when something is in it, which is right
	}
}

// prepare finds the directory of every volume and makes it where it is
// missing, owned by the user that the container runs as.
func (m mounts) prepare(in runtime.Instance, imageUser string) (prepared, error) {
	user := in.Spec.User
	if user == "" {
		user = imageUser
	}
	var out prepared
	for _, v := range in.Spec.Volumes {
		made, source, err := m.source(in, v)
		out.made = append(out.made, made...)
		if err == nil {
			err = giveTo(user, made)
		}
		if err != nil {
			out.undo()
			return prepared{}, err
		}
		out.binds = append(out.binds, bind(source, v.Container, v.ReadOnly))
	}
	return out, nil
}

// bind mounts a directory of the node.
func bind(source, target string, readOnly bool) mount.Mount {
	return mount.Mount{
		Type: mount.TypeBind, Source: source, Target: target, ReadOnly: readOnly,
		BindOptions: &mount.BindOptions{Propagation: mount.PropagationRPrivate},
	}
}

func (m mounts) source(in runtime.Instance, v spec.Volume) (made []string, source string, err error) {
	if !filepath.IsAbs(v.Host) {
		if source, err = m.path(in, v); err != nil {
			return nil, "", err
		}
		made, err = makeDirs(source)
		return made, source, err
	}
	// Symbolic links are followed before the question whether it is allowed,
	// and again after making it: what is mounted is what was judged.
	if _, err := m.judge(v.Host); err != nil {
		return nil, "", err
	}
	made, err = makeDirs(v.Host)
	if err != nil {
		return made, "", err
	}
	source, err = m.judge(v.Host)
	return made, source, err
}

// path is the directory of a volume, which need not be there yet.
func (m mounts) path(in runtime.Instance, v spec.Volume) (string, error) {
	if filepath.IsAbs(v.Host) {
		return m.judge(v.Host)
	}
	if !spec.ValidName(v.Host) { // the controller has refused it, but a path is built of it here
		return "", runtime.ErrMount.Errorf("%q is not the name of a volume: %s", v.Host, spec.NameRule)
	}
	return filepath.Join(m.volumes, in.ID.String(), v.Host), nil
}

// judge resolves a path, as far as it exists, and says whether containers may
// have it.
func (m mounts) judge(path string) (string, error) {
	found, err := resolve(path)
	if err != nil {
		return "", fmt.Errorf("resolve volume %s: %w", path, err)
	}
	for _, prefix := range m.allowed {
		root, err := filepath.EvalSymlinks(prefix)
		if err == nil && within(root, found) {
			return found, nil
		}
	}
	where := ""
	if found != path {
		where = fmt.Sprintf(", which is %s,", found)
	}
	return "", runtime.ErrMount.Errorf("volume %s%s may not be mounted on this node: start its agent with %s %s to allow it, or use a named volume",
		path, where, AllowMountFlag, found)
}

func within(root, path string) bool {
	return path == root || root == "/" || strings.HasPrefix(path, root+"/")
}

// resolve follows the symbolic links of the part of a path that exists.
func resolve(path string) (string, error) {
	found, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return "", runtime.ErrMount.Errorf("%s is a symbolic link to something that does not exist: make that first", path)
	}
	parent, err := resolve(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}

// makeDirs is os.MkdirAll that tells which directories it made, parents
// first. A file that is there already is mounted as one.
func makeDirs(path string) ([]string, error) {
	if _, err := os.Stat(path); err == nil {
		return nil, nil
	}
	made, err := makeDirs(filepath.Dir(path))
	if err != nil {
		return made, err
	}
	if err := os.Mkdir(path, dirMode); err != nil {
		return made, fmt.Errorf("make the directory of a volume: %w", err)
	}
	return append(made, path), nil
}

// giveTo makes the directories the property of a user written as a number
// (uid or uid:gid). A name means something only inside the image; what it
// needs there its entrypoint has to do.
func giveTo(user string, dirs []string) error {
	uid, gid, numeric := numbers(user)
	if !numeric {
		return nil
	}
	for _, dir := range dirs {
		if err := os.Lchown(dir, uid, gid); err != nil {
			return fmt.Errorf("give the directory of a volume to its user: %w", err)
		}
	}
	return nil
}

// numbers reads a user written as uid or uid:gid.
func numbers(user string) (uid, gid int, numeric bool) {
	owner, group, both := strings.Cut(user, ":")
	uid, err := strconv.Atoi(owner)
	if err != nil {
		return 0, 0, false
	}
	gid = uid
	if both {
		gid, err = strconv.Atoi(group)
	}
	return uid, gid, err == nil
}
