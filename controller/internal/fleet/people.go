package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the names of time zones, which small machines and images lack
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
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

// Faults are what is wrong with what people write of a user, each with its
// field as the API names it.
func (u User) Faults() (faults []spec.Fault) {
	add := func(field, message string) { faults = append(faults, spec.Fault{Field: field, Message: message}) }
	if !validEmail(u.Email) {
		add("email", "this is no e-mail address: write it like jane@example.org, with at most 254 characters of ASCII")
	}
	if !plainText(u.Name, maxPersonName) {
		add("name", fmt.Sprintf("a name has at most %d characters and no line breaks", maxPersonName))
	}
	switch u.Settings.Theme {
	case ThemeSystem, ThemeLight, ThemeDark:
	default:
		add("theme", "choose system, light or dark")
	}
	if !validZone(u.Settings.TimeZone) {
		add("timeZone", "there is no such time zone: write one like Europe/Berlin or UTC, or leave it empty for the browser's")
	}
	return faults
}

const maxPersonName = 100

// validEmail takes what can be told apart from a slip: nobody sends mail
// there. Only ASCII has one lower case everywhere.
func validEmail(s string) bool {
	const longest = 254
	strange := func(r rune) bool {
		return r <= ' ' || r > '~' || unicode.IsUpper(r) || strings.ContainsRune(`"\<>,`, r)
	}
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.Contains(domain, "@") && len(s) <= longest && !strings.ContainsFunc(s, strange)
}

// validZone knows the zones of the binary, which every machine then has.
func validZone(name string) bool {
	if name == "" {
		return true
	}
	_, err := time.LoadLocation(name)
	return err == nil && name != "Local" // what that is depends on where one asks
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
	ID              id.TokenID
	UserID          id.UserID
	Name            string
	Permissions     []string // patterns
	CreatedAt       time.Time
	ExpiresAt       *time.Time // nil: never
	LastUsedAt      *time.Time // to the minute
	LastUsedAddress string
}

// Reset is a link with which somebody sets his own password, once. The secret
// in it is shown once and kept only as a hash.
type Reset struct {
	ID        id.ResetID
	UserID    id.UserID
	CreatedBy *id.UserID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Role is a named set of permissions. It has those of its parent, too.
type Role struct {
	ID          id.RoleID
	Name        string
	Description string
	ParentID    *id.RoleID
	Permissions []string // patterns, without the parent's
	Inherited   []string // those of its parent, and of the parent's
	Builtin     bool     // comes with the product, and cannot be changed
	Generation  int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// All is every permission that the role gives.
func (r Role) All() []string { return slices.Concat(r.Permissions, r.Inherited) }

// Faults are what is wrong with what people write of a role. Its permissions
// are for authz to judge.
func (r Role) Faults() (faults []spec.Fault) {
	const maxName, maxText = 100, 1000
	add := func(field, message string) { faults = append(faults, spec.Fault{Field: field, Message: message}) }
	if !plainText(r.Name, maxName) || r.Name == "" {
		add("name", fmt.Sprintf("a role needs a name, of at most %d characters and without line breaks", maxName))
	}
	if !plainText(r.Description, maxText) {
		add("description", fmt.Sprintf("a description has at most %d characters and no line breaks", maxText))
	}
	return faults
}

func plainText(s string, longest int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= longest && !strings.ContainsFunc(s, unicode.IsControl)
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
