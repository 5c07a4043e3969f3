package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// SecondFactor is what the codes of a user are held against.
type SecondFactor struct {
	Sealed string     // the seed; "": none
	Since  *time.Time // when it was confirmed; nil: it is not asked for
	Step   int64      // the last that was used
	Codes  int        // recovery codes that are left
}

// SecondFactor loads that of a user.
func (s *Store) SecondFactor(ctx context.Context, user id.UserID) (SecondFactor, error) {
	var f SecondFactor
	err := s.db.QueryRow(ctx, `
		select coalesce(totp_secret, ''), totp_since, totp_step,
		       (select count(*) from recovery_codes c where c.user_id = u.id and c.used_at is null)
		from users u where id = $1`, user).Scan(&f.Sealed, &f.Since, &f.Step, &f.Codes)
	return f, one(err, "user", user)
}

// BeginTOTP keeps a seed that waits for its first code. It does not replace
// one that is in use.
func (tx *Tx) BeginTOTP(ctx context.Context, user id.UserID, sealed string) error {
	tag, err := tx.tx.Exec(ctx, `
		update users set totp_secret = $2, totp_step = 0, updated_at = now() where id = $1 and totp_since is null`, user, sealed)
	if err != nil {
		return fmt.Errorf("begin second factor: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fleet.Errorf(fleet.Conflict, "you have a second factor already: take it away first")
	}
	return nil
}

// ConfirmTOTP puts the seed to use that its owner has shown a code of.
func (tx *Tx) ConfirmTOTP(ctx context.Context, user id.UserID, sealed string, step int64, now time.Time) error {
	tag, err := tx.tx.Exec(ctx, `
		update users set totp_since = $4, totp_step = $3, updated_at = $4
		where id = $1 and totp_secret = $2 and totp_since is null`, user, sealed, step, now)
	if err != nil {
		return fmt.Errorf("confirm second factor: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fleet.Errorf(fleet.Conflict, "this was begun anew in the meantime: use the newest secret")
	}
	return nil
}

// UseStep uses the code of a step up. It reports false where that step, or a
// later one, was used before.
func (tx *Tx) UseStep(ctx context.Context, user id.UserID, step int64) (bool, error) {
	tag, err := tx.tx.Exec(ctx, `update users set totp_step = $2 where id = $1 and totp_step < $2 and totp_since is not null`, user, step)
	if err != nil {
		return false, fmt.Errorf("use second factor: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// UseRecoveryCode uses a code up. It reports false where there is none such
// that was not used.
func (tx *Tx) UseRecoveryCode(ctx context.Context, user id.UserID, hash []byte, now time.Time) (bool, error) {
	tag, err := tx.tx.Exec(ctx, `
		update recovery_codes set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null`, user, hash, now)
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// PutRecoveryCodes replaces all recovery codes of a user.
func (tx *Tx) PutRecoveryCodes(ctx context.Context, user id.UserID, hashes [][]byte) error {
	batch := &pgx.Batch{}
	batch.Queue(`delete from recovery_codes where user_id = $1`, user)
	batch.Queue(`insert into recovery_codes (user_id, code_hash) select $1, unnest($2::bytea[])`, user, hashes)
	return wrap("replace recovery codes", tx.tx.SendBatch(ctx, batch).Close())
}

// DropTOTP takes the second factor from a user, with its recovery codes.
func (tx *Tx) DropTOTP(ctx context.Context, user id.UserID) error {
	batch := &pgx.Batch{}
	batch.Queue(`update users set totp_secret = null, totp_since = null, totp_step = 0, updated_at = now() where id = $1`, user)
	batch.Queue(`delete from recovery_codes where user_id = $1`, user)
	return wrap("drop second factor", tx.tx.SendBatch(ctx, batch).Close())
}
