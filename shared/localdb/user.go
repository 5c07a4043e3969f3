package localdb

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that a server runs as.
type account struct {
	name     string
	uid, gid int
}

// chooseAccount returns ourselves, or as root somebody without privileges, as
// Postgres refuses to run as root and Redis has no need to: the owner of dir
// when it is there already, else the first of names that exists.
func chooseAccount(dir string, names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{name: "uid " + strconv.Itoa(os.Geteuid()), uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	if owner, ok := ownerOf(dir); ok {
		return owner, nil
	}
	for _, name := range names {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(found.Uid)
		gid, gidErr := strconv.Atoi(found.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uid, gid: gid}, nil
		}
	}
	return account{}, fmt.Errorf("no unprivileged user to run a server as: none of %q exists", names)
}

// ownerOf is who a server in dir ran as before: what it has written there is
// his, whatever users have been added since.
func ownerOf(dir string) (account, bool) {
	info, err := os.Stat(dir)
	if err != nil {
		return account{}, false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return account{}, false
	}
	return account{name: "uid " + strconv.Itoa(int(owner.Uid)), uid: int(owner.Uid), gid: int(owner.Gid)}, true
}

// credential makes a child run as the account; nil when we are it already.
func (a account) credential() *syscall.Credential {
	if os.Geteuid() == a.uid {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

// own makes dir, private to the account.
func (a account) own(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chown(dir, a.uid, a.gid); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// canEnter reports the first directory above dir that the account may not
// pass through: a home of mode 700, say.
func (a account) canEnter(dir string) error {
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return err
		}
		if !a.passes(info) {
			return fmt.Errorf("user %s cannot pass through %s (mode %v): choose a directory elsewhere, such as below /var/lib: %w",
				a.name, parent, info.Mode().Perm(), os.ErrPermission)
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

func (a account) passes(info os.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return true
	case int(owner.Uid) == a.uid:
		return info.Mode()&0o100 != 0
	case int(owner.Gid) == a.gid:
		return info.Mode()&0o010 != 0
	default:
		return info.Mode()&0o001 != 0
	}
}
