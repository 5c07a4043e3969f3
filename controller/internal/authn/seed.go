package authn

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// DefaultEmail is the first superuser's.
const DefaultEmail = "admin@lormas.local"

const firstName = "Administrator"

// builtin are the roles that come with the product. What may change who can do
// what, and secrets, is in none of them but the superuser's.
var builtin = []fleet.Role{
	{Name: fleet.RoleSuperuser, Description: "may do everything", Permissions: []string{"*"}},
	{Name: fleet.RoleOperator, Description: "runs containers and nodes, but cannot add nodes, give credentials, see secrets or read the audit trail", Permissions: []string{
		"container.create", "container.ha.create", "container.view", "container.edit", "container.environment.edit",
		"container.start", "container.stop", "container.restart", "container.kill", "container.reinstall", "container.delete", "container.command",
		"container.logs", "container.stats", "migration.*", "egg.*", "job.view", "events.view", "cluster.view", "fleet.view",
		"node.view", "node.edit", "node.health.view", "node.cordon", "node.drain",
	}},
	{Name: fleet.RoleViewer, Description: "sees the fleet and changes nothing", Permissions: []string{
		"container.view", "container.logs", "container.stats", "migration.view", "egg.view", "egg.category.view", "job.view", "events.view",
		"cluster.view", "fleet.view", "node.view", "node.health.view",
	}},
	{Name: fleet.RoleOwner, Description: "what everybody may do with the containers that are his", Permissions: []string{
		"container.view", "container.start", "container.stop", "container.restart", "container.kill", "container.reinstall", "container.logs", "container.stats", "container.command",
		"container.environment.edit", "container.secret.view", "migration.view", "job.view",
	}},
}

// SeedOptions say how the first superuser comes to be.
type SeedOptions struct {
	Email    string // "": DefaultEmail
	Password string // "": one is generated, or DefaultPassword when Dev
	Dev      bool   // the password must be changed at the first sign-in
}

// Seeded is what the seed did.
type Seeded struct {
	Email     string
	Created   bool   // false: there were users already, and nothing was changed but the built-in roles
	Generated string // the password, where it was generated: show it once
}

// Seed brings the built-in roles up to this version and, where there is no
// user yet, makes the first superuser. It is called at every start.
func Seed(ctx context.Context, s *store.Store, o SeedOptions) (Seeded, error) {
	done := Seeded{Email: strings.ToLower(o.Email)}
	if done.Email == "" {
		done.Email = DefaultEmail
	}
	password, err := o.password(&done)
	if err != nil {
		return done, err
	}
	err = s.InTx(ctx, func(tx *store.Tx) error {
		// Controllers that start at once take turns here: writing the roles
		// locks their rows until the end of the transaction.
		role, err := seedRoles(ctx, tx)
		if err != nil {
			return err
		}
		has, err := tx.HasUsers(ctx)
		if done.Created = !has && err == nil; !done.Created {
			return err
		}
		return seedSuperuser(ctx, tx, role, done.Email, password)
	})
	if err != nil {
		return done, fmt.Errorf("seed: %w", err)
	}
	if !done.Created {
		done.Generated = ""
	}
	return done, nil
}

// seedPassword is the first superuser's password.
type seedPassword struct {
	text       string
	mustChange bool
}

func (o SeedOptions) password(done *Seeded) (seedPassword, error) {
	switch {
	case o.Password != "":
		if why := weakness(o.Password, fleet.User{Email: done.Email, Name: firstName}); why != "" {
			return seedPassword{}, fmt.Errorf("seed: the administrator's password is too weak: %s", why)
		}
		return seedPassword{text: o.Password}, nil
	case o.Dev:
		return seedPassword{text: DefaultPassword, mustChange: true}, nil
	}
	var raw [15]byte
	rand.Read(raw[:]) // never fails
	done.Generated = strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))
	return seedPassword{text: done.Generated}, nil
}

func seedRoles(ctx context.Context, tx *store.Tx) (super id.RoleID, err error) {
	for _, role := range builtin {
		role.ID = id.New[id.RoleID]()
		put, err := tx.PutBuiltinRole(ctx, role)
		if err != nil {
			return super, err
		}
		if role.Name == fleet.RoleSuperuser {
			super = put
		}
	}
	return super, nil
}

func seedSuperuser(ctx context.Context, tx *store.Tx, role id.RoleID, email string, password seedPassword) error {
	hasher, err := newHasher()
	if err != nil {
		return err
	}
	hash, err := hasher.hash(ctx, password.text)
	if err != nil {
		return err
	}
	user := fleet.User{ID: id.New[id.UserID](), Email: email, Name: firstName, MustChangePassword: password.mustChange}
	if err := tx.InsertUser(ctx, user, hash); err != nil {
		return err
	}
	if err := tx.BindRole(ctx, user.ID, role); err != nil {
		return err
	}
	entry := authz.System("seed").Entry(fleet.UserCreate)
	entry.TargetKind, entry.TargetID, entry.TargetName = "user", uuid.UUID(user.ID), user.Email
	return tx.InsertAudit(ctx, entry)
}
