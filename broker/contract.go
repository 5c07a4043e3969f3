package broker

import (
	"context"
	"errors"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Credentials is what a client showed in its CONNECT.
type Credentials struct {
	ClientID   string
	Username   string
	Password   string `json:"-"`
	RemoteAddr string
}

// String leaves the password out, so that no log line can hold it.
func (c Credentials) String() string {
	return c.Username + " as " + c.ClientID + " from " + c.RemoteAddr
}

// Identity is what credentials proved. It stays with the connection. Exactly
// one of Node and User is set.
type Identity struct {
	Node         id.NodeID // an agent
	User         id.UserID // a person, or a tool with a person's API token
	Name         string    // for logs: the node's id or the person's e-mail
	ExpiresAt    time.Time // the connection is cut then; zero: never
	CredentialID string    // what KickCredential cuts by
}

// IsAgent reports whether this is a node's agent and not a person.
func (i Identity) IsAgent() bool { return !i.Node.IsZero() }

func (i Identity) kind() string {
	if i.IsAgent() {
		return "agent"
	}
	return "person"
}

// Errors of Authenticate. Any error that is not ErrUnavailable refuses the
// client for good (CONNACK 5).
var (
	ErrRefused     = errors.New("the credentials are not valid: make a new token and try again")
	ErrUnavailable = errors.New("credentials cannot be checked at the moment: try again later") // CONNACK 3
)

// Reasons why the broker ended a connection, as AgentDisconnected gets them.
var (
	ErrTakenOver = errors.New("another connection came with the same client id")
	ErrExpired   = errors.New("the credential has expired")
	ErrDenied    = errors.New("the client published where it may not")
	ErrQuota     = errors.New("the client asked for more subscriptions than it may have")
)

// Authorizer says who somebody is and what they may read. It is implemented
// by the controller and must be safe for concurrent use.
type Authorizer interface {
	// Authenticate is called once per CONNECT; ctx ends with the connect deadline.
	Authenticate(ctx context.Context, c Credentials) (Identity, error)
	// CanRead is called for people only, on every subscription and every
	// delivery: it must answer from memory.
	CanRead(who Identity, t wire.Topic) bool
}

// ConnInfo tells one connection of an agent from the next.
type ConnInfo struct {
	ConnID     uint64 // unique and growing within this process
	RemoteAddr string
	At         time.Time
}

// Handler is how messages and presence of agents reach the controller. It is
// called from the connection's own goroutine, so calls for one connection
// come in order and must not block; it must be safe for concurrent use. A
// panic in it is caught, counted and logged. After Broker.Close has begun
// it is not called any more.
type Handler interface {
	// AgentConnected is called after CONNACK. For one node it alternates
	// with AgentDisconnected.
	AgentConnected(n id.NodeID, c ConnInfo)
	// AgentDisconnected is called once the connection is gone and its will,
	// if it has one, is published. A nil reason is a proper goodbye;
	// ErrTakenOver means that another connection waits to follow.
	AgentDisconnected(n id.NodeID, c ConnInfo, reason error)
	// Message is called for everything an agent publishes, before it is
	// acknowledged and before people get it. The topic is the agent's own;
	// the payload is unchecked, and may be kept but not changed. A will is
	// no message: AgentDisconnected stands for it.
	Message(n id.NodeID, connID uint64, t wire.Topic, payload []byte)
	// Watching is called when the number of people who subscribe to exactly
	// this logs or stats topic changes. It must not call the broker's Refresh.
	Watching(t wire.Topic, watchers int)
}

// AgentClientID is the MQTT client id that the agent of a node must use: the
// node's id. A second connection with it takes over from the first.
func AgentClientID(n id.NodeID) string { return n.String() }
