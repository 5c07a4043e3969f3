package authn

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// tokenPrefix marks an API token, for people and for tools that look for
// secrets in places where none should be.
const tokenPrefix = "lormas_"

// NewToken asks for an API token.
type NewToken struct {
	Name        string
	Permissions []string   // patterns, with dots or colons
	ExpiresAt   *time.Time // nil: never
	Key         string     `json:"-"` // Idempotency-Key
}

// CreateToken makes an API token for the actor himself. The secret is
// returned here and nowhere else.
func (s *Service) CreateToken(ctx context.Context, actor authz.Actor, in NewToken) (fleet.Token, string, error) {
	permissions, faults := handedOn(actor, in.Permissions)
	now := s.Now()
	if name := strings.TrimSpace(in.Name); name == "" || len(name) > 100 {
		faults = append(faults, spec.Fault{Field: "name", Message: "use 1 to 100 characters that remind you of what the token is for"})
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		faults = append(faults, spec.Fault{Field: "expiresAt", Message: "this has passed: give a time to come, or leave it out"})
	}
	if len(faults) > 0 {
		return fleet.Token{}, "", fleet.InvalidFields(faults...)
	}
	o, err := s.Store.Once(actor.UserID, fleet.TokenCreate, in.Key, in)
	if err != nil {
		return fleet.Token{}, "", err
	}
	token := fleet.Token{
		ID: id.New[id.TokenID](), UserID: actor.UserID, Name: strings.TrimSpace(in.Name),
		Permissions: permissions, CreatedAt: now, ExpiresAt: in.ExpiresAt,
	}
	secret := newSecret()
	entry := actor.Entry(fleet.TokenCreate)
	entry.TargetKind, entry.TargetID, entry.TargetName = "token", uuid.UUID(token.ID), token.Name
	entry.Detail = map[string]any{"permissions": permissions, "expiresAt": in.ExpiresAt}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		made := token.ID
		if done, err := tx.Recall(ctx, o, &made); err != nil {
			return err
		} else if done {
			return fleet.Errorf(fleet.Conflict, "this request has made the API token %s (%s) before, and its secret is shown only once: if you do not have it, take the token back with DELETE /api/v1/auth/tokens/%s and make another with a new Idempotency-Key",
				token.Name, made, made)
		}
		if err := tx.InsertToken(ctx, token, hashSecret(secret)); err != nil {
			return err
		}
		if err := tx.InsertAudit(ctx, entry); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return fleet.Token{}, "", fmt.Errorf("create api token: %w", err)
	}
	return token, secret, nil
}

// handedOn reads the permissions for a token: what its maker has himself.
func handedOn(actor authz.Actor, wanted []string) (permissions []string, faults []spec.Fault) {
	if len(wanted) == 0 {
		faults = append(faults, spec.Fault{Field: "permissions", Message: "name at least one, such as node.view, container.* or *"})
	}
	for i, w := range wanted {
		field := fmt.Sprintf("permissions[%d]", i)
		pattern, err := authz.ParsePattern(w)
		switch {
		case err != nil:
			faults = append(faults, spec.Fault{Field: field, Message: err.Error()})
		case !actor.Holds(pattern):
			faults = append(faults, spec.Fault{Field: field, Message: fmt.Sprintf("you do not have %s yourself, so a token of yours cannot", pattern)})
		default:
			permissions = append(permissions, pattern)
		}
	}
	return permissions, faults
}

// Tokens lists the actor's own API tokens.
func (s *Service) Tokens(ctx context.Context, actor authz.Actor, page store.Page) ([]fleet.Token, string, error) {
	return s.Store.Tokens(ctx, actor.UserID, page)
}

// RevokeToken takes back one of the actor's own API tokens and cuts the
// connections made with it.
func (s *Service) RevokeToken(ctx context.Context, actor authz.Actor, token id.TokenID) error {
	entry := actor.Entry(fleet.TokenRevoke)
	entry.TargetKind, entry.TargetID = "token", uuid.UUID(token)
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if entry.TargetName, err = tx.RevokeToken(ctx, actor.UserID, token); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		return fmt.Errorf("revoke api token: %w", err)
	}
	s.Kick(uuid.UUID(token))
	return nil
}

func newSecret() string { return tokenPrefix + randomHex() }

func randomHex() string {
	var raw [32]byte
	rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// hashSecret needs no salt and no slowness: the secret is 256 random bits.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
