package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Forward lets the machine itself reach an address inside the lab: it listens
// on a loopback address and passes connections on, until ctx ends. It returns
// the address that it listens on.
func (l *Lab) Forward(ctx context.Context, listen, inside string) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return "", fmt.Errorf("forward to %s: %w", inside, err)
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					l.say("forward to %s: %v", inside, err)
				}
				return
			}
			go l.pass(ctx, conn, inside)
		}
	}()
	return listener.Addr().String(), nil
}

// pass carries one connection to its end.
func (l *Lab) pass(ctx context.Context, outer net.Conn, inside string) {
	defer outer.Close()
	inner, err := switchNamespace(l.Name).dial(ctx, "tcp", inside)
	if err != nil {
		l.say("forward to %s: %v", inside, err)
		return
	}
	defer inner.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = outer.Close(), inner.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { copyHalf(inner, outer) })
	both.Go(func() { copyHalf(outer, inner) })
	both.Wait()
}

// copyHalf copies one direction and passes its end on.
func copyHalf(to, from net.Conn) {
	_, _ = io.Copy(to, from) // either side may leave at any time
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}
