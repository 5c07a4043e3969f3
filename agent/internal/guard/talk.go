package guard

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// maxLine bounds what is read at once.
const maxLine = 1 << 20

// talk serves one connection: a line in, a line out.
func (s *server) talk(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	if uid, err := peer(conn); err != nil || uid != 0 && uid != os.Geteuid() {
		s.Log.Warn("a stranger spoke to the guard and was not heard", "uid", uid, "error", err)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if !s.tell(ctx, call{line: 1}) {
		return
	}
	defer s.tell(ctx, call{line: -1})
	lines, replies := bufio.NewScanner(conn), json.NewEncoder(conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return // not an agent
		}
		c := call{request: &r, answer: make(chan answer, 1)}
		if !s.tell(ctx, c) {
			return
		}
		select {
		case a := <-c.answer:
			if replies.Encode(a) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// peer is whose process is at the other end. The socket's permissions keep
// others out; this is for one that was handed on.
func peer(conn net.Conn) (uid int, err error) {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return -1, errors.New("not a unix socket")
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Ucred
	fault := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(fault, err); err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}

func (s *server) tell(ctx context.Context, c call) bool {
	select {
	case s.calls <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// Client is the agent's side. It is safe for concurrent use; it connects by
// itself, and again after a fault.
type Client struct {
	path string

	mu    sync.Mutex
	conn  net.Conn
	lines *bufio.Reader
}

// NewClient speaks to the guard of a node.
func NewClient(dir string, node id.NodeID) *Client { return &Client{path: socketFile(dir, node)} }

// patience is how long the guard may take to answer.
const patience = time.Second

// Ping asks whether the guard answers.
func (c *Client) Ping() error {
	_, err := c.ask(request{Op: opPing})
	return err
}

// Expect announces a start.
func (c *Client) Expect(copy lease.Copy, t lease.Term, start Start) error {
	_, err := c.ask(request{Op: opExpect, Copy: copy, Term: Term{Soft: t.Soft, Until: t.Until}, Start: start})
	return err
}

// Bind names the init of a copy that was started.
func (c *Client) Bind(copy lease.Copy, init Init) error {
	_, err := c.ask(request{Op: opBind, Copy: copy, Init: init})
	return err
}

// Renew gives copies more time.
func (c *Client) Renew(terms []CopyAndTerm) error {
	_, err := c.ask(request{Op: opRenew, Terms: terms})
	return err
}

// Release says that a copy does not run, and that no start is under way.
func (c *Client) Release(copy lease.Copy) error {
	_, err := c.ask(request{Op: opRelease, Copy: copy})
	return err
}

// State tells what the guard has.
func (c *Client) State() ([]Watched, error) {
	a, err := c.ask(request{Op: opState})
	return a.Watched, err
}

// Close ends the connection; the guard counts on.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hangUp()
}

// Refusal is what the guard does not do, and why. All other errors mean that
// it does not answer.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return "the guard refuses: " + string(r) }

func (c *Client) ask(r request) (answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, err := c.exchange(r)
	if err != nil {
		c.hangUp()
		return answer{}, fmt.Errorf("the guard does not answer: %w", err)
	}
	if a.Error != "" {
		return answer{}, Refusal(a.Error)
	}
	return a, nil
}

func (c *Client) exchange(r request) (a answer, err error) {
	if c.conn == nil {
		if c.conn, err = net.DialTimeout("unix", c.path, patience); err != nil {
			return a, err
		}
		c.lines = bufio.NewReader(c.conn)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return a, err
	}
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		return a, err
	}
	reply, err := c.lines.ReadBytes('\n')
	if err != nil {
		return a, err
	}
	return a, errors.Join(json.Unmarshal(reply, &a))
}

func (c *Client) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
