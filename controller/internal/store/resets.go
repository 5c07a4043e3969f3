package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// InsertReset adds a one-time link, with the hash of its secret, and ends the
// older ones of the user.
func (tx *Tx) InsertReset(ctx context.Context, r fleet.Reset, hash []byte) error {
	if err := tx.EndResets(ctx, r.UserID); err != nil {
		return err
	}
	_, err := tx.tx.Exec(ctx, `
		insert into password_resets (id, user_id, secret_hash, created_by, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)`,
		r.ID, r.UserID, hash, r.CreatedBy, r.CreatedAt, r.ExpiresAt)
	return wrap("insert password reset", err)
}

// EndResets makes the links of a user that were not used worth nothing.
func (tx *Tx) EndResets(ctx context.Context, user id.UserID) error {
	_, err := tx.tx.Exec(ctx, `delete from password_resets where user_id = $1 and used_at is null`, user)
	return wrap("end password resets", err)
}

// ResetUser says whose link a secret is of. A link that was used or has ended,
// or of a user who was disabled, is not found.
func (s *Store) ResetUser(ctx context.Context, hash []byte, now time.Time) (fleet.User, error) {
	u, _, err := scanUser(s.db.QueryRow(ctx, selectUsers+`join password_resets r on r.user_id = u.id
		where r.secret_hash = $1 and r.used_at is null and r.expires_at > $2`+usable, hash, now))
	return u, one(err, "password reset", "with this secret")
}

// UseReset uses a link up, or finds none where another request was faster.
func (tx *Tx) UseReset(ctx context.Context, hash []byte, now time.Time) (id.ResetID, error) {
	var reset id.ResetID
	err := tx.tx.QueryRow(ctx, `
		update password_resets set used_at = $2 where secret_hash = $1 and used_at is null and expires_at > $2 returning id`, hash, now).Scan(&reset)
	if err = one(err, "password reset", "with this secret"); err != nil {
		return reset, fmt.Errorf("use password reset: %w", err)
	}
	return reset, nil
}
