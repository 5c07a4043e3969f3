package fleet

import (
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/shared/id"
)

// User is a person with an account. The hash of his password and the seed of
// his second factor never leave store and authn.
type User struct {
	ID                 id.UserID
	Email              string // lower case
	Name               string
	MustChangePassword bool
	TOTPSince          *time.Time // nil: no second factor
	DisabledAt         *time.Time
	Settings           Settings
	Generation         int64
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// Settings are how somebody wants the dashboard.
type Settings struct {
	Theme    Theme
	TimeZone string // IANA; "": the browser's
}

// Theme is a colour scheme of the dashboard.
type Theme string

// The themes.
const (
	ThemeSystem Theme = "system"
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

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
	ID              id.TokenID
	UserID          id.UserID
	Name            string
	Permissions     []string // patterns
	CreatedAt       time.Time
	ExpiresAt       *time.Time // nil: never
	LastUsedAt      *time.Time // to the minute
	LastUsedAddress string
}

// Role is a named set of permissions. It has those of its parent, too.
type Role struct {
	ID          id.RoleID
	Name        string
	Description string
	ParentID    *id.RoleID
	Permissions []string // patterns, without the parent's
	Builtin     bool     // comes with the product, and cannot be changed
	Generation  int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// The roles that come with the product. Owner is what everybody has on the
// containers that are his; bound to somebody else it makes him a second owner.
const (
	RoleSuperuser = "Superuser"
	RoleOperator  = "Operator"
	RoleViewer    = "Viewer"
	RoleOwner     = "Owner"
)

// Binding gives a user a role in a scope.
type Binding struct {
	ID        id.BindingID
	UserID    id.UserID
	RoleID    id.RoleID
	Scope     Scope
	ScopeID   uuid.UUID // of the cluster, node or container; zero for global
	CreatedAt time.Time
	CreatedBy *id.UserID
}

// Scope is how far a permission reaches.
type Scope string

// The scopes. Owned is that of the built-in role Owner: the containers of one
// user. No binding has it.
const (
	Global      Scope = "global"
	OfCluster   Scope = "cluster"
	OfNode      Scope = "node"
	OfContainer Scope = "container"
	Owned       Scope = "owned"
)
