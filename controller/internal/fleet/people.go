package fleet

import (
	"time"

	"github.com/lormas/lormas/shared/id"
)

// User is a person with an account. The hash of his password never leaves
// store and authn.
type User struct {
	ID                 id.UserID
	Email              string // lower case
	Name               string
	MustChangePassword bool
	DisabledAt         *time.Time
	CreatedAt          time.Time
}

// Session is one sign-in, from the password to the sign-out.
type Session struct {
	ID        id.SessionID
	UserID    id.UserID
	CreatedAt time.Time
	RotatedAt time.Time // when its refresh token was last exchanged
	ExpiresAt time.Time
	RevokedAt *time.Time
	Address   string
	UserAgent string
}

// Token is an API token: a password for programs, which may do a part of
// what its owner may. The secret is shown once and kept only as a hash.
type Token struct {
	ID          id.TokenID
	UserID      id.UserID
	Name        string
	Permissions []string // patterns
	CreatedAt   time.Time
	ExpiresAt   *time.Time // nil: never
	LastUsedAt  *time.Time // to the minute
}

// Role is a named set of permissions.
type Role struct {
	ID          id.RoleID
	Name        string
	Description string
	Permissions []string // patterns
	Builtin     bool     // comes with the product
}
