package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func (s *Server) eggRoutes() {
	add(s, Route{
		Verb: fleet.EggCreate, Method: http.MethodPost, Path: "/eggs", Status: http.StatusCreated, Summary: "Add an egg", MaxBody: egg.MaxFile,
	}, s.createEgg)
	add(s, Route{
		Verb: fleet.EggView, ID: "egg.list", Method: http.MethodGet, Path: "/eggs", List: &store.EggList, Summary: "List eggs",
	}, s.eggs)
	add(s, Route{
		Verb: fleet.EggView, Method: http.MethodGet, Path: "/eggs/{id}", Summary: "Show an egg",
	}, s.egg)
	add(s, Route{
		Verb: fleet.EggEdit, Method: http.MethodPut, Path: "/eggs/{id}", Summary: "Replace an egg", MaxBody: egg.MaxFile,
		Help: "Containers keep the spec that they were made with. Send the ETag as If-Match, so that nobody's change is lost.",
	}, s.editEgg)
	add(s, Route{
		Verb: fleet.EggDelete, Method: http.MethodDelete, Path: "/eggs/{id}", Summary: "Remove an egg that no container uses",
	}, s.deleteEgg)
	s.eggFileRoutes()
}

// newEggBody is an egg as its author writes it.
type newEggBody struct {
	CategoryID  *id.EggCategoryID `json:"categoryId,omitempty" format:"uuid"`
	Name        string            `json:"name" example:"Web server"`
	Description string            `json:"description,omitempty"`
	Author      string            `json:"author,omitempty"`
	UUID        string            `json:"uuid,omitempty" doc:"by which an import knows that it is the same egg"`
	UpdateURL   string            `json:"update_url,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Features    []string          `json:"features,omitempty" doc:"what the console is watched for: eula, java_version, …"`
	Icon        string            `json:"icon,omitempty" doc:"a data: URI of an image"`
	Denylist    []string          `json:"file_denylist,omitempty"`
	Images      []egg.Image       `json:"images" doc:"the first is the default"`
	Startup     string            `json:"startup,omitempty" doc:"handed to the image as $STARTUP"`
	Startups    []egg.Startup     `json:"startup_commands,omitempty" doc:"several to choose from instead; the first is the default"`
	Command     []string          `json:"command,omitempty" doc:"replaces the image's own command"`
	User        string            `json:"user,omitempty"`
	TTY         bool              `json:"tty,omitempty"`
	ReadOnly    bool              `json:"read_only,omitempty" doc:"the root file system cannot be written"`
	Stop        string            `json:"stop,omitempty" example:"^C" doc:"text for the console, or ^ and a signal"`
	Done        []string          `json:"done,omitempty" doc:"console text that means running; regex: before it for a pattern"`
	StripANSI   bool              `json:"strip_ansi,omitempty" doc:"escape codes are taken out of the console before it is looked for"`
	Wings       bool              `json:"wings,omitempty" doc:"written for Pterodactyl or Pelican: started as they start it"`
	Files       []spec.File       `json:"files,omitempty" doc:"rewritten before every start"`
	Install     *spec.Install     `json:"install,omitempty" doc:"a script that fills the volume named home, or the first one, before the first start"`
	Health      *spec.Health      `json:"health,omitempty" doc:"how the node finds out whether the program is well; replaces the image's own check"`
	Ports       []egg.Port        `json:"ports,omitempty" doc:"published unless the creator of a container lists ports"`
	Volumes     []egg.Volume      `json:"volumes,omitempty"`
	Variables   []variableBody    `json:"variables,omitempty"`
}

// variableBody is egg.Variable with its defaults: people may see and change
// what its author says nothing about.
type variableBody struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Env         string   `json:"env" example:"GREETING"`
	Default     string   `json:"default,omitempty"`
	Rules       []string `json:"rules,omitempty" example:"[\"required\",\"max:20\"]" doc:"Laravel's names"`
	Viewable    *bool    `json:"user_viewable,omitempty" doc:"true unless said otherwise"`
	Editable    *bool    `json:"user_editable,omitempty" doc:"true unless said otherwise"`
}

func (b newEggBody) egg() egg.Egg {
	e := egg.Egg{
		Name: b.Name, Description: b.Description, Author: b.Author, Images: b.Images, Startup: b.Startup, Command: b.Command,
		User: b.User, TTY: b.TTY, ReadOnly: b.ReadOnly, Stop: b.Stop, Done: b.Done, StripANSI: b.StripANSI, Wings: b.Wings,
		Files: b.Files, Install: b.Install, Health: b.Health, Ports: b.Ports, Volumes: b.Volumes, UUID: b.UUID, UpdateURL: b.UpdateURL,
		Tags: b.Tags, Features: b.Features, Icon: b.Icon, Denylist: b.Denylist, Startups: b.Startups,
	}
	for _, v := range b.Variables {
		e.Variables = append(e.Variables, egg.Variable{
			Name: v.Name, Description: v.Description, Env: v.Env, Default: v.Default, Rules: v.Rules,
			Viewable: v.Viewable == nil || *v.Viewable, Editable: v.Editable == nil || *v.Editable,
		})
	}
	return e
}

// eggBody is an egg in the store.
type eggBody struct {
	ID         id.EggID          `json:"id" format:"uuid"`
	CategoryID *id.EggCategoryID `json:"categoryId,omitempty" format:"uuid"`
	Generation int64             `json:"generation"`
	CreatedAt  time.Time         `json:"createdAt"`
	UpdatedAt  time.Time         `json:"updatedAt"`
	egg.Egg
}

func showEgg(e fleet.Egg) eggBody {
	return eggBody{ID: e.ID, CategoryID: e.CategoryID, Generation: e.Generation, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, Egg: e.Egg}
}

type eggOutput struct {
	ETag string `header:"ETag"`
	Body eggBody
}

func answerEgg(e fleet.Egg, err error) (*eggOutput, error) {
	return &eggOutput{ETag: etag(e.Generation), Body: showEgg(e)}, err
}

type newEggInput struct {
	RepeatableInput
	Body newEggBody
}

func (s *Server) createEgg(ctx context.Context, actor authz.Actor, in *newEggInput) (*eggOutput, error) {
	return answerEgg(s.Actions.CreateEgg(ctx, actor, actions.NewEgg{CategoryID: in.Body.CategoryID, Egg: in.Body.egg(), Key: in.IdempotencyKey}))
}

type eggsInput struct {
	PageQuery
	Category id.EggCategoryID `query:"categoryId" format:"uuid" doc:"only those of this category"`
}

type eggsOutput struct{ Body page[eggBody] }

func (s *Server) eggs(ctx context.Context, actor authz.Actor, in *eggsInput) (*eggsOutput, error) {
	eggs, next, err := s.Actions.Eggs(ctx, actor, store.EggFilter{Page: in.page(), Category: optional(in.Category)})
	return &eggsOutput{Body: pageOf(eggs, next, showEgg)}, err
}

type EggInput struct {
	ID id.EggID `path:"id" format:"uuid"`
}

func (s *Server) egg(ctx context.Context, actor authz.Actor, in *EggInput) (*eggOutput, error) {
	return answerEgg(s.Actions.Egg(ctx, actor, in.ID))
}

type editEggInput struct {
	EggInput
	GuardedInput
	Body newEggBody
}

func (s *Server) editEgg(ctx context.Context, actor authz.Actor, in *editEggInput) (*eggOutput, error) {
	generation, err := generationOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return answerEgg(s.Actions.EditEgg(ctx, actor, in.ID, actions.EggEdit{
		CategoryID: in.Body.CategoryID, Egg: in.Body.egg(), Generation: generation,
	}))
}

func (s *Server) deleteEgg(ctx context.Context, actor authz.Actor, in *EggInput) (*struct{}, error) {
	return nil, s.Actions.DeleteEgg(ctx, actor, in.ID)
}
