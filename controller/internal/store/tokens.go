package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// tokenColumns are the columns of a fleet.Token in the order of tokenInto.
const tokenColumns = `t.id, t.user_id, t.name, t.permissions, t.created_at, t.expires_at, t.last_used_at, t.last_used_address`

func tokenInto(t *fleet.Token) []any {
	return []any{&t.ID, &t.UserID, &t.Name, &t.Permissions, &t.CreatedAt, &t.ExpiresAt, &t.LastUsedAt, &t.LastUsedAddress}
}

// InsertToken adds an API token with the hash of its secret.
func (tx *Tx) InsertToken(ctx context.Context, token fleet.Token, hash []byte) error {
	_, err := tx.tx.Exec(ctx, `
		insert into api_tokens (id, user_id, name, token_hash, permissions, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)`,
		token.ID, token.UserID, token.Name, hash, token.Permissions, token.CreatedAt, token.ExpiresAt)
	if err != nil {
		return fmt.Errorf("insert api token: %w", err)
	}
	return nil
}

// TokenList is how the API tokens of a user are listed.
var TokenList = Listing{
	name: "api tokens", looks: []string{"x.name"}, Finds: "the name",
	orders: []order{
		byText("name", "x.name"), byTime("createdAt", "x.created_at"),
		byTime("lastUsedAt", sometime("x.last_used_at")), byTime("expiresAt", sometime("x.expires_at")),
	},
}

// Tokens lists the API tokens of a user that were not taken back, and the
// cursor of the next page.
func (s *Store) Tokens(ctx context.Context, user id.UserID, page Page) ([]fleet.Token, string, error) {
	return list(ctx, s, TokenList, page, scanToken, `
		select `+tokenColumns+` from api_tokens t where t.user_id = $1 and t.revoked_at is null`, user)
}

func scanToken(row pgx.CollectableRow) (t fleet.Token, err error) {
	err = row.Scan(tokenInto(&t)...)
	return t, err
}

// PrincipalOfToken loads the owner of an API token and the token, in one
// query. A token that ended or an owner who was disabled is not found.
func (s *Store) PrincipalOfToken(ctx context.Context, hash []byte, now time.Time) (Principal, fleet.Token, error) {
	var t fleet.Token
	p, err := s.principal(ctx, `select `+principalColumns+`, `+tokenColumns+`
		from api_tokens t join users u on u.id = t.user_id
		where t.token_hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2)`+usable,
		[]any{hash, now}, tokenInto(&t)...)
	return p, t, one(err, "api token", "with this secret")
}

// CredentialPrincipal is who is behind a session or an API token.
type CredentialPrincipal struct {
	Principal
	Token *fleet.Token // nil: a session
}

// PrincipalsOf loads who is behind sessions and API tokens, in one query.
// Those that ended, and those of users who were disabled, are missing.
func (s *Store) PrincipalsOf(ctx context.Context, credentials []uuid.UUID, now time.Time) (map[uuid.UUID]CredentialPrincipal, error) {
	rows, err := s.db.Query(ctx, `select `+principalColumns+`, k.id, t.id is not null, coalesce(t.name, ''), t.permissions
		from unnest($1::uuid[]) k (id)
		left join sessions s on s.id = k.id and s.revoked_at is null and s.expires_at > $2
		left join api_tokens t on t.id = k.id and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2)
		join users u on u.id = coalesce(s.user_id, t.user_id)`+usable, credentials, now)
	if err != nil {
		return nil, fmt.Errorf("load who is connected: %w", err)
	}
	found := map[uuid.UUID]CredentialPrincipal{}
	for rows.Next() {
		var p CredentialPrincipal
		var t fleet.Token
		var grants []grantRow
		var key uuid.UUID
		var isToken bool
		if err := rows.Scan(append(p.into(&grants), &key, &isToken, &t.Name, &t.Permissions)...); err != nil {
			rows.Close()
			return nil, fmt.Errorf("load who is connected: %w", err)
		}
		p.setGrants(grants)
		if isToken {
			t.ID, t.UserID, p.Token = id.TokenID(key), p.User.ID, &t
		}
		found[key] = p
	}
	return found, wrap("load who is connected", rows.Err())
}

// TouchToken notes that a token was used, and from where, unless that was
// noted within the last minute.
func (tx *Tx) TouchToken(ctx context.Context, token id.TokenID, now time.Time, address string) error {
	_, err := tx.tx.Exec(ctx, `
		update api_tokens set last_used_at = $2, last_used_address = $3
		where id = $1 and (last_used_at is null or last_used_at <= $2::timestamptz - interval '1 minute' or last_used_address <> $3)`,
		token, now, address)
	return wrap("note the use of an api token", err)
}

// RevokeToken takes a user's API token back and returns its name.
func (tx *Tx) RevokeToken(ctx context.Context, user id.UserID, token id.TokenID) (name string, err error) {
	err = tx.tx.QueryRow(ctx, `
		update api_tokens set revoked_at = now() where id = $1 and user_id = $2 and revoked_at is null returning name`,
		token, user).Scan(&name)
	return name, one(err, "api token", token)
}

// ValidCredential says when a node's credential was made, or reports, as a
// not-found error, that it was revoked, never was, or its node is gone.
func (s *Store) ValidCredential(ctx context.Context, node id.NodeID, credential id.CredentialID) (made time.Time, err error) {
	err = s.db.QueryRow(ctx, `
		select c.created_at from node_credentials c join nodes n on n.id = c.node_id
		where c.id = $2 and c.node_id = $1 and c.revoked_at is null and n.deleted_at is null`, node, credential).Scan(&made)
	return made, one(err, "credential", credential)
}
