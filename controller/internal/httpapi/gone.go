package httpapi

import (
	"net"
	"syscall"
)

// hasLeft reports whether the other end of a connection has closed it,
// without taking anything off it. What it cannot tell counts as there.
func hasLeft(conn net.Conn) bool {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return true
	}
	left := false
	err = control.Read(func(fd uintptr) bool {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		left = err == nil && n == 0 || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
		return true // never wait
	})
	return left || err != nil
}
