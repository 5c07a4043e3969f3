package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// SealKey is the id of the key that secrets are sealed with now.
func (s *Store) SealKey(ctx context.Context) (string, error) {
	var canary string
	if err := s.db.QueryRow(ctx, `select canary from secret_key`).Scan(&canary); err != nil {
		return "", fmt.Errorf("read the key that seals: %w", err)
	}
	return seal.KeyOf(canary), nil
}

// SealWith makes another key of the ring the one that seals from now on.
// Transactions that seal with the one before end first.
func (tx *Tx) SealWith(ctx context.Context, key string) error {
	if tx.vault == nil {
		return errLocked
	}
	canary, err := tx.vault.ring.Seal(key, canaryOf, string(tx.vault.pepper))
	if err != nil {
		return err
	}
	if _, err := tx.tx.Exec(ctx, `update secret_key set canary = $1`, canary); err != nil {
		return fmt.Errorf("change the key that seals: %w", err)
	}
	return nil
}

// resealed is one kind of row that holds secrets. All that are sealed in this
// database are in resealings, or a rotation would lose them.
type resealed struct {
	what string
	// batch locks some rows behind the cursor and writes those anew that
	// another key has sealed; it answers the last row and how many were written.
	batch func(tx *Tx, ctx context.Context, after string) (last string, written int, err error)
}

// resealBatch is how many rows a transaction takes: other verbs wait for it.
const resealBatch = 100

var resealings = []resealed{
	{"second factors", (*Tx).resealTOTP},
	{"containers", (*Tx).resealSpecs},
}

// Reseal seals all that was sealed with another key anew, with the one that
// seals now. It may end at any point and be done again: what is done is done.
// It ends when did, which is told of every step, answers an error.
func (s *Store) Reseal(ctx context.Context, did func(what string, written int) error) error {
	for _, kind := range resealings {
		after := ""
		for first := true; first || after != ""; first = false {
			var last string
			var written int
			err := s.InTx(ctx, func(tx *Tx) (err error) {
				last, written, err = kind.batch(tx, ctx, after)
				return err
			})
			if err != nil {
				return fmt.Errorf("seal %s anew: %w", kind.what, err)
			}
			if after = last; written > 0 {
				if err := did(kind.what, written); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (tx *Tx) resealTOTP(ctx context.Context, after string) (string, int, error) {
	rows, err := tx.tx.Query(ctx, `
		select id, totp_secret from users where totp_secret is not null and ($1 = '' or id > $1::uuid)
		order by id limit $2 for update`, after, resealBatch)
	if err != nil {
		return "", 0, err
	}
	type row struct {
		ID     id.UserID
		Secret string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(list) == 0 {
		return "", 0, err
	}
	written := 0
	for _, r := range list {
		now, changed, err := tx.reseal(ctx, TOTPOf(r.ID), r.Secret)
		if err != nil {
			return "", 0, err
		}
		if !changed {
			continue
		}
		written++
		if _, err := tx.tx.Exec(ctx, `update users set totp_secret = $2 where id = $1`, r.ID, now); err != nil {
			return "", 0, err
		}
	}
	return list[len(list)-1].ID.String(), written, nil
}

// TOTPOf is what the seed of a user's second factor is sealed as.
func TOTPOf(user id.UserID) string { return fmt.Sprintf("user/%s/totp", user) }

func (tx *Tx) resealSpecs(ctx context.Context, after string) (string, int, error) {
	rows, err := tx.tx.Query(ctx, `
		select id, spec from containers where spec ? 'secret' and ($1 = '' or id > $1::uuid)
		order by id limit $2 for update`, after, resealBatch)
	if err != nil {
		return "", 0, err
	}
	type row struct {
		ID   id.ContainerID
		Spec spec.Container
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(list) == 0 {
		return "", 0, err
	}
	written := 0
	for _, r := range list {
		some := false
		err := eachSecret(r.ID, &r.Spec, func(of, sealed string) (string, error) {
			now, changed, err := tx.reseal(ctx, of, sealed)
			some = some || changed
			return now, err
		})
		if err != nil {
			return "", 0, err
		}
		if !some {
			continue
		}
		written++
		if _, err := tx.tx.Exec(ctx, `update containers set spec = $2 where id = $1`, r.ID, r.Spec); err != nil {
			return "", 0, err
		}
	}
	return list[len(list)-1].ID.String(), written, nil
}

// reseal seals a secret anew where another key has sealed it.
func (tx *Tx) reseal(ctx context.Context, of, sealed string) (now string, changed bool, err error) {
	plain, err := tx.Unseal(of, sealed)
	if err != nil {
		return "", false, err
	}
	if now, err = tx.Seal(ctx, of, plain); err != nil {
		return "", false, err
	}
	if seal.KeyOf(now) == seal.KeyOf(sealed) {
		return sealed, false, nil
	}
	return now, true, nil
}
