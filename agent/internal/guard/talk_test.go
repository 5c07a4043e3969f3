package guard

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The socket's permissions keep strangers out; the guard does not rely on
// them alone.
func TestAStrangerIsNotHeard(t *testing.T) {
	r := newRig(t)
	r.ok(os.Chmod(r.dir, 0o755))
	r.ok(os.Chmod(socketFile(r.dir, r.node), 0o777))
	const nobody = 65534
	for uid, heard := range map[int]bool{0: true, nobody: false} {
		answer, err := askAs(uid, socketFile(r.dir, r.node))
		if heard != (answer != "") || err != nil {
			t.Errorf("user %d was answered %q, %v", uid, answer, err)
		}
	}
	r.ok(r.Ping())
}

// askAs pings as somebody else, and returns the answer, "" for a connection
// that was closed. The kernel keeps users per thread: this one ends here.
func askAs(uid int, path string) (answer string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
			err = errno
			return
		}
		answer, err = ask(path)
	}()
	<-done
	return answer, err
}

func ask(path string) (string, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return "", err
	}
	_, err = unix.Write(fd, []byte(`{"op":"ping"}`+"\n"))
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		return "", err
	}
	line := make([]byte, 100)
	n, err := unix.Read(fd, line)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		err = nil
	}
	return string(line[:max(n, 0)]), err
}
