package broker

import (
	"errors"
	"sync"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/mochi-mqtt/server/v2"
)

var errClosing = errors.New("the broker is closing")

// registry knows every connection, from accept to its very end, and which
// one holds a client id.
type registry struct {
	mu      sync.Mutex
	closed  bool
	all     map[*connection][]kick // with the kicks that came while it authenticated
	holders map[string]*connection // by client id
	gone    sync.WaitGroup         // every connection in all
}

// kick ends the connections that it matches.
type kick struct {
	match  func(Identity) bool
	reason error
}

func newRegistry() *registry {
	return &registry{all: map[*connection][]kick{}, holders: map[string]*connection{}}
}

// add takes a new connection in, unless the broker closes.
func (r *registry) add(c *connection) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.all[c] = nil
	r.gone.Add(1)
	return true
}

// identify notes who is at the other end. It fails when a kick for them came
// between the check of their credential and now.
func (r *registry) identify(c *connection, who Identity) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.all[c] {
		if k.match(who) {
			return k.reason
		}
	}
	r.all[c] = nil
	c.who, c.admitted = who, true
	return nil
}

// claim gives the connection its client id, once the connection that has it
// is gone without a trace: mochi cleans up by client id and would clean up
// after the older one what belongs to the newer.
func (r *registry) claim(c *connection, clientID string, wait time.Duration) error {
	patience := time.NewTimer(wait)
	defer patience.Stop()
	for {
		older, err := r.tryClaim(c, clientID)
		if older == nil {
			return err
		}
		older.silenced.Store(true) // its will would speak of the newer one
		older.stop(ErrTakenOver)
		select {
		case <-older.done:
		case <-patience.C:
			return ErrUnavailable
		}
	}
}

func (r *registry) tryClaim(c *connection, clientID string) (older *connection, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosing
	}
	if older = r.holders[clientID]; older == nil {
		r.holders[clientID] = c
		c.clientID = clientID
	}
	return older, nil
}

// release forgets the connection; it is the last thing that happens to it.
func (r *registry) release(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, c)
	if r.holders[c.clientID] == c {
		delete(r.holders, c.clientID)
	}
	close(c.done)
	r.gone.Done()
}

// kick ends all connections that match, also those that are just being let in.
func (r *registry) kick(k kick) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, pending := range r.all {
		if !c.admitted {
			r.all[c] = append(pending, k)
		} else if k.match(c.who) {
			c.stop(k.reason)
		}
	}
}

// holds reports whether the node's agent is connected.
func (r *registry) holds(n id.NodeID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.holders[AgentClientID(n)]
	return c != nil && c.client != nil
}

// people lists the connections of people whose sessions are established.
func (r *registry) people() []*connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*connection
	for c := range r.all {
		if c.client != nil && !c.who.IsAgent() {
			out = append(out, c)
		}
	}
	return out
}

// close refuses newcomers and ends everybody, silently.
func (r *registry) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for c := range r.all {
		c.silenced.Store(true) // we leave, they did not
		c.stop(errClosing)
	}
}

// establish notes that the connection has a session.
func (r *registry) establish(c *connection, cl *mqtt.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.client = cl
}
