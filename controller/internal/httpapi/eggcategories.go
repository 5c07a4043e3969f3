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

func (s *Server) eggCategoryRoutes() {
	add(s, Route{
		Verb: fleet.EggCategoryCreate, Method: http.MethodPost, Path: "/eggs/categories", Status: http.StatusCreated, Summary: "Add an egg category",
	}, s.createEggCategory)
	add(s, Route{
		Verb: fleet.EggCategoryView, Method: http.MethodGet, Path: "/eggs/categories", List: &store.EggCategoryList, Summary: "List egg categories",
	}, s.eggCategories)
	add(s, Route{
		Verb: fleet.EggCategoryEdit, Method: http.MethodPatch, Path: "/eggs/categories/{id}", Summary: "Change an egg category",
		Help: "Send its generation as If-Match, so that nobody's change is lost.",
	}, s.editEggCategory)
	add(s, Route{
		Verb: fleet.EggCategoryDelete, Method: http.MethodDelete, Path: "/eggs/categories/{id}", Summary: "Remove an empty egg category",
	}, s.deleteEggCategory)
}

type eggCategoryBody struct {
	ID          id.EggCategoryID `json:"id" format:"uuid"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Generation  int64            `json:"generation" doc:"grows with every edit; its ETag"`
	CreatedAt   time.Time        `json:"createdAt"`
}

func showEggCategory(c fleet.EggCategory) eggCategoryBody {
	return eggCategoryBody{ID: c.ID, Name: c.Name, Description: c.Description, Generation: c.Generation, CreatedAt: c.CreatedAt}
}

type eggCategoryOutput struct {
	ETag string `header:"ETag"`
	Body eggCategoryBody
}

func answerEggCategory(c fleet.EggCategory, err error) (*eggCategoryOutput, error) {
	return &eggCategoryOutput{ETag: etag(c.Generation), Body: showEggCategory(c)}, err
}

func (s *Server) createEggCategory(ctx context.Context, actor authz.Actor, in *newNamedInput) (*eggCategoryOutput, error) {
	return answerEggCategory(s.Actions.CreateEggCategory(ctx, actor, actions.NewEggCategory{Name: in.Body.Name, Description: in.Body.Description, Key: in.IdempotencyKey}))
}

type eggCategoriesOutput struct{ Body page[eggCategoryBody] }

func (s *Server) eggCategories(ctx context.Context, actor authz.Actor, in *PageQuery) (*eggCategoriesOutput, error) {
	list, next, err := s.Actions.EggCategories(ctx, actor, in.page())
	return &eggCategoriesOutput{Body: pageOf(list, next, showEggCategory)}, err
}

type EggCategoryInput struct {
	ID id.EggCategoryID `path:"id" format:"uuid"`
}

type editEggCategoryInput struct {
	EggCategoryInput
	GuardedInput
	Body EditNamedBody
}

func (s *Server) editEggCategory(ctx context.Context, actor authz.Actor, in *editEggCategoryInput) (*eggCategoryOutput, error) {
	generation, err := generationOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return answerEggCategory(s.Actions.EditEggCategory(ctx, actor, in.ID, actions.EggCategoryEdit{Named: in.Body.edit(), Generation: generation}))
}

func (s *Server) deleteEggCategory(ctx context.Context, actor authz.Actor, in *EggCategoryInput) (*struct{}, error) {
	return nil, s.Actions.DeleteEggCategory(ctx, actor, in.ID)
}
