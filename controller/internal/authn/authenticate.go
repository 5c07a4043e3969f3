package authn

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// Connection is who a connection to the broker belongs to: a node's agent, or
// a person or program. Exactly one of Node and Actor is set.
type Connection struct {
	Node       id.NodeID
	Actor      authz.Actor
	Credential uuid.UUID // what Kick ends it by
	Expires    time.Time // zero: never
}

var (
	errUnknown = fleet.Errorf(fleet.Unauthenticated, "this token is not valid: sign in again, or make a new API token")
	errExpired = fleet.Errorf(fleet.Unauthenticated, "this access token has expired: refresh it, or sign in again")
)

// Authenticate says who carries a bearer token: an access token or an API
// token. It asks the database once.
func (s *Service) Authenticate(ctx context.Context, from Origin, bearer string) (authz.Actor, error) {
	c, err := s.person(ctx, from, bearer)
	return c.Actor, err
}

// AuthenticateMQTT says who connects to the broker. An agent's username is
// its node's id; a person's is free.
func (s *Service) AuthenticateMQTT(ctx context.Context, from Origin, username, password string) (Connection, error) {
	credential, err := s.readCredential(password)
	if err == nil {
		return s.agent(ctx, username, credential)
	}
	c, err := s.person(ctx, from, password)
	if err == nil && c.Actor.MustChangePassword {
		return Connection{}, fleet.Errorf(fleet.Forbidden, "change your password first: nothing else is allowed before that")
	}
	return c, err
}

// agent checks a credential against what Postgres has of it. That it was not
// made later than there is asked of that record and of no clock: a node must
// not be lost because a controller's clock was set back.
func (s *Service) agent(ctx context.Context, username string, c credential) (Connection, error) {
	if username != c.Node.String() {
		return Connection{}, fleet.Errorf(fleet.Unauthenticated, "this credential is another node's")
	}
	made, err := s.Store.ValidCredential(ctx, c.Node, c.ID)
	if fleet.KindOf(err) == fleet.NotFound {
		return Connection{}, fleet.Errorf(fleet.Unauthenticated, "this node's credential was revoked: rotate it and give the agent the new one")
	}
	if err != nil {
		return Connection{}, away(err)
	}
	if c.Made.After(made.Add(clockLeeway)) {
		return Connection{}, fleet.Errorf(fleet.Unauthenticated, "this is not the token that was made for the credential: rotate it and give the agent the new one")
	}
	return Connection{Node: c.Node, Credential: uuid.UUID(c.ID)}, nil
}

func (s *Service) person(ctx context.Context, from Origin, bearer string) (Connection, error) {
	if strings.HasPrefix(bearer, tokenPrefix) {
		return s.byToken(ctx, from, bearer)
	}
	token, err := s.readAccess(bearer)
	if errors.Is(err, jwt.ErrTokenExpired) {
		return Connection{}, errExpired
	}
	if err != nil {
		return Connection{}, errUnknown
	}
	p, err := s.Store.PrincipalOfSession(ctx, token.Session, s.Now())
	if fleet.KindOf(err) == fleet.NotFound || err == nil && p.User.ID != token.User {
		return Connection{}, errEnded
	}
	if err != nil {
		return Connection{}, away(err)
	}
	actor := actorOf(p, from)
	actor.SessionID = token.Session
	return Connection{Actor: actor, Credential: uuid.UUID(token.Session), Expires: token.Expires}, nil
}

func (s *Service) byToken(ctx context.Context, from Origin, secret string) (Connection, error) {
	now := s.Now()
	p, token, err := s.Store.PrincipalOfToken(ctx, hashSecret(secret), now)
	if fleet.KindOf(err) == fleet.NotFound {
		return Connection{}, errUnknown
	}
	if err != nil {
		return Connection{}, away(err)
	}
	actor := asToken(actorOf(p, from), token)
	s.noteUse(ctx, actor, token, now)
	c := Connection{Actor: actor, Credential: uuid.UUID(token.ID)}
	if token.ExpiresAt != nil {
		c.Expires = *token.ExpiresAt
	}
	return c, nil
}

// Reload says who is behind credentials that were good before, in one query.
// Those that have ended are missing.
func (s *Service) Reload(ctx context.Context, credentials []uuid.UUID) (map[uuid.UUID]authz.Actor, error) {
	found, err := s.Store.PrincipalsOf(ctx, credentials, s.Now())
	if err != nil {
		return nil, err
	}
	actors := make(map[uuid.UUID]authz.Actor, len(found))
	for credential, p := range found {
		actor := actorOf(p.Principal, Origin{})
		if p.Token != nil {
			actor = asToken(actor, *p.Token)
		} else {
			actor.SessionID = id.SessionID(credential)
		}
		actors[credential] = actor
	}
	return actors, nil
}

// asToken is the owner of an API token as far as the token lets him.
func asToken(actor authz.Actor, token fleet.Token) authz.Actor {
	actor.Name = actor.Name + " (token " + token.Name + ")"
	actor.Kind, actor.ID, actor.Limit = fleet.ActorToken, uuid.UUID(token.ID), token.Permissions
	return actor
}

// useAudited is how often the audit trail hears that a token is in use: once
// from each address.
const useAudited = time.Hour

// noteUse notes the use of a token, about once a minute, and now and then in
// the audit trail; no request writes because it is one. That it cannot be
// noted keeps nobody out.
func (s *Service) noteUse(ctx context.Context, actor authz.Actor, token fleet.Token, now time.Time) {
	n, _, _ := s.uses.Count(ctx, token.ID.String()+" "+network(actor.Address), useAudited) // memory does not fail
	audited := n > 1
	if audited && token.LastUsedAt != nil && now.Sub(*token.LastUsedAt) < time.Minute {
		return
	}
	entry := actor.Entry(fleet.TokenUse)
	entry.TargetKind, entry.TargetID, entry.TargetName = "token", uuid.UUID(token.ID), token.Name
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.TouchToken(ctx, token.ID, now, actor.Address); err != nil || audited {
			return err
		}
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		s.Log.Warn("could not note the use of an api token", "token", token.ID, "error", err)
	}
}

func actorOf(p store.Principal, from Origin) authz.Actor {
	return authz.Actor{
		Kind: fleet.ActorUser, ID: uuid.UUID(p.User.ID), UserID: p.User.ID, Name: p.User.Email,
		Grants: p.Grants, MustChangePassword: p.User.MustChangePassword, Address: from.Address, RequestID: from.RequestID,
	}
}
