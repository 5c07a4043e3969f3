// Package id gives every noun its own identifier type, so that a node's id
// cannot be passed where a container's is wanted. All ids are UUIDv7
// (RFC 9562): they sort by creation time.
package id

import (
	"fmt"

	"github.com/google/uuid"
)

// Kind marks what an id belongs to; it never has a value.
type Kind interface{ kind() string }

// Of is the id of one kind of thing. Its zero value means "none".
type Of[K Kind] [16]byte

type (
	nodeKind       struct{}
	clusterKind    struct{}
	containerKind  struct{}
	eggKind        struct{}
	eggCategory    struct{}
	userKind       struct{}
	roleKind       struct{}
	sessionKind    struct{}
	tokenKind      struct{}
	credentialKind struct{}
	jobKind        struct{}
	commandKind    struct{}
	auditKind      struct{}
	migrationKind  struct{}
	bindingKind    struct{}
	resetKind      struct{}
)

func (nodeKind) kind() string       { return "node" }
func (clusterKind) kind() string    { return "cluster" }
func (containerKind) kind() string  { return "container" }
func (eggKind) kind() string        { return "egg" }
func (eggCategory) kind() string    { return "egg category" }
func (userKind) kind() string       { return "user" }
func (roleKind) kind() string       { return "role" }
func (sessionKind) kind() string    { return "session" }
func (tokenKind) kind() string      { return "api token" }
func (credentialKind) kind() string { return "node credential" }
func (jobKind) kind() string        { return "job" }
func (commandKind) kind() string    { return "command" }
func (auditKind) kind() string      { return "audit entry" }
func (migrationKind) kind() string  { return "migration" }
func (bindingKind) kind() string    { return "role binding" }
func (resetKind) kind() string      { return "password reset" }

// The ids of the nouns in DESIGN §2.
type (
	NodeID        = Of[nodeKind]
	ClusterID     = Of[clusterKind]
	ContainerID   = Of[containerKind]
	EggID         = Of[eggKind]
	EggCategoryID = Of[eggCategory]
	UserID        = Of[userKind]
	RoleID        = Of[roleKind]
	SessionID     = Of[sessionKind]
	TokenID       = Of[tokenKind]
	CredentialID  = Of[credentialKind]
	JobID         = Of[jobKind]
	CommandID     = Of[commandKind]
	AuditID       = Of[auditKind]
	MigrationID   = Of[migrationKind]
	BindingID     = Of[bindingKind]
	ResetID       = Of[resetKind]
)

// New makes a fresh id. Use it as id.New[id.NodeID](); it panics only when
// the operating system has no randomness to give.
func New[T ~[16]byte]() T {
	return T(uuid.Must(uuid.NewV7()))
}

// Parse reads the canonical 36-character form and nothing looser: an id that
// travels in a topic or a path has exactly one spelling.
func Parse[K Kind](s string) (Of[K], error) {
	var out Of[K]
	err := out.Set(s)
	return out, err
}

// String is the canonical lower-case form.
func (i Of[K]) String() string { return uuid.UUID(i).String() }

// IsZero reports whether this is no id at all.
func (i Of[K]) IsZero() bool { return i == Of[K]{} }

// MarshalText implements encoding.TextMarshaler.
func (i Of[K]) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *Of[K]) UnmarshalText(text []byte) error { return i.Set(string(text)) }

// Set reads what Parse reads. It allocates nothing: topics are read on every
// delivery.
func (i *Of[K]) Set(s string) error {
	var k K
	u, err := uuid.Parse(s)
	if err != nil || !canonical(s) {
		return fmt.Errorf("%.50q is not a %s id: an id looks like 0192f0c1-2345-7abc-8def-0123456789ab, in lower case", s, k.kind())
	}
	*i = Of[K](u)
	return nil
}

// canonical reports whether a UUID is written in the one way that we take.
func canonical(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'F' {
			return false
		}
	}
	return len(s) == 36
}
