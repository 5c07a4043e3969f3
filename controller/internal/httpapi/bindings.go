package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// bindingRoutes are about who has which role where.
func (s *Server) bindingRoutes() {
	add(s, Route{
		Verb: fleet.RoleBindingCreate, Method: http.MethodPost, Path: "/roles/bindings", Status: http.StatusCreated, Summary: "Give a user a role",
		Help: "For everything (`global`), or for a `cluster`, a `node` or a `container` and what is in it. A binding ends with the thing that it is for. " + giveHelp,
	}, s.createBinding)
	add(s, Route{
		Verb: fleet.RoleBindingView, ID: "role.binding.list", Method: http.MethodGet, Path: "/roles/bindings", List: &store.BindingList, Summary: "List who has which role where",
	}, s.bindings)
	add(s, Route{
		Verb: fleet.RoleBindingDelete, Method: http.MethodDelete, Path: "/roles/bindings/{id}", Summary: "Take a role from a user",
		Help: "What he may do changes at once, also on live connections. The last superuser keeps his role. " + giveHelp,
	}, s.deleteBinding)
}

// BindingBody is a role that a user has somewhere.
type BindingBody struct {
	ID        id.BindingID `json:"id" format:"uuid"`
	UserID    id.UserID    `json:"userId" format:"uuid"`
	Email     string       `json:"email" doc:"the user's"`
	RoleID    id.RoleID    `json:"roleId" format:"uuid"`
	Role      string       `json:"role" doc:"the role's name"`
	Scope     fleet.Scope  `json:"scope" enum:"global,cluster,node,container"`
	ScopeID   *uuid.UUID   `json:"scopeId,omitempty" format:"uuid" doc:"of the cluster, node or container"`
	ScopeName string       `json:"scopeName,omitempty"`
	CreatedAt time.Time    `json:"createdAt"`
	CreatedBy *id.UserID   `json:"createdBy,omitempty" format:"uuid"`
}

func showBinding(b store.Binding) BindingBody {
	body := BindingBody{
		ID: b.ID, UserID: b.UserID, Email: b.Email, RoleID: b.RoleID, Role: b.Role, Scope: b.Scope, ScopeName: b.ScopeName,
		CreatedAt: b.CreatedAt, CreatedBy: b.CreatedBy,
	}
	if b.ScopeID != uuid.Nil {
		body.ScopeID = &b.ScopeID
	}
	return body
}

type newBindingInput struct {
	RepeatableInput
	Body struct {
		UserID  id.UserID   `json:"userId" format:"uuid"`
		RoleID  id.RoleID   `json:"roleId" format:"uuid"`
		Scope   fleet.Scope `json:"scope" enum:"global,cluster,node,container"`
		ScopeID uuid.UUID   `json:"scopeId,omitempty" format:"uuid" doc:"of the cluster, node or container; none for global"`
	}
}

type bindingOutput struct{ Body BindingBody }

func (s *Server) createBinding(ctx context.Context, actor authz.Actor, in *newBindingInput) (*bindingOutput, error) {
	b, err := s.Actions.CreateBinding(ctx, actor, actions.NewBinding{
		UserID: in.Body.UserID, RoleID: in.Body.RoleID, Scope: in.Body.Scope, ScopeID: in.Body.ScopeID, Key: in.IdempotencyKey,
	})
	return &bindingOutput{Body: showBinding(b)}, err
}

type bindingsInput struct {
	PageQuery
	User    id.UserID   `query:"userId" format:"uuid" doc:"only those of this user"`
	Role    id.RoleID   `query:"roleId" format:"uuid" doc:"only those of this role"`
	Scope   fleet.Scope `query:"scope" enum:"global,cluster,node,container" doc:"only those in scopes of this kind"`
	ScopeID uuid.UUID   `query:"scopeId" format:"uuid" doc:"only those for this cluster, node or container"`
}

type bindingsOutput struct{ Body page[BindingBody] }

func (s *Server) bindings(ctx context.Context, actor authz.Actor, in *bindingsInput) (*bindingsOutput, error) {
	list, next, err := s.Actions.Bindings(ctx, actor, store.BindingFilter{
		Page: in.page(), User: optional(in.User), Role: optional(in.Role), Scope: in.Scope, ScopeID: in.ScopeID,
	})
	return &bindingsOutput{Body: pageOf(list, next, showBinding)}, err
}

type bindingInput struct {
	ID id.BindingID `path:"id" format:"uuid"`
}

func (s *Server) deleteBinding(ctx context.Context, actor authz.Actor, in *bindingInput) (*struct{}, error) {
	return nil, s.Actions.DeleteBinding(ctx, actor, in.ID)
}
