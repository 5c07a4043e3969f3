package mqttlink

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Session is one connection, from its CONNACK to its end. It is never
// mended: after its end all of its methods fail, and Run makes another.
type Session struct {
	Server string // the address that it is connected to

	client  mqtt.Client
	timeout time.Duration
	ended   chan struct{}
	end     sync.Once

	mu     sync.Mutex
	conn   *cuttable // set while paho dials
	why    error     // the first reason to end
	closed bool      // why was given to Close
}

// ErrTimeout is returned for a message that was not written, or at QoS 1 not
// acknowledged, in time. It may arrive all the same.
var ErrTimeout = errors.New("not acknowledged in time")

// ErrEnded is returned for what is asked of a session that is over.
var ErrEnded = errors.New("the session is over")

// Publish sends a message. It returns when the message is written at QoS 0,
// or acknowledged by the server at QoS 1; an acknowledgement does not mean
// that anybody has read it.
func (s *Session) Publish(m Message) error {
	select {
	case <-s.ended:
		return ErrEnded
	default:
	}
	if !s.client.IsConnectionOpen() {
		return ErrEnded
	}
	token := s.client.Publish(m.Topic, m.QoS, m.Retained, m.Payload)
	if !token.WaitTimeout(s.timeout) {
		return fmt.Errorf("publish on %s: %w", m.Topic, ErrTimeout)
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("publish on %s: %w", m.Topic, err)
	}
	return nil
}

// Close ends the session without a farewell, so that the server publishes
// the will and Run dials again. It does not block; a second call does
// nothing.
func (s *Session) Close(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		s.why, s.closed = why, true
	}
	if s.conn != nil {
		s.conn.cut()
	}
}

// Ended is closed when the session is over.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// attach is called with a new connection; what it returns is for paho.
func (s *Session) attach(conn net.Conn) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = &cuttable{Conn: conn}
	if s.closed {
		s.conn.cut()
	}
	return s.conn
}

// finish marks the end: called by paho when a connection that had been up
// broke, and by Run when it has said goodbye.
func (s *Session) finish(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		s.why = why
	}
	s.end.Do(func() { close(s.ended) })
}

// reason is why the session ended, and whether Close did it.
func (s *Session) reason() (why error, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why, s.closed
}
