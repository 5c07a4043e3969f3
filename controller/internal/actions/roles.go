package actions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// Roles stand in no scope: who may see or change one may do so with all, as
// far as they give no more than he has himself.
func ofRole(r fleet.Role) subject {
	return subject{"role", uuid.UUID(r.ID), r.Name, authz.Everything}
}

// NewRole is what CreateRole takes.
type NewRole struct {
	Name        string
	Description string
	ParentID    *id.RoleID
	Permissions []string
	Key         string `json:"-"` // Idempotency-Key
}

// CreateRole adds a role, which gives no more than its maker has everywhere.
func (s *Service) CreateRole(ctx context.Context, actor authz.Actor, in NewRole) (fleet.Role, error) {
	now := s.now()
	r := fleet.Role{
		ID: id.New[id.RoleID](), Name: strings.TrimSpace(in.Name), Description: strings.TrimSpace(in.Description), ParentID: in.ParentID,
		Generation: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.check(ctx, actor, fleet.RoleCreate, ofRole(r)); err != nil {
		return fleet.Role{}, err
	}
	if err := fillRole(&r, in.Permissions); err != nil {
		return fleet.Role{}, err
	}
	o, err := s.once(actor, fleet.RoleCreate, in.Key, in)
	if err != nil {
		return fleet.Role{}, err
	}
	made := struct{ Role id.RoleID }{r.ID}
	err = s.changePeople(ctx, actor, func(tx *store.Tx, actor authz.Actor) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		if err := mayHaveParent(ctx, tx, r); err != nil {
			return err
		}
		if err := tx.InsertRole(ctx, r); err != nil {
			return err
		}
		if r, err = tx.Role(ctx, r.ID); err != nil {
			return err
		}
		if err := mayGiveRole(actor, r); err != nil {
			return err
		}
		e := entry(actor, fleet.RoleCreate, ofRole(r))
		e.Edited(nil, roleAudit(r))
		if err := tx.InsertAudit(ctx, e); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return fleet.Role{}, s.refused(ctx, entry(actor, fleet.RoleCreate, ofRole(r)), err)
	}
	return s.Store.Role(ctx, made.Role)
}

// refused notes that a verb was denied where only its transaction could tell,
// and names the verb in what else went wrong.
func (s *Service) refused(ctx context.Context, e fleet.AuditEntry, err error) error {
	if fleet.KindOf(err) == fleet.Forbidden {
		s.recordDenied(ctx, e, err)
	}
	return fmt.Errorf("%s: %w", e.Verb, err)
}

// fillRole sets a role's own permissions, or finds all that is wrong with it.
func fillRole(r *fleet.Role, permissions []string) error {
	const most = 200
	f := faults(r.Faults())
	if len(permissions) > most {
		f.add("permissions", "%d permissions are too many: the limit is %d; give its noun a *, such as container.*", len(permissions), most)
		return f.err()
	}
	r.Permissions = []string{}
	for i, text := range permissions {
		pattern, err := authz.ParsePattern(text)
		if err != nil {
			f.add(fmt.Sprintf("permissions.%d", i), "%v", err)
			continue
		}
		r.Permissions = append(r.Permissions, pattern)
	}
	slices.Sort(r.Permissions)
	r.Permissions = slices.Compact(r.Permissions)
	return f.err()
}

// mayGiveRole refuses a role that gives what its actor does not have.
func mayGiveRole(actor authz.Actor, r fleet.Role) error {
	return actor.MayGive(fmt.Sprintf("the role %s", r.Name), r.All(), authz.Global, uuid.Nil, authz.Everything)
}

// roleAudit is what the audit trail keeps of a role.
func roleAudit(r fleet.Role) map[string]any {
	return map[string]any{"name": r.Name, "description": r.Description, "parentId": r.ParentID, "permissions": r.Permissions}
}

// Roles lists roles.
func (s *Service) Roles(ctx context.Context, actor authz.Actor, page store.Page) ([]fleet.Role, string, error) {
	if err := s.check(ctx, actor, fleet.RoleView, subject{kind: "role"}); err != nil {
		return nil, "", err
	}
	return s.Store.Roles(ctx, page)
}

// Role shows one role.
func (s *Service) Role(ctx context.Context, actor authz.Actor, role id.RoleID) (fleet.Role, error) {
	if err := s.check(ctx, actor, fleet.RoleView, ofRole(fleet.Role{ID: role})); err != nil {
		return fleet.Role{}, err
	}
	return s.Store.Role(ctx, role)
}

// RoleEdit is what EditRole changes; nil leaves a thing as it is.
type RoleEdit struct {
	Name        *string
	Description *string
	ParentID    *id.RoleID
	NoParent    bool
	Permissions *[]string // all of them anew
	Generation  *int64    // If-Match
}

func (in RoleEdit) apply(r *fleet.Role) error {
	if in.Name != nil {
		r.Name = strings.TrimSpace(*in.Name)
	}
	if in.Description != nil {
		r.Description = strings.TrimSpace(*in.Description)
	}
	if in.ParentID != nil {
		r.ParentID = in.ParentID
	}
	if in.NoParent {
		r.ParentID = nil
	}
	permissions := r.Permissions
	if in.Permissions != nil {
		permissions = *in.Permissions
	}
	return fillRole(r, permissions)
}

// EditRole changes a role, and so at once what all may do who have it. What it
// gave before and what it gives then must be within what the actor has.
func (s *Service) EditRole(ctx context.Context, actor authz.Actor, role id.RoleID, in RoleEdit) (fleet.Role, error) {
	return s.changeRole(ctx, actor, fleet.RoleEdit, role, func(tx *store.Tx, actor authz.Actor, r *fleet.Role, e *fleet.AuditEntry) (err error) {
		if err := fleet.IfMatch(in.Generation, r.Generation, "role"); err != nil {
			return err
		}
		before := *r
		if err := in.apply(r); err != nil {
			return err
		}
		if err := mayHaveParent(ctx, tx, *r); err != nil {
			return err
		}
		r.Generation, r.UpdatedAt = r.Generation+1, s.now()
		if err := tx.UpdateRole(ctx, *r); err != nil {
			return err
		}
		if *r, err = tx.Role(ctx, r.ID); err != nil { // with what the new parent gives
			return err
		}
		if err := mayGiveRole(actor, *r); err != nil {
			return err
		}
		e.Edited(roleAudit(before), roleAudit(*r))
		return tx.KeepSuperuser(ctx)
	})
}

// DeleteRole removes a role that nobody has and that is nobody's parent.
func (s *Service) DeleteRole(ctx context.Context, actor authz.Actor, role id.RoleID) error {
	_, err := s.changeRole(ctx, actor, fleet.RoleDelete, role, func(tx *store.Tx, _ authz.Actor, r *fleet.Role, e *fleet.AuditEntry) error {
		use, err := tx.RoleUse(ctx, role)
		if err != nil {
			return err
		}
		if err := unused(*r, use); err != nil {
			return err
		}
		e.Edited(roleAudit(*r), nil)
		return tx.DeleteRole(ctx, role)
	})
	return err
}

func unused(r fleet.Role, use store.RoleUse) error {
	switch {
	case use.Bindings > 0:
		return fleet.Errorf(fleet.Conflict, "the role %s is bound %d times (to %s): take it from them first (GET /api/v1/roles/bindings?roleId=%s lists where)",
			r.Name, use.Bindings, ofMany(use.Users, use.Bindings), r.ID)
	case len(use.Children) > 0:
		return fleet.Errorf(fleet.Conflict, "the role %s is the parent of %d others (%s): give them another parent or none first", r.Name, len(use.Children), enumerate(use.Children))
	}
	return nil
}

// changeRole carries a verb out on a role in one transaction, while nobody
// else changes people. work may add to the audit entry, which is written
// after it.
func (s *Service) changeRole(ctx context.Context, actor authz.Actor, v fleet.Verb, role id.RoleID,
	work func(tx *store.Tx, actor authz.Actor, r *fleet.Role, e *fleet.AuditEntry) error,
) (fleet.Role, error) {
	r := fleet.Role{ID: role}
	if err := s.check(ctx, actor, v, ofRole(r)); err != nil {
		return r, err
	}
	err := s.changePeople(ctx, actor, func(tx *store.Tx, actor authz.Actor) (err error) {
		if r, err = tx.Role(ctx, role); err != nil {
			return err
		}
		if r.Builtin {
			return fleet.Errorf(fleet.Conflict, "the role %s comes with Lormas and stays as it is: make a role of your own with its permissions (POST /api/v1/roles), or with it as the parent, and change that", r.Name)
		}
		if err := mayGiveRole(actor, r); err != nil {
			return err
		}
		e := entry(actor, v, ofRole(r))
		if err := work(tx, actor, &r, &e); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, e)
	})
	if err != nil {
		return fleet.Role{}, s.refused(ctx, entry(actor, v, ofRole(r)), err)
	}
	s.Changed()
	return r, nil
}

// maxDepth is how many roles may stand above one another.
const maxDepth = 8

// mayHaveParent looks whether a role as it is to be has a parent that there
// is and that does not lead back to itself.
func mayHaveParent(ctx context.Context, tx *store.Tx, r fleet.Role) error {
	if r.ParentID == nil {
		return nil
	}
	tree, err := tx.RoleTree(ctx)
	if err != nil {
		return err
	}
	var f faults
	if why := parentFault(tree, r); why != "" {
		f.add("parentId", "%s", why)
	}
	return f.err()
}

// parentFault says what is wrong with the parent of a role in a tree of all,
// in which the role itself may be missing or have another parent still.
func parentFault(tree map[id.RoleID]fleet.Role, r fleet.Role) string {
	path := []string{r.Name}
	for at := r.ParentID; at != nil; {
		above, ok := tree[*at]
		if !ok {
			return fmt.Sprintf("there is no role %s", *at)
		}
		path = append(path, above.Name)
		if *at == r.ID {
			path[len(path)-1] = r.Name
			return fmt.Sprintf("a role cannot be above itself: %s", strings.Join(path, " → "))
		}
		at = above.ParentID
	}
	if depth := len(path) + depthBelow(tree, r.ID); depth > maxDepth {
		return fmt.Sprintf("%d roles would stand above one another (%s), and at most %d may: choose a parent nearer to the top", depth, strings.Join(path, " → "), maxDepth)
	}
	return ""
}

// depthBelow is how many roles stand below one another under a role.
func depthBelow(tree map[id.RoleID]fleet.Role, role id.RoleID) int {
	deepest := 0
	for _, r := range tree {
		if r.ParentID != nil && *r.ParentID == role {
			deepest = max(deepest, 1+depthBelow(tree, r.ID))
		}
	}
	return deepest
}
