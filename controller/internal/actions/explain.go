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

// Ask is what Explain is asked.
type Ask struct {
	User   id.UserID // zero: the actor himself
	Verb   fleet.Verb
	Kind   fleet.Scope // of the target: cluster, node or container; global: everything
	Target uuid.UUID
}

// Explain says why somebody may do a thing, or may not. Of oneself everybody
// may ask; of others who may see users. A target that the asker may not see is
// not there.
func (s *Service) Explain(ctx context.Context, actor authz.Actor, in Ask) (authz.Explanation, error) {
	self := in.User.IsZero() || in.User == actor.UserID
	q := authz.Question{Verb: in.Verb, Named: "everything", Kind: fleet.ActorUser}
	if self {
		in.User, q.Kind, q.Limit = actor.UserID, actor.Kind, actor.Limit
	} else if err := s.check(ctx, actor, fleet.UserView, subject{kind: "user", id: uuid.UUID(in.User)}); err != nil {
		return authz.Explanation{}, err
	}
	var held []authz.Held
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		u, _, err := tx.UserByID(ctx, in.User)
		if err != nil {
			return err
		}
		q.Who, q.Disabled, q.NewPassword = u.Email, u.DisabledAt != nil, u.MustChangePassword
		if in.Kind != fleet.Global {
			if q.Target, q.Named, err = visible(ctx, tx, actor, in); err != nil {
				return err
			}
		}
		held, err = tx.HeldBy(ctx, in.User)
		return err
	})
	if err != nil {
		return authz.Explanation{}, fmt.Errorf("explain: %w", err)
	}
	for i := range held {
		if !actor.Can(viewOf(held[i].Scope), held[i].At) {
			held[i].Name = ""
		}
	}
	return authz.Explain(q, held), nil
}

// viewOf is the verb of seeing a thing of this kind.
func viewOf(kind fleet.Scope) fleet.Verb { return authz.ViewOf(fleet.Verb(string(kind) + ".")) }

// visible is the target of a question, if the asker may see it.
func visible(ctx context.Context, tx *store.Tx, actor authz.Actor, in Ask) (authz.Target, string, error) {
	at, name, err := tx.Place(ctx, in.Kind, in.Target)
	if err == nil && !actor.Can(viewOf(in.Kind), at) {
		err = fleet.Errorf(fleet.NotFound, "there is no %s %s", in.Kind, in.Target)
	}
	return at, fmt.Sprintf("%s %s", in.Kind, name), err
}
