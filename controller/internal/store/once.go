package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Once marks a request that its sender may repeat without its being carried
// out twice.
type Once struct {
	User id.UserID
	Key  string // the sender's; "" switches the matter off
	Hash []byte // of the request: the same key with another request is a mistake
}

// maxKey is how long an Idempotency-Key may be.
const maxKey = 255

// Once makes a request repeatable under its sender's key. in is all that he
// asks for, without the key; what of it is secret is kept as a digest only.
func (s *Store) Once(user id.UserID, v fleet.Verb, key string, in any) (Once, error) {
	if key == "" {
		return Once{}, nil
	}
	if len(key) > maxKey || strings.ContainsFunc(key, unicode.IsControl) {
		return Once{}, fleet.InvalidFields(spec.Fault{Field: "Idempotency-Key", Message: fmt.Sprintf("use up to %d printable characters", maxKey)})
	}
	request, err := json.Marshal(in)
	if err != nil {
		return Once{}, fmt.Errorf("hash request: %w", err)
	}
	return Once{User: user, Key: key, Hash: s.Digest(append([]byte(v+" "), request...))}, nil
}

// Recall claims the key of a request, or reads the answer that the key got
// before into answer and reports true. While another transaction works on
// the same key it waits.
func (tx *Tx) Recall(ctx context.Context, o Once, answer any) (bool, error) {
	if o.Key == "" {
		return false, nil
	}
	tag, err := tx.tx.Exec(ctx, `insert into idempotency_keys (user_id, key, request_hash, response)
		values ($1, $2, $3, '{}') on conflict do nothing`, o.User, o.Key, o.Hash)
	if err != nil {
		return false, fmt.Errorf("claim key: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return false, nil
	}
	var hash, before []byte // which is of another form where the request was another
	err = tx.tx.QueryRow(ctx, `select request_hash, response from idempotency_keys where user_id = $1 and key = $2`, o.User, o.Key).
		Scan(&hash, &before)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, fleet.Errorf(fleet.Unavailable, "the Idempotency-Key is in use this moment: try again").Because(err)
	}
	if err != nil {
		return false, fmt.Errorf("recall key: %w", err)
	}
	if !bytes.Equal(hash, o.Hash) {
		return false, fleet.Errorf(fleet.Conflict, "this Idempotency-Key was used for a different request: use a new key for a new request")
	}
	if err := json.Unmarshal(before, answer); err != nil {
		return false, fmt.Errorf("read the answer of a key: %w", err)
	}
	return true, nil
}

// Remember keeps the answer of the request whose key Recall claimed.
func (tx *Tx) Remember(ctx context.Context, o Once, answer any) error {
	if o.Key == "" {
		return nil
	}
	text, err := json.Marshal(answer) // pgx would write an id as no JSON
	if err != nil {
		return fmt.Errorf("remember answer: %w", err)
	}
	if _, err := tx.tx.Exec(ctx, `update idempotency_keys set response = $3 where user_id = $1 and key = $2`, o.User, o.Key, text); err != nil {
		return fmt.Errorf("remember answer: %w", err)
	}
	return nil
}
