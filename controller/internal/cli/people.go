package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/lormas/lormas/controller/internal/client"
)

// userCommands are what is done to users.
type userCommands struct {
	List          listCommand       `cmd:"" aliases:"ls" help:"List users."`
	Show          showCommand       `cmd:"" help:"Show a user."`
	Create        userCreateCommand `cmd:"" help:"Add a user, and print the link with which he sets his password."`
	Edit          userEditCommand   `cmd:"" help:"Change a user's name or e-mail address."`
	Delete        deleteCommand     `cmd:"" aliases:"rm" help:"Remove users."`
	Disable       verbCommand       `cmd:"" help:"Keep users out: their sessions and connections end at once."`
	Enable        verbCommand       `cmd:"" help:"Let users in again."`
	ResetPassword linkCommand       `cmd:"" name:"reset-password" help:"Print a one-time link with which a user sets a new password."`
	DropTOTP      verbCommand       `cmd:"" name:"drop-totp" help:"Take the second factor away from users who lost it."`
}

func newUserCommands() userCommands {
	return userCommands{
		List: listCommand{of: users}, Show: showCommand{of: users}, Delete: deleteCommand{of: users},
		Disable:  verbCommand{of: users, method: http.MethodPost, suffix: "/disable", done: "is kept out"},
		Enable:   verbCommand{of: users, method: http.MethodPost, suffix: "/enable", done: "may come in again"},
		DropTOTP: verbCommand{of: users, method: http.MethodDelete, suffix: "/totp", done: "has no second factor any more"},
	}
}

type userCreateCommand struct {
	access `embed:""`
	Mail   string   `arg:"" name:"email" help:"The user's e-mail address."`
	Name   string   `name:"name" placeholder:"NAME" help:"What he is called."`
	Roles  []string `name:"role" placeholder:"ROLE" help:"A role for everything; may be repeated. For less see lormas role bind."`
}

// Run adds the user, then gives him his roles.
func (c userCreateCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	held := make([]string, len(c.Roles))
	for i, name := range c.Roles {
		if held[i], err = roles.find(ctx, to, name); err != nil {
			return err
		}
	}
	body := fields{"email": c.Mail}
	body.text("name", c.Name)
	var made struct {
		ID, Email     string
		PasswordReset *struct{ Link string }
	}
	if err := to.Do(ctx, client.Request{Method: http.MethodPost, Path: "/users", Body: body}, &made); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "User %s (%s) was made.\n", made.Email, made.ID)
	if made.PasswordReset != nil {
		fmt.Fprintf(s.Out, "He sets his password here, once, within a day:\n\n  %s\n\n", made.PasswordReset.Link)
	}
	for i, role := range held {
		binding := fields{"userId": made.ID, "roleId": role, "scope": "global"}
		if err := to.Do(ctx, client.Request{Method: http.MethodPost, Path: "/roles/bindings", Body: binding}, nil); err != nil {
			return fmt.Errorf("the user was made, but role %s could not be given: %w", c.Roles[i], err)
		}
	}
	return nil
}

type userEditCommand struct {
	access `embed:""`
	output `embed:""`
	User   string  `arg:"" help:"The user's e-mail address or id."`
	Mail   *string `name:"new-email" placeholder:"EMAIL" help:"The new e-mail address."`
	Name   *string `name:"name" placeholder:"NAME" help:"What he is called."`
}

// Run changes what was said and leaves the rest.
func (c userEditCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, users, c.User)
	if err != nil {
		return err
	}
	defer done()
	body := fields{}
	put(body, "email", c.Mail)
	put(body, "name", c.Name)
	if err := body.something(); err != nil {
		return err
	}
	return c.send(ctx, s, to, users, client.Request{Method: http.MethodPatch, Path: path, Body: body})
}

type linkCommand struct {
	access `embed:""`
	User   string `arg:"" help:"The user's e-mail address or id."`
}

// Run makes the link and prints it, this once.
func (c linkCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, users, c.User)
	if err != nil {
		return err
	}
	defer done()
	var made struct{ Link, ExpiresAt string }
	if err := to.Do(ctx, client.Request{Method: http.MethodPost, Path: path + "/password-reset"}, &made); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "Good once, until %s:\n\n  %s\n\n", made.ExpiresAt, made.Link)
	return err
}

// roleCommands are what is done to roles, and to who has them.
type roleCommands struct {
	List     listCommand       `cmd:"" aliases:"ls" help:"List roles."`
	Show     showCommand       `cmd:"" help:"Show a role."`
	Create   roleCreateCommand `cmd:"" help:"Add a role."`
	Edit     roleEditCommand   `cmd:"" help:"Change a role."`
	Delete   deleteCommand     `cmd:"" aliases:"rm" help:"Remove roles that nobody has."`
	Bind     bindCommand       `cmd:"" help:"Give a user a role: everywhere, or for a cluster, a node or a container."`
	Unbind   deleteCommand     `cmd:"" help:"Take a binding away, by its id."`
	Bindings listCommand       `cmd:"" help:"List who has which role where."`
}

func newRoleCommands() roleCommands {
	return roleCommands{
		List: listCommand{of: roles}, Show: showCommand{of: roles}, Delete: deleteCommand{of: roles},
		Unbind: deleteCommand{of: bindings}, Bindings: listCommand{of: bindings},
	}
}

type roleCreateCommand struct {
	access      `embed:""`
	output      `embed:""`
	Name        string   `arg:"" help:"The role's name."`
	Description string   `name:"description" placeholder:"TEXT" help:"What it is for."`
	Parent      string   `name:"parent" placeholder:"ROLE" help:"A role that it has all permissions of."`
	Permissions []string `name:"permission" short:"p" placeholder:"PERMISSION" help:"Such as container.start or container.*; may be repeated."`
}

// Run adds the role.
func (c roleCreateCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	body := fields{"name": c.Name, "permissions": append([]string{}, c.Permissions...)}
	body.text("description", c.Description)
	if err := body.ref(ctx, to, "parentId", roles, c.Parent); err != nil {
		return err
	}
	return c.send(ctx, s, to, roles, client.Request{Method: http.MethodPost, Path: "/roles", Body: body})
}

type roleEditCommand struct {
	access      `embed:""`
	output      `embed:""`
	Role        string   `arg:"" help:"The role's name or id."`
	Name        *string  `name:"name" placeholder:"NAME" help:"Its new name."`
	Description *string  `name:"description" placeholder:"TEXT" help:"What it is for."`
	Parent      *string  `name:"parent" placeholder:"ROLE" help:"A role that it has all permissions of; empty: none."`
	Add         []string `name:"add" placeholder:"PERMISSION" help:"A permission to add; may be repeated."`
	Remove      []string `name:"remove" placeholder:"PERMISSION" help:"A permission to take away; may be repeated."`
}

// Run changes what was said and leaves the rest.
func (c roleEditCommand) Run(ctx context.Context, s Streams) error {
	to, path, done, err := c.open(ctx, s, roles, c.Role)
	if err != nil {
		return err
	}
	defer done()
	body := fields{}
	put(body, "name", c.Name)
	put(body, "description", c.Description)
	if c.Parent != nil {
		if body["parentId"] = *c.Parent; *c.Parent != "" {
			if body["parentId"], err = roles.find(ctx, to, *c.Parent); err != nil {
				return err
			}
		}
	}
	if len(c.Add)+len(c.Remove) > 0 {
		if body["permissions"], err = c.permissions(ctx, to, path); err != nil {
			return err
		}
	}
	if err := body.something(); err != nil {
		return err
	}
	return c.send(ctx, s, to, roles, client.Request{Method: http.MethodPatch, Path: path, Body: body})
}

// permissions are those that the role has, with the change over them: the API
// takes them as a whole.
func (c roleEditCommand) permissions(ctx context.Context, to *client.Client, path string) ([]string, error) {
	var role struct{ Permissions []string }
	if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: path}, &role); err != nil {
		return nil, err
	}
	dotted := func(p string) string { return strings.ReplaceAll(p, ":", ".") }
	out := map[string]bool{}
	var list []string
	for _, p := range c.Remove {
		out[dotted(p)] = true
	}
	for _, p := range append(role.Permissions, c.Add...) {
		if p = dotted(p); !out[p] {
			out[p] = true
			list = append(list, p)
		}
	}
	return append([]string{}, list...), nil
}

// where is the scope of a role, as flags.
type where struct {
	Cluster   string `name:"cluster" xor:"scope" placeholder:"CLUSTER" help:"Only for this cluster, its nodes and their containers."`
	Node      string `name:"node" xor:"scope" placeholder:"NODE" help:"Only for this node and its containers."`
	Container string `name:"container" xor:"scope" placeholder:"CONTAINER" help:"Only for this container."`
}

func (w where) scope(ctx context.Context, to *client.Client, body fields) error {
	body["scope"] = "global"
	for _, one := range []struct {
		of  noun
		ref string
	}{{clusters, w.Cluster}, {nodes, w.Node}, {containers, w.Container}} {
		if one.ref == "" {
			continue
		}
		found, err := one.of.find(ctx, to, one.ref)
		if err != nil {
			return err
		}
		body["scope"], body["scopeId"] = one.of.name, found
	}
	return nil
}

type bindCommand struct {
	access `embed:""`
	output `embed:""`
	where  `embed:""`
	User   string `arg:"" help:"The user's e-mail address or id."`
	Role   string `arg:"" help:"The role's name or id."`
}

// Run gives the user the role.
func (c bindCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	body := fields{}
	if body["userId"], err = users.find(ctx, to, c.User); err != nil {
		return err
	}
	if body["roleId"], err = roles.find(ctx, to, c.Role); err != nil {
		return err
	}
	if err := c.scope(ctx, to, body); err != nil {
		return err
	}
	return c.send(ctx, s, to, bindings, client.Request{Method: http.MethodPost, Path: "/roles/bindings", Body: body})
}

type canCommand struct {
	access `embed:""`
	output `embed:""`
	User   string `arg:"" help:"A user's e-mail address or id, or me."`
	Verb   string `arg:"" help:"A permission, such as container.start."`
	Target string `arg:"" optional:"" help:"What it is done to: container/NAME, node/NAME or cluster/NAME; left out: everything."`
}

// Run says whether somebody may do a thing, and why. It ends with 4 where he
// may not.
func (c canCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	body := fields{"verb": c.Verb}
	if c.User != "me" {
		if body["userId"], err = users.find(ctx, to, c.User); err != nil {
			return err
		}
	}
	if c.Target != "" {
		if body["target"], err = target(ctx, to, c.Target); err != nil {
			return err
		}
	}
	var raw json.RawMessage
	if err := to.Do(ctx, client.Request{Method: http.MethodPost, Path: "/authz/explain", Body: body}, &raw); err != nil {
		return err
	}
	var answer struct {
		Allowed bool   `json:"allowed"`
		Summary string `json:"summary"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if err := c.print(s.Out, noun{}, raw); err != nil || answer.Allowed {
		return err
	}
	return &client.Problem{Status: http.StatusForbidden, Detail: "no: " + answer.Summary}
}

// target reads kind/name.
func target(ctx context.Context, to *client.Client, text string) (fields, error) {
	kind, ref, _ := strings.Cut(text, "/")
	for _, of := range []noun{containers, nodes, clusters} {
		if kind != of.name || ref == "" {
			continue
		}
		found, err := of.find(ctx, to, ref)
		return fields{"kind": kind, "id": found}, err
	}
	return nil, &client.Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("%.80q is no target: write it like container/web, node/edge-1 or cluster/home", text)}
}
