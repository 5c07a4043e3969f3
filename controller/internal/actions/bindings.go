package actions

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// ofBinding is a binding as the audit trail calls it. It stands where the
// thing of its scope stands.
func ofBinding(b store.Binding) subject {
	name := b.Role + " of " + b.Email
	if b.Scope != fleet.Global {
		name += fmt.Sprintf(" for %s %s", b.Scope, b.ScopeName)
	}
	return subject{"binding", uuid.UUID(b.ID), name, b.At}
}

// NewBinding is what CreateBinding takes.
type NewBinding struct {
	UserID  id.UserID
	RoleID  id.RoleID
	Scope   fleet.Scope
	ScopeID uuid.UUID // zero for global
	Key     string    `json:"-"` // Idempotency-Key
}

func (in NewBinding) valid() error {
	var f faults
	switch in.Scope {
	case fleet.Global:
		if in.ScopeID != uuid.Nil {
			f.add("scopeId", "the scope global has no id: leave it out, or choose the scope cluster, node or container")
		}
	case fleet.OfCluster, fleet.OfNode, fleet.OfContainer:
		if in.ScopeID == uuid.Nil {
			f.add("scopeId", "this scope needs the id of its %s", in.Scope)
		}
	default:
		f.add("scope", "choose global, cluster, node or container")
	}
	return f.err()
}

// CreateBinding gives a user a role in a scope, of which the actor has all
// that the role gives there.
func (s *Service) CreateBinding(ctx context.Context, actor authz.Actor, in NewBinding) (store.Binding, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.RoleBindingCreate); err != nil {
		return store.Binding{}, err
	}
	if err := in.valid(); err != nil {
		return store.Binding{}, err
	}
	o, err := s.once(actor, fleet.RoleBindingCreate, in.Key, in)
	if err != nil {
		return store.Binding{}, err
	}
	made := struct{ Binding id.BindingID }{id.New[id.BindingID]()}
	var b store.Binding
	err = s.changePeople(ctx, actor, func(tx *store.Tx, actor authz.Actor) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		if err := mayBind(ctx, tx, actor, in); err != nil {
			return err
		}
		row := fleet.Binding{
			ID: made.Binding, UserID: in.UserID, RoleID: in.RoleID, Scope: in.Scope, ScopeID: in.ScopeID, CreatedAt: s.now(), CreatedBy: requester(actor),
		}
		if err := tx.InsertBinding(ctx, row); err != nil {
			return err
		}
		if b, err = tx.Binding(ctx, made.Binding); err != nil {
			return err
		}
		e := entry(actor, fleet.RoleBindingCreate, ofBinding(b))
		e.Edited(nil, bindingAudit(b))
		if err := tx.InsertAudit(ctx, e); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		asked := subject{kind: "binding", name: fmt.Sprintf("role %s of user %s", in.RoleID, in.UserID)}
		return store.Binding{}, s.refused(ctx, entry(actor, fleet.RoleBindingCreate, asked), err)
	}
	s.Changed()
	return s.Store.Binding(ctx, made.Binding)
}

// mayBind finds what is in the way of a binding. Whether the thing of its
// scope exists is told only to who may bind there.
func mayBind(ctx context.Context, tx *store.Tx, actor authz.Actor, in NewBinding) error {
	var f faults
	at, _, err := tx.Place(ctx, in.Scope, in.ScopeID)
	if f.unknown("scopeId", err) != nil {
		return err
	}
	if !actor.Can(fleet.RoleBindingCreate, at) {
		return authz.Denied(fleet.RoleBindingCreate)
	}
	r, err := tx.Role(ctx, in.RoleID)
	if f.unknown("roleId", err) != nil {
		return err
	}
	if _, _, err := tx.UserByID(ctx, in.UserID); f.unknown("userId", err) != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	return actor.MayGive(fmt.Sprintf("the role %s", r.Name), r.All(), in.Scope, in.ScopeID, at)
}

// bindingAudit is what the audit trail keeps of a binding.
func bindingAudit(b store.Binding) map[string]any {
	detail := map[string]any{"userId": b.UserID, "user": b.Email, "roleId": b.RoleID, "role": b.Role, "scope": b.Scope}
	if b.ScopeID != uuid.Nil {
		detail["scopeId"], detail["scopeName"] = b.ScopeID, b.ScopeName
	}
	return detail
}

// Bindings lists who has which role where, as far as the actor may see that.
func (s *Service) Bindings(ctx context.Context, actor authz.Actor, f store.BindingFilter) ([]store.Binding, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.RoleBindingView); err != nil {
		return nil, "", err
	}
	f.Reach = reach(actor, fleet.RoleBindingView)
	return s.Store.Bindings(ctx, f)
}

// DeleteBinding takes a role from a user. Who could not have given it cannot
// take it.
func (s *Service) DeleteBinding(ctx context.Context, actor authz.Actor, binding id.BindingID) error {
	if err := s.checkAnywhere(ctx, actor, fleet.RoleBindingDelete); err != nil {
		return err
	}
	var b store.Binding
	err := s.changePeople(ctx, actor, func(tx *store.Tx, actor authz.Actor) (err error) {
		if b, err = tx.Binding(ctx, binding); err != nil {
			return err
		}
		if !actor.Can(fleet.RoleBindingDelete, b.At) {
			if actor.Can(fleet.RoleBindingView, b.At) {
				return authz.Denied(fleet.RoleBindingDelete)
			}
			return fleet.Errorf(fleet.NotFound, "there is no role binding %s", binding)
		}
		r, err := tx.Role(ctx, b.RoleID)
		if err != nil {
			return err
		}
		if err := actor.MayGive(fmt.Sprintf("the role %s", r.Name), r.All(), b.Scope, b.ScopeID, b.At); err != nil {
			return err
		}
		if err := tx.DeleteBinding(ctx, binding); err != nil {
			return err
		}
		e := entry(actor, fleet.RoleBindingDelete, ofBinding(b))
		e.Edited(bindingAudit(b), nil)
		if err := tx.InsertAudit(ctx, e); err != nil {
			return err
		}
		return tx.KeepSuperuser(ctx)
	})
	if err != nil {
		return s.refused(ctx, entry(actor, fleet.RoleBindingDelete, ofBinding(b)), err)
	}
	s.Changed()
	return nil
}
