package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Refresh is the part of a session that its refresh token is held against.
type Refresh struct {
	fleet.Session
	Current  []byte // hash of the token that is good
	Previous []byte // hash of the one before it; nil: none
	Disabled bool   // the user may not sign in any more
}

// InsertSession adds a session with the hash of its first refresh token.
func (tx *Tx) InsertSession(ctx context.Context, s fleet.Session, refresh []byte) error {
	_, err := tx.tx.Exec(ctx, `
		insert into sessions (id, user_id, refresh_hash, rotated_at, created_at, expires_at, address, user_agent)
		values ($1, $2, $3, $4, $4, $5, $6, $7)`,
		s.ID, s.UserID, refresh, s.CreatedAt, s.ExpiresAt, s.Address, s.UserAgent)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// LockRefresh loads a session for its refresh token to be exchanged; others
// who want the same wait for the end of the transaction.
func (tx *Tx) LockRefresh(ctx context.Context, session id.SessionID) (Refresh, error) {
	var r Refresh
	err := tx.tx.QueryRow(ctx, `
		select s.id, s.user_id, s.created_at, s.rotated_at, s.expires_at, s.revoked_at, s.address, s.user_agent,
		       s.refresh_hash, s.previous_hash, u.disabled_at is not null
		from sessions s join users u on u.id = s.user_id where s.id = $1 for update of s`, session).
		Scan(&r.ID, &r.UserID, &r.CreatedAt, &r.RotatedAt, &r.ExpiresAt, &r.RevokedAt, &r.Address, &r.UserAgent,
			&r.Current, &r.Previous, &r.Disabled)
	return r, one(err, "session", session)
}

// RotateRefresh makes refresh the good token of a session.
func (tx *Tx) RotateRefresh(ctx context.Context, session id.SessionID, refresh []byte, now time.Time) error {
	_, err := tx.tx.Exec(ctx, `
		update sessions set previous_hash = refresh_hash, refresh_hash = $2, rotated_at = $3 where id = $1`,
		session, refresh, now)
	if err != nil {
		return fmt.Errorf("rotate refresh token: %w", err)
	}
	return nil
}

// RevokeSession ends a session. It reports whether there was one to end.
func (tx *Tx) RevokeSession(ctx context.Context, session id.SessionID, reason string) (bool, error) {
	tag, err := tx.tx.Exec(ctx, `
		update sessions set revoked_at = now(), revoke_reason = $2 where id = $1 and revoked_at is null`, session, reason)
	if err != nil {
		return false, fmt.Errorf("revoke session: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// RevokeOtherSessions ends all sessions of a user but one, and says which.
func (tx *Tx) RevokeOtherSessions(ctx context.Context, user id.UserID, keep id.SessionID, reason string) ([]id.SessionID, error) {
	rows, err := tx.tx.Query(ctx, `
		update sessions set revoked_at = now(), revoke_reason = $3
		where user_id = $1 and id <> $2 and revoked_at is null returning id`, user, keep, reason)
	if err != nil {
		return nil, fmt.Errorf("revoke sessions: %w", err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[id.SessionID])
	if err != nil {
		return nil, fmt.Errorf("revoke sessions: %w", err)
	}
	return ended, nil
}

// SessionList is how the sessions of a user are listed.
var SessionList = Listing{
	name: "sessions", looks: []string{"x.address", "x.user_agent"}, Finds: "the address and what the browser called itself",
	orders: []order{byTime("createdAt", "x.created_at"), byTime("lastUsedAt", "x.rotated_at"), byTime("expiresAt", "x.expires_at")},
}

// Sessions lists the sessions of a user that have not ended, and the cursor of
// the next page.
func (s *Store) Sessions(ctx context.Context, user id.UserID, now time.Time, page Page) ([]fleet.Session, string, error) {
	return list(ctx, s, SessionList, page, scanSession, `
		select id, user_id, created_at, rotated_at, expires_at, address, user_agent from sessions
		where user_id = $1 and revoked_at is null and expires_at > $2`, user, now)
}

func scanSession(row pgx.CollectableRow) (s fleet.Session, err error) {
	err = row.Scan(&s.ID, &s.UserID, &s.CreatedAt, &s.RotatedAt, &s.ExpiresAt, &s.Address, &s.UserAgent)
	return s, err
}

// RevokeSessionOf ends one session of a user.
func (tx *Tx) RevokeSessionOf(ctx context.Context, user id.UserID, session id.SessionID, reason string) error {
	tag, err := tx.tx.Exec(ctx, `
		update sessions set revoked_at = now(), revoke_reason = $3 where id = $1 and user_id = $2 and revoked_at is null`, session, user, reason)
	if err != nil {
		return fmt.Errorf("revoke session: %w", err)
	}
	return changed(tag, "session", session)
}
