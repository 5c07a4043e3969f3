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

// reachHelp is said of every route that changes somebody else's account.
const reachHelp = "Refused for a user who may do something that you may not."

func (s *Server) userRoutes() {
	add(s, Route{
		Verb: fleet.UserCreate, Method: http.MethodPost, Path: "/users", Status: http.StatusCreated, Summary: "Add a user",
		Help: "He may do nothing before he is given roles. With a `password` he has to change it at his first sign-in; without one the answer has a `link`, good once and for 24 hours, with which he sets his own.",
	}, s.createUser)
	add(s, Route{
		Verb: fleet.UserView, ID: "user.list", Method: http.MethodGet, Path: "/users", List: &store.UserList, Summary: "List users",
	}, s.users)
	add(s, Route{
		Verb: fleet.UserView, Method: http.MethodGet, Path: "/users/{id}", Summary: "Show a user",
	}, s.user)
	add(s, Route{
		Verb: fleet.UserEdit, Method: http.MethodPatch, Path: "/users/{id}", Summary: "Change a user's address or name",
		Help: "What is left out stays as it is. " + reachHelp,
	}, s.editUser)
	add(s, Route{
		Verb: fleet.UserDelete, Method: http.MethodDelete, Path: "/users/{id}", Summary: "Remove a user who owns no containers",
		Help: "His sessions, API tokens and roles go with him, and his connections are cut at once. " + reachHelp,
	}, s.deleteUser)
	add(s, Route{
		Verb: fleet.UserDisable, Method: http.MethodPost, Path: "/users/{id}/disable", Summary: "Keep a user out",
		Help: "His sessions end and his connections are cut at once. His API tokens stay, and are refused until he is enabled again. " + reachHelp,
	}, s.disableUser)
	add(s, Route{
		Verb: fleet.UserDisable, ID: "user.enable", Method: http.MethodPost, Path: "/users/{id}/enable", Summary: "Let a user in again",
		Help: reachHelp,
	}, s.enableUser)
	add(s, Route{
		Verb: fleet.UserPasswordReset, Method: http.MethodPost, Path: "/users/{id}/password-reset", Status: http.StatusCreated, Summary: "Make a link with which a user sets a new password",
		Help: "Good once and for 24 hours; links made before end. It is in this answer and never shown again. The old password works until the link is used, which also ends all sessions. " + reachHelp,
	}, s.resetPassword)
	add(s, Route{
		Verb: fleet.UserTOTPDisable, Method: http.MethodDelete, Path: "/users/{id}/totp", Summary: "Take the second factor from a user who lost it",
		Help: reachHelp,
	}, s.disableUserTOTP)
	s.userAccessRoutes()
}

// ShownUserBody is a user as others see him.
type ShownUserBody struct {
	ID                 id.UserID  `json:"id" format:"uuid"`
	Email              string     `json:"email" example:"jane@example.org"`
	Name               string     `json:"name"`
	MustChangePassword bool       `json:"mustChangePassword" doc:"the password was chosen by somebody else: nothing else is allowed before it was changed"`
	TOTP               bool       `json:"totp" doc:"signs in with a second factor"`
	Disabled           bool       `json:"disabled"`
	DisabledAt         *time.Time `json:"disabledAt,omitempty"`
	Theme              string     `json:"theme" enum:"system,light,dark"`
	TimeZone           string     `json:"timeZone" doc:"as in the IANA database; empty: the browser's" example:"Europe/Berlin"`
	Generation         int64      `json:"generation"`
	CreatedAt          time.Time  `json:"createdAt"`
	UpdatedAt          time.Time  `json:"updatedAt"`
}

func showShownUser(u fleet.User) ShownUserBody {
	return ShownUserBody{
		ID: u.ID, Email: u.Email, Name: u.Name, MustChangePassword: u.MustChangePassword, TOTP: u.TOTPSince != nil,
		Disabled: u.DisabledAt != nil, DisabledAt: u.DisabledAt, Theme: string(u.Settings.Theme), TimeZone: u.Settings.TimeZone,
		Generation: u.Generation, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

type newUserInput struct {
	RepeatableInput
	Body struct {
		Email    string `json:"email" maxLength:"254" example:"jane@example.org"`
		Name     string `json:"name,omitempty" maxLength:"100" example:"Jane Doe"`
		Password string `json:"password,omitempty" maxLength:"256" format:"password" doc:"left out: he sets it himself with a link"`
	}
}

type linkBody struct {
	Link      string    `json:"link" format:"uri" doc:"hand it to the user by a way that is safe: whoever has it can set the password"`
	ExpiresAt time.Time `json:"expiresAt"`
}

type newUserOutput struct {
	ETag string `header:"ETag"`
	Body struct {
		ShownUserBody
		PasswordReset *linkBody `json:"passwordReset,omitempty" doc:"where no password was given"`
	}
}

func (s *Server) createUser(ctx context.Context, actor authz.Actor, in *newUserInput) (*newUserOutput, error) {
	made, err := s.Actions.CreateUser(ctx, actor, actions.NewUser{Email: in.Body.Email, Name: in.Body.Name, Password: in.Body.Password, Key: in.IdempotencyKey})
	if err != nil {
		return nil, err
	}
	out := &newUserOutput{ETag: etag(made.User.Generation)}
	out.Body.ShownUserBody = showShownUser(made.User)
	if made.Link != nil {
		out.Body.PasswordReset = &linkBody{Link: made.Link.URL, ExpiresAt: made.Link.ExpiresAt}
	}
	return out, nil
}

type usersOutput struct{ Body page[ShownUserBody] }

func (s *Server) users(ctx context.Context, actor authz.Actor, in *PageQuery) (*usersOutput, error) {
	users, next, err := s.Actions.Users(ctx, actor, in.page())
	return &usersOutput{Body: pageOf(users, next, showShownUser)}, err
}

type UserInput struct {
	ID id.UserID `path:"id" format:"uuid"`
}

type userOutput struct {
	ETag string `header:"ETag"`
	Body ShownUserBody
}

func answerUser(u fleet.User, err error) (*userOutput, error) {
	return &userOutput{ETag: etag(u.Generation), Body: showShownUser(u)}, err
}

func (s *Server) user(ctx context.Context, actor authz.Actor, in *UserInput) (*userOutput, error) {
	return answerUser(s.Actions.User(ctx, actor, in.ID))
}

type editUserInput struct {
	UserInput
	GuardedInput
	Body struct {
		Email *string `json:"email,omitempty" maxLength:"254"`
		Name  *string `json:"name,omitempty" maxLength:"100"`
	}
}

func (s *Server) editUser(ctx context.Context, actor authz.Actor, in *editUserInput) (*userOutput, error) {
	generation, err := generationOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return answerUser(s.Actions.EditUser(ctx, actor, in.ID, actions.UserEdit{Email: in.Body.Email, Name: in.Body.Name, Generation: generation}))
}

func (s *Server) deleteUser(ctx context.Context, actor authz.Actor, in *UserInput) (*struct{}, error) {
	return nil, s.Actions.DeleteUser(ctx, actor, in.ID)
}

func (s *Server) disableUser(ctx context.Context, actor authz.Actor, in *UserInput) (*userOutput, error) {
	return answerUser(s.Actions.DisableUser(ctx, actor, in.ID))
}

func (s *Server) enableUser(ctx context.Context, actor authz.Actor, in *UserInput) (*userOutput, error) {
	return answerUser(s.Actions.EnableUser(ctx, actor, in.ID))
}

type linkOutput struct{ Body linkBody }

type resetInput struct {
	UserInput
	RepeatableInput
}

func (s *Server) resetPassword(ctx context.Context, actor authz.Actor, in *resetInput) (*linkOutput, error) {
	link, err := s.Actions.ResetPassword(ctx, actor, in.ID, in.IdempotencyKey)
	return &linkOutput{Body: linkBody{Link: link.URL, ExpiresAt: link.ExpiresAt}}, err
}

func (s *Server) disableUserTOTP(ctx context.Context, actor authz.Actor, in *UserInput) (*struct{}, error) {
	return nil, s.Actions.DisableTOTP(ctx, actor, in.ID)
}
