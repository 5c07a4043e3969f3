package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// giveHelp is said of every route that gives or takes permissions.
const giveHelp = "Nobody gives or takes what he does not have himself."

func (s *Server) roleRoutes() {
	add(s, Route{
		Verb: fleet.RoleCreate, Method: http.MethodPost, Path: "/roles", Status: http.StatusCreated, Summary: "Add a role",
		Help: "It has its own permissions and those of its parent. Permissions may be written with dots or colons; `container.*` is all of a noun, `*` is everything. " + giveHelp,
	}, s.createRole)
	add(s, Route{
		Verb: fleet.RoleView, ID: "role.list", Method: http.MethodGet, Path: "/roles", List: &store.RoleList, Summary: "List roles",
	}, s.roles)
	s.bindingRoutes()
	add(s, Route{
		Verb: fleet.RoleView, Method: http.MethodGet, Path: "/roles/{id}", Summary: "Show a role",
	}, s.role)
	add(s, Route{
		Verb: fleet.RoleEdit, Method: http.MethodPatch, Path: "/roles/{id}", Summary: "Change a role",
		Help: "What is left out stays as it is; `permissions` are replaced as a whole. What everybody may do who has the role, or one below it, changes at once. The roles that come with Lormas cannot be changed. " + giveHelp,
	}, s.editRole)
	add(s, Route{
		Verb: fleet.RoleDelete, Method: http.MethodDelete, Path: "/roles/{id}", Summary: "Remove a role that nobody has",
	}, s.deleteRole)
	add(s, Route{
		Verb: fleet.PermissionView, ID: "permission.list", Method: http.MethodGet, Path: "/permissions", Summary: "List all permissions",
	}, s.permissions)
}

// RoleBody is a role.
type RoleBody struct {
	ID          id.RoleID  `json:"id" format:"uuid"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	ParentID    *id.RoleID `json:"parentId,omitempty" format:"uuid" doc:"the role that it has all permissions of"`
	Permissions []string   `json:"permissions" doc:"its own"`
	Inherited   []string   `json:"inherited" doc:"those that it has through its parent"`
	Builtin     bool       `json:"builtin" doc:"comes with Lormas and cannot be changed"`
	Generation  int64      `json:"generation"`
	CreatedAt   time.Time  `json:"createdAt"`
	UpdatedAt   time.Time  `json:"updatedAt"`
}

func showRole(r fleet.Role) RoleBody {
	return RoleBody{
		ID: r.ID, Name: r.Name, Description: r.Description, ParentID: r.ParentID, Permissions: append([]string{}, r.Permissions...),
		Inherited: append([]string{}, r.Inherited...), Builtin: r.Builtin, Generation: r.Generation, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

type newRoleInput struct {
	RepeatableInput
	Body struct {
		Name        string     `json:"name" maxLength:"100" example:"Game master"`
		Description string     `json:"description,omitempty" maxLength:"1000"`
		ParentID    *id.RoleID `json:"parentId,omitempty" format:"uuid"`
		Permissions []string   `json:"permissions,omitempty" example:"[\"container.start\",\"container.stop\"]"`
	}
}

type roleOutput struct {
	ETag string `header:"ETag"`
	Body RoleBody
}

func answerRole(r fleet.Role, err error) (*roleOutput, error) {
	return &roleOutput{ETag: etag(r.Generation), Body: showRole(r)}, err
}

func (s *Server) createRole(ctx context.Context, actor authz.Actor, in *newRoleInput) (*roleOutput, error) {
	b := in.Body
	return answerRole(s.Actions.CreateRole(ctx, actor, actions.NewRole{
		Name: b.Name, Description: b.Description, ParentID: b.ParentID, Permissions: b.Permissions, Key: in.IdempotencyKey,
	}))
}

type rolesOutput struct{ Body page[RoleBody] }

func (s *Server) roles(ctx context.Context, actor authz.Actor, in *PageQuery) (*rolesOutput, error) {
	list, next, err := s.Actions.Roles(ctx, actor, in.page())
	return &rolesOutput{Body: pageOf(list, next, showRole)}, err
}

type RoleInput struct {
	ID id.RoleID `path:"id" format:"uuid"`
}

func (s *Server) role(ctx context.Context, actor authz.Actor, in *RoleInput) (*roleOutput, error) {
	return answerRole(s.Actions.Role(ctx, actor, in.ID))
}

type editRoleInput struct {
	RoleInput
	GuardedInput
	Body struct {
		Name        *string   `json:"name,omitempty" maxLength:"100"`
		Description *string   `json:"description,omitempty" maxLength:"1000"`
		ParentID    *string   `json:"parentId,omitempty" doc:"the id of a role, or an empty text for none"`
		Permissions *[]string `json:"permissions,omitempty"`
	}
}

func (s *Server) editRole(ctx context.Context, actor authz.Actor, in *editRoleInput) (*roleOutput, error) {
	edit := actions.RoleEdit{Name: in.Body.Name, Description: in.Body.Description, Permissions: in.Body.Permissions}
	var err error
	if edit.Generation, err = generationOf(in.IfMatch); err != nil {
		return nil, err
	}
	if edit.NoParent, err = idOrNone("parentId", in.Body.ParentID, &edit.ParentID); err != nil {
		return nil, err
	}
	return answerRole(s.Actions.EditRole(ctx, actor, in.ID, edit))
}

func (s *Server) deleteRole(ctx context.Context, actor authz.Actor, in *RoleInput) (*struct{}, error) {
	return nil, s.Actions.DeleteRole(ctx, actor, in.ID)
}

// permissionBody is something that a role can give.
type permissionBody struct {
	Permission  string   `json:"permission" example:"container.ha.create"`
	Colons      string   `json:"colons" example:"container:ha:create" doc:"as it may also be written"`
	Description string   `json:"description"`
	Changes     bool     `json:"changes" doc:"it does more than show"`
	Roles       []string `json:"roles" doc:"those that come with Lormas and have it"`
}

type permissionsOutput struct{ Body page[permissionBody] }

func (s *Server) permissions(ctx context.Context, _ authz.Actor, _ *struct{}) (*permissionsOutput, error) {
	list, err := s.Actions.Permissions(ctx)
	return &permissionsOutput{Body: pageOf(list, "", func(p actions.Permission) permissionBody {
		return permissionBody{Permission: string(p.Verb), Colons: p.Colons, Description: p.Help, Changes: p.Changes, Roles: p.Roles}
	})}, err
}
