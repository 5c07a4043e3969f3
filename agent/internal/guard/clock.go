package guard

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Now is the time since the machine booted. It goes on while the machine
// sleeps, which Go's own clock does not, and nobody can set it.
func Now() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(err) // Linux has had this clock since 2.6.39
	}
	return time.Duration(now.Nano())
}

// alarm rings at a time of that clock.
type alarm struct {
	file *os.File
	rung chan struct{}
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	a := &alarm{file: os.NewFile(uintptr(fd), "timerfd"), rung: make(chan struct{}, 1)}
	go func() { // ends with close
		var count [8]byte
		for {
			if _, err := a.file.Read(count[:]); err != nil {
				return
			}
			select {
			case a.rung <- struct{}{}:
			default:
			}
		}
	}()
	return a, nil
}

// set has it ring once; at a time that has passed, at once.
func (a *alarm) set(at time.Duration) error {
	next := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(at, 1)))}
	conn, err := a.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("set the timer: %w", err)
	}
	var fault error
	if err := conn.Control(func(fd uintptr) { fault = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &next, nil) }); err != nil {
		fault = err
	}
	if fault != nil {
		return fmt.Errorf("set the timer: %w", fault)
	}
	return nil
}

func (a *alarm) close() { _ = a.file.Close() }
