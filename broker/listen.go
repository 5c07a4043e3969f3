package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// listener is a socket that clients come in by.
type listener struct {
	net.Listener
	id     string
	tls    *tls.Config // nil: plain
	closed chan struct{}
}

// ListenTCP accepts plain MQTT on addr. The id names the listener in logs.
func (b *Broker) ListenTCP(id, addr string) (net.Addr, error) { return b.listen(id, addr, nil) }

// ListenTLS accepts MQTT over TLS on addr.
func (b *Broker) ListenTLS(id, addr string, config *tls.Config) (net.Addr, error) {
	if config == nil {
		return nil, errors.New("listen for MQTT over TLS: a certificate is required")
	}
	return b.listen(id, addr, config)
}

func (b *Broker) listen(id, addr string, config *tls.Config) (net.Addr, error) {
	nl, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for MQTT: %w", err)
	}
	return nl.Addr(), b.accept(id, nl, config)
}

// ServeConn speaks MQTT on a connection that came in by other means than a
// listener, and returns when it has ended. The id names those means in logs.
func (b *Broker) ServeConn(id string, nc net.Conn) { b.serve(id, nc) }

// accept runs the listener until the broker closes.
func (b *Broker) accept(id string, nl net.Listener, config *tls.Config) error {
	l := &listener{Listener: nl, id: id, tls: config, closed: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing.Load() {
		_ = nl.Close() // nobody has come in yet
		return ErrClosed
	}
	b.listeners = append(b.listeners, l)
	b.accepting.Go(func() { b.acceptLoop(l) })
	return nil
}

// acceptLoop goes on after errors, as running out of file descriptors is
// one: a listener that gives up is never noticed until all nodes are gone.
func (b *Broker) acceptLoop(l *listener) {
	var delay time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			delay = 0
			go b.serve(l.id, l.wrap(nc))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if delay == 0 {
			b.log.Error("MQTT connections cannot be accepted: raise the limit of open files (LimitNOFILE) if that is it",
				"listener", l.id, "error", err)
		}
		b.metrics.acceptErrors.Inc()
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(delay):
		case <-l.closed:
			return
		}
	}
}

func (l *listener) wrap(nc net.Conn) net.Conn {
	if l.tls == nil {
		return nc
	}
	return tls.Server(nc, l.tls)
}

func (b *Broker) closeListeners() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.listeners {
		close(l.closed)
		_ = l.Close() // what it accepted is closed by the registry
	}
}
